"""``evidence.form``: every structure is exactly what its format allows."""

import pytest

import attest
from tests import aik, build
from tests.judging import (
    AT,
    Told,
    answer,
    attestation,
    octets_of,
    policy_of,
    refusing,
    verified,
)

CHECK = "evidence.form"
OPTIONAL = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
NONE = {"is_available": False}
ATTESTATION = "_metadata.tpm_attestation"


def test_form_passes_where_every_structure_is_exact() -> None:
    assert answer(verified(), CHECK) == ("pass", "every structure was read to the last octet")


@pytest.mark.parametrize("response", [b"{}", attestation(NONE), b'{"_metadata": {}}'])
def test_form_fails_without_evidence_where_a_tpm_is_required(response: bytes) -> None:
    result = attest.verify(response, policy_of(), at=AT)
    assert answer(result, CHECK) == ("fail", "there is no evidence to read")


@pytest.mark.parametrize("response", [b"{}", attestation(NONE), b'{"_metadata": {}}'])
def test_form_skips_without_evidence_where_a_tpm_is_optional(response: bytes) -> None:
    result = attest.verify(response, OPTIONAL, at=AT, security_tier="standard")
    assert answer(result, CHECK) == ("skip", "there is no evidence to read")


def test_form_skipped_refuses_where_the_attestation_is_missing() -> None:
    result = attest.verify(b"{}", OPTIONAL, at=AT, security_tier="standard")
    assert refusing(result) >= {CHECK, "evidence.present"}


@pytest.mark.parametrize("policy", [policy_of(), OPTIONAL], ids=["required", "optional"])
def test_form_fails_on_members_beside_a_refusal(policy: attest.Policy) -> None:
    member = NONE | {"pcr_banks": "", "pcr_values": {}}
    reason = "is_available: false, and yet there are further members: pcr_banks, pcr_values"
    assert answer(attest.verify(attestation(member), policy, at=AT), CHECK) == ("fail", reason)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"drop": [f"{ATTESTATION}.quote_b64"]}, "quote_b64: missing"),
        ({"drop": [f"{ATTESTATION}.signature_b64"]}, "signature_b64: missing"),
        ({"drop": [f"{ATTESTATION}.aik_pubkey_b64"]}, "aik_pubkey_b64: missing"),
        ({"drop": [f"{ATTESTATION}.pcr_banks"]}, "pcr_banks: missing"),
        ({"drop": [f"{ATTESTATION}.pcr_values"]}, "pcr_values: missing"),
        ({"pcr_banks": ["sha256:0"]}, "pcr_banks: an array, expected a string"),
        ({"pcr_values": []}, "pcr_values: an array, expected an object"),
        ({"attestation": {"quote_b64": None}}, "quote_b64: null, expected a string"),
        ({"attestation": {"quote_b64": "AA"}}, "quote_b64: is not canonical base64"),
        (
            {"quoted": {"count": 99}},
            "quote_b64: TPMS_ATTEST.pcrSelect.count at octet 85: 99 exceeds 16",
        ),
        (
            {"quoted": {"trailing": b"\0"}},
            "quote_b64: TPMS_ATTEST.end at octet 129: 1 trailing octet",
        ),
        (
            {"quoted": {"safe": 2}},
            "quote_b64: TPMS_ATTEST.clockInfo.safe at octet 76: 2 is neither 0 nor 1",
        ),
        (
            {"pcr_values": {"sha256": {"07": "00" * 32}}},
            "pcr_values.sha256.07: is no PCR number",
        ),
        (
            {"pcr_values": {"sha256": {"7": "00" * 31}}},
            "pcr_values.sha256.7: expected 64 hex digits",
        ),
        (
            {"metadata": {"security_tier": 3}},
            "_metadata.security_tier: a number, expected a string",
        ),
        ({"attestation": {"endorsement": []}}, "endorsement: an array, expected an object"),
    ],
)
def test_form_fails_and_names_the_place(told: Told, reason: str) -> None:
    assert answer(verified(**told), CHECK) == ("fail", reason)


def test_form_fails_on_a_point_that_is_not_on_its_curve() -> None:
    key = aik.ecc_aik().claiming(y=bytes(31) + b"\1")
    reason = "aik_pubkey_b64: TPMT_PUBLIC.unique: the point does not lie on secp256r1"
    assert answer(verified(key), CHECK) == ("fail", reason)


@pytest.mark.parametrize(
    ("faults", "end"), [(1, ""), (5, ""), (6, "; and 1 more"), (9, "; and 4 more")]
)
def test_form_names_five_faults_and_counts_the_others(faults: int, end: str) -> None:
    values = {"sha256": {f"x{number}": "00" * 32 for number in range(faults)}}
    named = (f"pcr_values.sha256.x{n}: is no PCR number" for n in range(min(faults, 5)))
    assert answer(verified(pcr_values=values), CHECK) == ("fail", "; ".join(named) + end)


def test_form_escapes_what_a_terminal_could_act_on() -> None:
    values: dict[str, object] = {"\x1b[2J\u202e": []}
    reason = r"pcr_values.\x1b[2J\u202e: an array, expected an object"
    assert answer(verified(pcr_values=values), CHECK) == ("fail", reason)


def test_form_cuts_names_at_200_characters() -> None:
    reason = f"pcr_values.{'b' * 200}...: an array, expected an object"
    assert answer(verified(pcr_values={"b" * 201: []}), CHECK) == ("fail", reason)


def test_form_repeats_names_of_200_characters_whole() -> None:
    reason = f"pcr_values.{'b' * 200}: an array, expected an object"
    assert answer(verified(pcr_values={"b" * 200: []}), CHECK) == ("fail", reason)


def test_form_bounds_its_reason_whatever_members_there_are() -> None:
    member = NONE | {f"member-{number}": 0 for number in range(1000)}
    reason = answer(attest.verify(attestation(member), policy_of(), at=AT), CHECK)[1]
    assert len(reason) < 2000


def test_form_fails_on_a_response_that_is_no_object() -> None:
    result = attest.verify(octets_of([build.response()]), policy_of(), at=AT)
    assert answer(result, CHECK) == ("fail", "response: is an array, expected an object")
