"""``quote.clock``: the TPM says whether its clock may have gone back."""

import pytest

from tests.judging import answer, refusing, verified

CHECK = "quote.clock"
REQUIRED = {"clock": {"safe": "required"}}
ANY = {"clock": {"safe": "any"}}
UNSAFE = "clockInfo.safe is 0: the TPM may have reported a later clock before"


@pytest.mark.parametrize("policy", [{}, ANY, REQUIRED], ids=["silent", "any", "required"])
def test_clock_passes_where_it_is_safe(policy: dict[str, object]) -> None:
    assert answer(verified(policy=policy), CHECK) == ("pass", "clockInfo.safe is 1")


@pytest.mark.parametrize("policy", [{}, ANY], ids=["silent", "any"])
def test_clock_warns_where_the_policy_does_not_ask(policy: dict[str, object]) -> None:
    result = verified(policy=policy, quoted={"safe": 0})
    assert answer(result, CHECK) == ("warn", UNSAFE)


def test_clock_warning_does_not_refuse() -> None:
    assert verified(quoted={"safe": 0}).accepted


def test_clock_fails_where_the_policy_requires_it_safe() -> None:
    result = verified(policy=REQUIRED, quoted={"safe": 0})
    assert answer(result, CHECK) == ("fail", f"{UNSAFE}; the policy requires 1")


def test_clock_alone_refuses_where_the_policy_requires_it_safe() -> None:
    assert refusing(verified(policy=REQUIRED, quoted={"safe": 0})) == {CHECK}


def test_clock_is_skipped_without_a_readable_quote() -> None:
    result = verified(quoted={"trailing": b"\0"})
    assert answer(result, CHECK) == ("skip", "the quote could not be read")


@pytest.mark.parametrize(("policy", "refuses"), [({}, False), (ANY, False), (REQUIRED, True)])
def test_clock_skipped_refuses_only_where_it_is_required(
    policy: dict[str, object], refuses: bool
) -> None:
    result = verified(policy=policy, quoted={"trailing": b"\0"})
    assert (CHECK in refusing(result)) is refuses


def test_clock_is_judged_in_other_attestations_too() -> None:
    assert answer(verified(quoted={"type": 0x8019, "safe": 0}), CHECK)[0] == "warn"
