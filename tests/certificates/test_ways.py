"""Ways to a root: few are tried, none is lost, and none is waited for."""

import pytest

from attest.certificates.model import ChainFault, Purpose
from attest.certificates.path import MAX_STEPS
from attest.certificates.validation import run_offline
from tests.certificates.chaining import LEAF, MIDDLE, ROOT, refused, validated, validator
from tests.certificates.making import (
    AT,
    ak,
    ca,
    issue,
    key,
)


def test_certificates_that_issue_each_other_end_in_few_steps() -> None:
    """Fourteen CAs of one name and key, in as many orders as there are, lead nowhere."""
    loop = [issue("loop", issue("loop", None, ca()), ca(), serial=n) for n in range(1, 15)]
    leaf = issue("leaf", loop[0], ak())

    seen = refused(leaf.der, *(one.der for one in loop))

    assert seen[1:] == (ChainFault.NO_PATH, f"no pinned root within {MAX_STEPS} steps")


def test_many_ways_are_tried_up_to_a_bound() -> None:
    """Ten roots of the right name and a wrong key stand before the right one."""
    wrong = [issue("root", None, ca(), own=key(f"wrong {n}")) for n in range(10)]

    seen = refused(LEAF.der, MIDDLE.der, by=validator(*wrong, ROOT))

    assert seen[:2] == ("c[1]", ChainFault.SIGNATURE)


def test_a_way_that_fails_does_not_hide_one_that_holds() -> None:
    wrong = issue("root", None, ca(), own=key("wrong"))

    assert validated(LEAF, MIDDLE, by=validator(wrong, ROOT)) == validated(LEAF, MIDDLE)


def test_a_path_has_eight_certificates_at_most() -> None:
    chain = [ROOT]
    for name in "abcdefg":
        chain.append(issue(name, chain[-1], ca()))
    at_most = issue("leaf", chain[-2], ak())
    too_long = issue("leaf", chain[-1], ak())
    given = [one.der for one in chain[1:]]

    assert len(validator().validate([at_most.der, *given], Purpose.AK, AT, "c").path) == 8
    assert refused(too_long.der, *given)[1] == ChainFault.NO_PATH


def test_a_validation_that_waits_is_a_fault_of_ours() -> None:
    class _Waits:
        def __await__(self) -> object:
            yield

    async def fetch() -> None:
        await _Waits()  # type: ignore[misc] # what it awaits plays no part

    with pytest.raises(RuntimeError, match="wanted to wait"):
        run_offline(fetch())
