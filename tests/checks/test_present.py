"""``evidence.present``: evidence is there, or the policy lets a response do without."""

import pytest

import attest
from tests import build
from tests.judging import AT, answer, attestation, octets_of, policy_of, refusing, verified

CHECK = "evidence.present"
OPTIONAL = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
NONE = {"is_available": False}


def test_present_passes_with_evidence() -> None:
    assert answer(verified(), CHECK) == ("pass", "the response carries TPM evidence")


def test_present_fails_where_the_server_declines_and_a_tpm_is_required() -> None:
    result = attest.verify(attestation(NONE), policy_of(), at=AT)
    reason = "the server says that it has no TPM, and the policy requires one"
    assert answer(result, CHECK) == ("fail", reason)


def test_present_warns_where_the_server_declines_and_a_tpm_is_optional() -> None:
    result = attest.verify(attestation(NONE, security_tier="standard"), OPTIONAL, at=AT)
    reason = "the server says that it has no TPM; the policy lets that pass"
    assert answer(result, CHECK) == ("warn", reason)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (b"{}", "_metadata is missing"),
        (b'{"_metadata": {}}', "_metadata.tpm_attestation is missing"),
        (b'{"_metadata": []}', "_metadata: an array, expected an object"),
        (b"", "response: is no JSON: Input data was truncated"),
        (b"[]", "response: is an array, expected an object"),
        (attestation(None), "tpm_attestation: null, expected an object"),
        (attestation("none"), "tpm_attestation: a string, expected an object"),
        (attestation({}), "is_available: missing, expected true or false"),
        (attestation({"is_available": 1}), "is_available: a number, expected true or false"),
        (attestation({"is_available": None}), "is_available: null, expected true or false"),
        (attestation({"is_available": "true"}), "is_available: a string, expected true or false"),
        (
            attestation({"is_available": False, "pcr_banks": "sha256:0"}),
            "is_available: false, and yet there are further members: pcr_banks",
        ),
    ],
)
@pytest.mark.parametrize("policy", [policy_of(), OPTIONAL], ids=["required", "optional"])
def test_present_fails_and_names_what_is_missing(
    response: bytes, reason: str, policy: attest.Policy
) -> None:
    result = attest.verify(response, policy, at=AT)
    assert answer(result, CHECK) == ("fail", f"no TPM evidence: {reason}")


def test_present_passes_where_evidence_is_at_fault_elsewhere() -> None:
    result = verified(drop=["_metadata.tpm_attestation.quote_b64"])
    assert answer(result, CHECK)[0] == "pass"


def test_present_cuts_the_names_of_further_members() -> None:
    member = NONE | {f"\u202e{number}": 0 for number in range(1000)}
    reason = answer(attest.verify(attestation(member), policy_of(), at=AT), CHECK)[1]
    assert "\u202e" not in reason
    assert len(reason) < 2000


def test_present_refuses_a_declining_server_under_a_policy_that_requires_a_tpm() -> None:
    result = attest.verify(octets_of(build.completion(NONE)), policy_of(), at=AT)
    assert {CHECK, "evidence.form"} <= refusing(result)
