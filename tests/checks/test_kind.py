"""``quote.type``: only a quote attests to PCRs."""

import pytest

from tests import build
from tests.aik import rsa_aik
from tests.judging import answer, refusing, verified

CHECK = "quote.type"
NAMES = {
    "nv": "TPM_ST_ATTEST_NV",
    "time": "TPM_ST_ATTEST_TIME",
    "certify": "TPM_ST_ATTEST_CERTIFY",
    "creation": "TPM_ST_ATTEST_CREATION",
}
OTHERS = {
    "command-audit": "TPM_ST_ATTEST_COMMAND_AUDIT",
    "session-audit": "TPM_ST_ATTEST_SESSION_AUDIT",
    "nv-digest": "TPM_ST_ATTEST_NV_DIGEST",
}


def test_type_passes_on_a_quote() -> None:
    assert answer(verified(), CHECK) == ("pass", "type is TPM_ST_ATTEST_QUOTE")


@pytest.mark.parametrize(("kind", "name"), NAMES.items())
def test_type_fails_on_another_attestation_by_the_right_key(kind: str, name: str) -> None:
    result = verified(quote=build.other(kind, rsa_aik()))
    reason = f"type is 0x{build.TYPE[kind]:04x} ({name}), expected TPM_ST_ATTEST_QUOTE"
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("kind", NAMES)
def test_type_refuses_what_has_no_selection_and_no_digest(kind: str) -> None:
    result = verified(quote=build.other(kind, rsa_aik()))
    assert refusing(result) >= {CHECK, "quote.selection", "quote.digest"}


@pytest.mark.parametrize(("kind", "name"), OTHERS.items())
def test_type_fails_and_names_the_types_of_the_specification(kind: str, name: str) -> None:
    result = verified(quoted={"type": build.TYPE[kind]})
    reason = f"type is 0x{build.TYPE[kind]:04x} ({name}), expected TPM_ST_ATTEST_QUOTE"
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("kind", [0, 0x8013, 0x801B, 0x801D, 0xFFFF])
def test_type_fails_on_a_type_that_nobody_knows(kind: int) -> None:
    reason = f"type is 0x{kind:04x} (unknown), expected TPM_ST_ATTEST_QUOTE"
    assert answer(verified(quoted={"type": kind}), CHECK) == ("fail", reason)


def test_type_is_skipped_without_a_readable_quote() -> None:
    result = verified(quoted={"trailing": b"\0"})
    assert answer(result, CHECK) == ("skip", "the quote could not be read")


def test_type_skipped_refuses() -> None:
    assert CHECK in refusing(verified(quoted={"trailing": b"\0"}))
