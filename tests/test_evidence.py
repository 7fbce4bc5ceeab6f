"""A response becomes evidence: what is there, what is not, and every fault in its words."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from attest.evidence import evidence_of, read_evidence
from attest.tpm.attestation import parse_attest
from attest.tpm.public import parse_public
from attest.tpm.signature import parse_signature
from tests.aik import ecc_aik, rsa_aik
from tests.base64_lies import LIES
from tests.build import (
    PAYLOAD_ID,
    VALUES,
    ResponseLies,
    base64_of,
    completion,
    hex_values,
    response,
)
from tests.recorded import REAL, response_of, structures_of
from tests.seen import nothing, seen

KIBI = 1024
MEMBERS = ("quote_b64", "signature_b64", "aik_pubkey_b64")


def faults(**lies: object) -> tuple[str, ...]:
    """The faults of a response whose attestation has these members in place of the true ones."""
    return read_evidence(response(attestation=lies)).faults


@pytest.mark.parametrize("aik", [rsa_aik(), ecc_aik()], ids=["rsa", "ecc"])
@pytest.mark.parametrize("framing", ["TPMS_ATTEST", "TPM2B_ATTEST"])
def test_honest_response_is_read_whole(aik: Any, framing: str) -> None:
    whole = response(aik, framing=framing)
    member = whole["_metadata"]["tpm_attestation"]

    evidence = read_evidence(whole)

    assert seen(evidence) == nothing(present=True)
    assert evidence.attest is not None
    assert evidence.signature is not None
    assert evidence.public == parse_public(aik.public())
    assert evidence.key is not None
    assert evidence.pcr_values == VALUES
    assert evidence.pcr_banks == "sha256:0,7,10"
    assert (evidence.payload_id, evidence.tier) == (PAYLOAD_ID, "maximum")
    assert evidence.processed_at == 1795500001
    assert evidence.member == member


@pytest.mark.parametrize("case", REAL)
def test_recorded_response_is_read_whole(case: str) -> None:
    real = structures_of(case)

    evidence = read_evidence(json.dumps(response_of(case)).encode())

    assert seen(evidence) == nothing(present=True)
    assert evidence.attest == parse_attest(real.quote)
    assert evidence.signature == parse_signature(real.signature)
    assert evidence.public == parse_public(real.public)


def test_octets_and_dict_give_the_same_evidence() -> None:
    whole = response()

    by_octets, by_dict = read_evidence(json.dumps(whole).encode()), read_evidence(whole)

    assert by_octets.member == by_dict.member
    assert by_octets.attest == by_dict.attest
    assert seen(by_octets) == seen(by_dict)


def test_evidence_of_takes_a_document_that_was_read() -> None:
    assert seen(evidence_of(response())) == nothing(present=True)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "null, expected a string"),
        (1, "a number, expected a string"),
        ([], "an array, expected a string"),
        ("AAE", "is not canonical base64"),
        ("A" * 87_384, "65538 octets exceed 65536"),
        ("A" * 87_388, "87388 characters hold more than 65536 octets"),
    ],
)
def test_structure_that_is_no_bounded_base64_is_one_fault(
    name: str, value: object, fault: str
) -> None:
    assert faults(**{name: value}) == (f"{name}: {fault}",)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("text", LIES)
def test_structure_in_any_other_base64_is_one_fault(name: str, text: str) -> None:
    assert faults(**{name: text}) == (f"{name}: is not canonical base64",)


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize(
    "lie",
    [
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:40] + "\n" + text[40:],
        lambda text: text[:40] + "!" + text[40:],
        lambda text: text + "=",
        lambda text: text + "====",
        lambda text: text[:-1],
        lambda text: text.rstrip("=") if text.endswith("=") else text[:-2],
    ],
    ids=["newline", "space", "wrapped", "junk", "=", "====", "cut", "unpadded"],
)
def test_true_structure_in_loose_base64_is_one_fault(name: str, lie: Callable[[str], str]) -> None:
    true = response()["_metadata"]["tpm_attestation"][name]

    assert faults(**{name: lie(true)}) == (f"{name}: is not canonical base64",)


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("quote_b64", "", "TPMS_ATTEST.magic at octet 0: 6 octets wanted, 0 left"),
        ("signature_b64", "", "TPMT_SIGNATURE.sigAlg at octet 0: 2 octets wanted, 0 left"),
        ("aik_pubkey_b64", "", "TPM2B_PUBLIC.size at octet 0: 2 octets wanted, 0 left"),
        ("aik_pubkey_b64", "AAA=", "TPMT_PUBLIC.type at octet 0: 8 octets wanted, 0 left"),
    ],
)
def test_fault_of_a_structure_follows_its_member(name: str, value: str, fault: str) -> None:
    assert faults(**{name: value}) == (f"{name}: {fault}",)


def test_fault_has_the_form_of_the_contract() -> None:
    whole = response(quoted={"signer": b"", "extra_data": bytes(32), "count": 99})

    assert read_evidence(whole).faults == (
        "quote_b64: TPMS_ATTEST.pcrSelect.count at octet 67: 99 exceeds 16",
    )


@pytest.mark.parametrize("name", [*MEMBERS, "pcr_values", "pcr_banks"])
def test_missing_member_is_one_fault(name: str) -> None:
    evidence = read_evidence(response(drop=[f"_metadata.tpm_attestation.{name}"]))

    assert (evidence.present, evidence.faults) == (True, (f"{name}: missing",))


def test_what_can_be_read_is_read_beside_what_cannot() -> None:
    evidence = read_evidence(response(attestation={"quote_b64": "?", "pcr_banks": 1}))

    assert evidence.attest is None
    assert evidence.pcr_banks is None
    assert evidence.signature is not None
    assert evidence.key is not None
    assert evidence.pcr_values == VALUES


def test_every_fault_is_told() -> None:
    evidence = read_evidence(completion({"is_available": True}, tier="high"))

    assert sorted(evidence.faults) == [
        "aik_pubkey_b64: missing",
        "pcr_banks: missing",
        "pcr_values: missing",
        "quote_b64: missing",
        "signature_b64: missing",
    ]


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        (
            {"public": rsa_aik().public(modulus=bytes(256))},
            "aik_pubkey_b64: TPMT_PUBLIC.unique: an even modulus is no RSA key",
        ),
        (
            {"public": ecc_aik().public(x=bytes(33))},
            "aik_pubkey_b64: TPMT_PUBLIC.unique.x: 33 octets are no coordinate on secp256r1",
        ),
        (
            {"public": ecc_aik().public(y=bytes(32))},
            "aik_pubkey_b64: TPMT_PUBLIC.unique: the point does not lie on secp256r1",
        ),
        ({"pcr_values": []}, "pcr_values: an array, expected an object"),
        ({"pcr_values": {"sha1": []}}, "pcr_values.sha1: an array, expected an object"),
        ({"pcr_values": {"sha1": {"01": ""}}}, "pcr_values.sha1.01: is no PCR number"),
        (
            {"pcr_values": {"sha1": {"1": "00"}}},
            "pcr_values.sha1.1: expected 40 hex digits",
        ),
        ({"pcr_banks": None}, "pcr_banks: null, expected a string"),
        ({"pcr_banks": ["sha256:0"]}, "pcr_banks: an array, expected a string"),
    ],
)
def test_lie_is_one_fault_in_its_words(lies: ResponseLies, fault: str) -> None:
    assert read_evidence(response(**lies)).faults == (fault,)


@pytest.mark.parametrize("curve", [0x0001, 0x0020])
def test_key_that_cannot_be_computed_with_is_no_fault(curve: int) -> None:
    evidence = read_evidence(response(ecc_aik().claiming(curve=curve)))

    assert (evidence.key, evidence.faults) == (None, ())


def test_unknown_members_are_ignored() -> None:
    assert faults(new_b64="?", other=[1], pcr_values=hex_values(VALUES)) == ()


def test_structure_of_64_kib_is_within_the_cap() -> None:
    assert faults(quote_b64=base64_of(bytes(64 * KIBI))) == ()
