"""attest is never laxer than keylime's checkquote where both judge the same thing."""

import functools
from typing import Final

from tests.peers import by_keylime
from tests.peers.cases import FORM, Case, all_cases

RSAPSS: Final = b"\x00\x16"
COMPARED: Final = {"quote.magic", "quote.type", "quote.signature", "quote.nonce", "quote.digest"}
"""The questions that are compared; the selection is not among them."""


@functools.cache
def judgements() -> list[tuple[Case, str | None]]:
    """Every case, and what keylime says against it."""
    cases = all_cases()
    return list(zip(cases, by_keylime.verdicts(cases), strict=True))


def unsupported(case: Case) -> str | None:
    """Say which form of quote keylime does not take, if it is one."""
    if case.signature[:2] == RSAPSS:
        return "an RSA key signs with RSASSA only"
    if case.banks != [by_keylime.HASHES.get(by_keylime.scheme_hash(case))]:
        return "the PCRs are those of one bank, the one of the signing hash"
    return None


def test_what_attest_accepts_keylime_accepts_too() -> None:
    accepted = [
        (case, said) for case, said in judgements() if case.accepted and not unsupported(case)
    ]
    assert len(accepted) > 100
    laxer = {case.name: said for case, said in accepted if said is not None}
    assert not laxer


def test_what_attest_refuses_keylime_refuses_too() -> None:
    compared = [
        (case, said)
        for case, said in judgements()
        if case.refused and case.refused <= COMPARED and FORM not in case.refused
    ]
    assert len(compared) > 200
    unexplained = [case.name for case, said in compared if said is None]
    assert not unexplained


def test_each_question_that_is_compared_is_refused_in_some_case_by_both() -> None:
    both = [case.refused for case, said in judgements() if said is not None]
    assert {check for check in COMPARED if {check} in both} == COMPARED
