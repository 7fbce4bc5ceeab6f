"""The published schema of results: the shape of the contract, open for later fields."""

from __future__ import annotations

from typing import Any

import pytest

from tests.policy.test_schema import valid
from tests.policy.texts import A, B

RESULT: dict[str, Any] = {
    "schema": 1,
    "source": "responses/a.json",
    "row": 0,
    "payload_id": "a",
    "decision": "refused",
    "assurance": "self-consistent",
    "anchor": {"trust": "enrolled", "name": "000b" + A},
    "baseline": None,
    "closest_baseline": "r760-bios-2.1.5",
    "differences": [
        {"bank": "sha256", "pcr": 7, "quoted": A, "golden": [B]},
        {"bank": "sha256", "pcr": 10, "quoted": None, "golden": ["extended"]},
    ],
    "tier": "maximum",
    "checks": [{"id": "quote.signature", "outcome": "pass", "reason": "RSASSA-SHA256, 2048 bits"}],
    "pcrs": {"sha256": {"0": A, "10": None}},
    "aik": {"name": "000b" + A, "hierarchy": "endorsement"},
    "clock": {"clock": "1000", "reset_count": 1, "restart_count": 0, "safe": True},
    "firmware_version": "18446744073709551615",
    "policy": {"name": "a", "serial": 7, "sha256": A},
    "evidence_sha256": A,
    "verified_at": "2026-11-24T00:00:00Z",
    "verifier": "tpm-attest 0.1.0",
}
NEVER_NULL = {"schema", "decision", "assurance", "differences", "checks", "verifier"}


def result_is_valid(**changes: Any) -> bool:
    return valid("result", {**RESULT, **changes})


def test_a_result_of_the_contract_is_valid() -> None:
    assert result_is_valid()


def test_fields_may_be_added() -> None:
    assert result_is_valid(later={"a": 1}, aik={"name": "00", "hierarchy": None, "later": 1})


@pytest.mark.parametrize("key", RESULT)
def test_what_could_not_be_read_is_null(key: str) -> None:
    assert result_is_valid(**{key: None}) is (key not in NEVER_NULL)


@pytest.mark.parametrize("key", RESULT)
def test_no_field_may_be_left_out(key: str) -> None:
    document = {name: value for name, value in RESULT.items() if name != key}

    assert not valid("result", document)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", 2),
        ("decision", "pass"),
        ("decision", None),
        ("assurance", "verified"),
        ("checks", []),
        ("checks", [{"id": "quote.nonce", "outcome": "ok", "reason": ""}]),
        ("checks", [{"id": "nonce", "outcome": "pass", "reason": ""}]),
        ("firmware_version", 7),
        ("firmware_version", "07"),
        ("clock", {"clock": 1000, "reset_count": 1, "restart_count": 0, "safe": True}),
        ("clock", {"clock": "1000", "reset_count": 1, "restart_count": 0, "safe": 1}),
        ("pcrs", {"sha256": {"07": A}}),
        ("pcrs", {"sha256": {"7": A.upper()}}),
        ("aik", {"name": "000b" + A, "hierarchy": "root"}),
        ("policy", {"name": "a", "serial": 7}),
        ("evidence_sha256", A[:-1]),
        ("anchor", {"name": A}),
        ("differences", [{"bank": "sha256", "pcr": 24, "quoted": None, "golden": ["any"]}]),
        ("differences", [{"bank": "sha256", "pcr": 7, "quoted": None, "golden": []}]),
    ],
)
def test_other_shapes_are_invalid(key: str, value: Any) -> None:
    assert not result_is_valid(**{key: value})
