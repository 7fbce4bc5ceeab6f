"""attest is never laxer than tpm2_checkquote, and stricter where public advisories say why."""

import functools
from typing import Final

import pytest

from tests.peers import by_checkquote
from tests.peers.cases import FORM, Case, all_cases

RSAPSS: Final = b"\x00\x16"
ADVISORIES: Final = {
    "quote.magic": "CVE-2024-29038",
    "quote.selection": "CVE-2024-29039",
    "quote.type": "GHSA-gwfg-w3jr-xh66",
}
"""What releases of the tool left unchecked, by the check of attest that refuses it."""
MENDED: Final = {"quote.magic": (5, 7), "quote.selection": (5, 7), "quote.type": (5, 8)}
"""The release of the tool that mends it."""
FOLLOWS: Final = {"quote.selection": {"quote.digest"}}
"""What attest cannot pass either: it digests the values of the PCRs that were signed."""
NOT_COMPARED: Final = {"forged-ecdsa-long", "forged-scheme-sm2"}
"""Rules of attest about the encoding of a signature; no question that the two share."""
TAKEN_SINCE: Final = {"forged-signature-short": (5, 7)}
"""Signatures against RFC 8017, 8.2.2, that the tool takes from this release on."""
OTHERWISE_LAID_OUT: Final = {
    *("forged-select-empty-beside", "forged-select-four-octets", "forged-select-two-octets")
}
"""Selections of the same PCRs in other octets than the tool writes, which compares these."""


@functools.cache
def judgements() -> list[tuple[Case, bool]]:
    """Every case that is compared, and whether the tool accepts it."""
    cases = [case for case in all_cases() if case.name not in NOT_COMPARED]
    return list(zip(cases, by_checkquote.verdicts(cases), strict=True))


def unsupported(case: Case) -> bool:
    """Tell whether the tool cannot judge such a case.

    Before 5.7 it knows no RSAPSS; from then on it knows each selection in one layout.
    """
    if by_checkquote.version() < (5, 7):
        return case.signature[:2] == RSAPSS
    return case.name in OTHERWISE_LAID_OUT


def advisory_of(case: Case) -> str | None:
    """The advisory that explains why the tool accepts what attest refuses."""
    for check, advisory in ADVISORIES.items():
        if check in case.refused and case.refused <= {check} | FOLLOWS.get(check, set()):
            return advisory
    return None


def is_explained(case: Case) -> bool:
    """Tell whether it is known why the tool accepts what attest refuses."""
    since = TAKEN_SINCE.get(case.name)
    return advisory_of(case) is not None or (since is not None and by_checkquote.version() >= since)


def test_what_attest_accepts_the_tool_accepts_too() -> None:
    accepted = [(case, taken) for case, taken in judgements() if case.accepted]
    assert len(accepted) > 100
    laxer = [case.name for case, taken in accepted if not taken and not unsupported(case)]
    assert not laxer


def test_what_attest_refuses_the_tool_refuses_too_unless_an_advisory_explains_it() -> None:
    refused = [(case, taken) for case, taken in judgements() if case.refused - {FORM}]
    compared = [(case, taken) for case, taken in refused if FORM not in case.refused]
    assert len(compared) > 300
    unexplained = [case.name for case, taken in compared if taken and not is_explained(case)]
    assert not unexplained


@pytest.mark.parametrize("check", ADVISORIES)
def test_attest_refuses_what_an_advisory_tells_of(check: str) -> None:
    told = [case for case, _ in judgements() if check in case.refused and advisory_of(case)]
    assert len(told) > 10


@pytest.mark.parametrize("check", ["quote.magic", "quote.selection"])
def test_releases_before_the_advisory_show_what_it_tells_of(check: str) -> None:
    if by_checkquote.version() >= MENDED[check]:
        pytest.skip(f"{ADVISORIES[check]} is mended in this release of the tool")
    shown = [
        case for case, taken in judgements() if taken and advisory_of(case) == ADVISORIES[check]
    ]
    assert shown


def test_attest_refuses_resettable_pcrs_that_are_shown_as_firmware() -> None:
    relabelled = [case for case, _ in judgements() if "shown as" in case.name]
    assert len(relabelled) > 10
    assert all("quote.selection" in case.refused for case in relabelled)
