"""Where there is no evidence to read: absent, declined, at fault; and what is claimed beside it."""

from __future__ import annotations

from typing import Any

import pytest

from attest.evidence import read_evidence
from tests.build import PAYLOAD_ID, completion, response
from tests.seen import nothing, seen


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (b"", "response: is no JSON: Input data was truncated"),
        (b"[]", "response: is an array, expected an object"),
        (b'{"a":1,"a":1}', 'response: duplicate member "a"'),
        (None, "response: is null, expected an object"),
        ({"a": (1,)}, "response: holds a value or a member name that JSON does not have"),
    ],
)
def test_what_is_no_document_is_one_fault(given: object, fault: str) -> None:
    assert seen(read_evidence(given)) == nothing(faults=(fault,))


@pytest.mark.parametrize(
    ("document", "facts"),
    [
        ({}, {"absence": "_metadata"}),
        ({"metadata": {}}, {"absence": "_metadata"}),
        ({"_metadata": {}}, {"absence": "_metadata.tpm_attestation"}),
        ({"_metadata": None}, {"faults": ("_metadata: null, expected an object",)}),
        ({"_metadata": []}, {"faults": ("_metadata: an array, expected an object",)}),
        ({"_metadata": "x"}, {"faults": ("_metadata: a string, expected an object",)}),
        (
            {"_metadata": {"tpm_attestation": None}},
            {"faults": ("tpm_attestation: null, expected an object",)},
        ),
        (
            {"_metadata": {"tpm_attestation": []}},
            {"faults": ("tpm_attestation: an array, expected an object",)},
        ),
        (
            {"_metadata": {"security_tier": 3}},
            {
                "absence": "_metadata.tpm_attestation",
                "faults": ("_metadata.security_tier: a number, expected a string",),
            },
        ),
    ],
)
def test_missing_evidence_says_which_member(
    document: dict[str, Any], facts: dict[str, object]
) -> None:
    assert seen(read_evidence(document)) == nothing(**facts)


def test_server_without_tpm_declines() -> None:
    assert seen(read_evidence(completion({"is_available": False}))) == nothing(declined=True)


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        ({}, "is_available: missing, expected true or false"),
        ({"quote_b64": ""}, "is_available: missing, expected true or false"),
        ({"is_available": None}, "is_available: null, expected true or false"),
        ({"is_available": 1}, "is_available: a number, expected true or false"),
        ({"is_available": 0}, "is_available: a number, expected true or false"),
        ({"is_available": 1.0}, "is_available: a number, expected true or false"),
        ({"is_available": "true"}, "is_available: a string, expected true or false"),
        ({"is_available": []}, "is_available: an array, expected true or false"),
        (
            {"is_available": False, "quote_b64": "", "b": 1},
            "is_available: false, and yet there are further members: quote_b64, b",
        ),
        (
            {"is_available": False, "\x1b" + "x" * 300: 1},
            "is_available: false, and yet there are further members: \\x1b" + "x" * 199 + "...",
        ),
    ],
)
def test_availability_is_true_or_exactly_false(member: dict[str, Any], fault: str) -> None:
    assert seen(read_evidence(completion(member))) == nothing(faults=(fault,))


def test_declined_is_never_said_beside_a_fault() -> None:
    whole = completion({"is_available": False})
    whole["_metadata"]["security_tier"] = 1

    assert seen(read_evidence(whole)) == nothing(
        faults=("_metadata.security_tier: a number, expected a string",)
    )


@pytest.mark.parametrize("tier", ["", "standard", "maximum", "\x1b[0m", None])
def test_tier_is_any_text_or_none(tier: str | None) -> None:
    evidence = read_evidence(response(metadata={"security_tier": tier}))

    assert (evidence.tier, evidence.faults) == (tier, ())


@pytest.mark.parametrize("tier", [1, True, [], {}])
def test_tier_of_another_type_is_a_fault_and_no_tier(tier: object) -> None:
    evidence = read_evidence(response(metadata={"security_tier": tier}))

    assert (evidence.tier, len(evidence.faults)) == (None, 1)


@pytest.mark.parametrize(
    ("said", "read"),
    [(0, 0), (-1, -1), (2**64, 2**64), (1.0, None), (True, None), ("1", None), (None, None)],
)
def test_claimed_time_is_a_whole_number_or_none(said: object, read: int | None) -> None:
    evidence = read_evidence(response(metadata={"processed_at": said}))

    assert (evidence.processed_at, evidence.faults) == (read, ())


@pytest.mark.parametrize("payload_id", ["", "x", 5, None, [], {"a": 1}, True])
def test_payload_id_is_kept_whatever_it_is(payload_id: object) -> None:
    evidence = read_evidence(response(metadata={"payload_id": payload_id}))

    assert (evidence.payload_id, evidence.faults) == (payload_id, ())


def test_claims_are_kept_where_there_is_no_evidence() -> None:
    evidence = read_evidence(completion({"is_available": False}, tier="high"))

    assert (evidence.payload_id, evidence.tier) == (PAYLOAD_ID, "high")
    assert (evidence.processed_at, evidence.member) == (1795500001, {"is_available": False})
