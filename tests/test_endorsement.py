"""Members that a server may add: bounded here, judged elsewhere, and never a reason to accept."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from attest.evidence import read_evidence
from tests import aik
from tests.aik import ecc_aik, rsa_aik
from tests.build import base64_of, response
from tests.endorsing import AK, certified, certify, chained

KIBI = 1024
STRUCTURES = ("ak_pubkey_b64", "certify_b64", "certify_signature_b64")
CHAINS = ("aik_cert_chain_b64", "ak_cert_chain_b64")


def faults(**lies: object) -> tuple[str, ...]:
    """The faults of an honest response with these members added to its attestation."""
    return read_evidence(response(attestation=lies)).faults


def text_of(length: int) -> str:
    """Base64 of this many octets."""
    return base64_of(bytes(length))


@pytest.mark.parametrize(
    "members",
    [
        {"endorsement": {}},
        {"endorsement": {"of the future": 1}},
        {"endorsement": {"hcl_report_b64": "AAEC", "vcek_chain_b64": "AAEC"}},
        {"endorsement": certified(rsa_aik())},
        {"endorsement": {name: ["AAEC", "AAE="] for name in CHAINS}},
        {"event_log_b64": "AAEC", "ima_log_b64": "AAEC"},
        {"event_log_b64": "", "ima_log_b64": ""},
    ],
)
def test_optional_members_within_bounds_are_no_fault(members: dict[str, Any]) -> None:
    assert faults(**members) == ()


@pytest.mark.parametrize(
    ("name", "most"), [("event_log_b64", 4 * KIBI * KIBI), ("ima_log_b64", 32 * KIBI * KIBI)]
)
def test_log_up_to_its_cap_is_no_fault(name: str, most: int) -> None:
    assert faults(**{name: text_of(most)}) == ()


@pytest.mark.parametrize(
    ("name", "most"), [("event_log_b64", 4 * KIBI * KIBI), ("ima_log_b64", 32 * KIBI * KIBI)]
)
def test_log_over_its_cap_is_a_fault(name: str, most: int) -> None:
    assert faults(**{name: text_of(most + 1)}) == (f"{name}: {most + 1} octets exceed {most}",)


@pytest.mark.parametrize("name", ["event_log_b64", "ima_log_b64"])
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (None, "null, expected a string"),
        ({}, "an object, expected a string"),
        (["AAEC"], "an array, expected a string"),
        (0, "a number, expected a string"),
        ("AAE", "is not canonical base64"),
        ("AAEC\n", "is not canonical base64"),
    ],
)
def test_log_that_is_no_base64_is_a_fault(name: str, value: object, fault: str) -> None:
    assert faults(**{name: value}) == (f"{name}: {fault}",)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "null"),
        ([], "an array"),
        ("", "a string"),
        (0, "a number"),
        (False, "a boolean"),
    ],
)
def test_endorsement_that_is_no_object_is_a_fault(value: object, kind: str) -> None:
    assert faults(endorsement=value) == (f"endorsement: {kind}, expected an object",)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("ak_pubkey_b64", "TPM2B_PUBLIC.size at octet 0: 0 announced, 65534 follow"),
        ("certify_b64", None),
        ("certify_signature_b64", None),
    ],
)
def test_endorsing_structure_of_64_kib_is_read(name: str, fault: str | None) -> None:
    told = () if fault is None else (f"endorsement.{name}: {fault}",)
    assert faults(endorsement={name: text_of(64 * KIBI)}) == told


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (text_of(64 * KIBI + 1), "65537 octets exceed 65536"),
        (text_of(64 * KIBI + 3), "87388 characters hold more than 65536 octets"),
        (None, "null, expected a string"),
        (["AAEC"], "an array, expected a string"),
        ("AAE", "is not canonical base64"),
    ],
    ids=["one over", "far over", "null", "array", "junk"],
)
def test_endorsing_structure_at_fault_is_named_with_its_path(
    name: str, value: object, fault: str
) -> None:
    assert faults(endorsement={name: value}) == (f"endorsement.{name}: {fault}",)


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("count", [1, 2, 16])
def test_chain_has_1_to_16_certificates(name: str, count: int) -> None:
    assert faults(endorsement={name: [text_of(16 * KIBI)] * count}) == ()


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ([], ": 0 certificates, expected 1 to 16"),
        (["AAEC"] * 17, ": 17 certificates, expected 1 to 16"),
        (None, ": null, expected an array"),
        ("AAEC", ": a string, expected an array"),
        ({"0": "AAEC"}, ": an object, expected an array"),
        ([None], "[0]: null, expected a string"),
        (["AAEC", 1], "[1]: a number, expected a string"),
        (["AAEC", ["AAEC"]], "[1]: an array, expected a string"),
        (["AAEC", "AAE"], "[1]: is not canonical base64"),
        ([text_of(16 * KIBI + 1)], "[0]: 16385 octets exceed 16384"),
        ([text_of(16 * KIBI + 3)], "[0]: 21852 characters hold more than 16384 octets"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_chain_out_of_bounds_is_a_fault_at_its_place(name: str, value: object, fault: str) -> None:
    assert faults(endorsement={name: value}) == (f"endorsement.{name}{fault}",)


def test_endorsement_is_parsed_into_evidence() -> None:
    statement = certify(rsa_aik())
    chain = {"aik_cert_chain_b64": chained(b"a", b"bc"), "ak_cert_chain_b64": chained(b"d")}
    told = response(attestation={"endorsement": {**certified(rsa_aik()), **chain}})
    evidence = read_evidence(told)
    read = evidence.endorsement
    assert evidence.faults == ()
    assert read is not None
    assert read.certify is not None
    assert read.ak_public is not None
    assert read.offered == STRUCTURES
    assert read.certify.signed == statement
    assert read.ak_public.octets == AK.public()[2:]
    assert (read.aik_chain, read.ak_chain) == ((b"a", b"bc"), (b"d",))
    assert read.ak_key is not None


@pytest.mark.parametrize("lies", [{}, {"attestation": {"event_log_b64": "AAEC"}}])
def test_evidence_without_endorsement_has_none(lies: dict[str, Any]) -> None:
    assert read_evidence(response(**lies)).endorsement is None


def test_an_endorsement_without_members_is_an_empty_one() -> None:
    read = read_evidence(response(attestation={"endorsement": {}})).endorsement
    assert read is not None
    assert (read.offered, read.certify, read.aik_chain) == ((), None, ())


def test_every_fault_of_an_endorsement_is_named_and_the_rest_is_read() -> None:
    broken = {"ak_pubkey_b64": "AA==", "aik_cert_chain_b64": ["AAE"], "ak_cert_chain_b64": []}
    member = {**certified(rsa_aik()), **broken}
    evidence = read_evidence(response(attestation={"endorsement": member, "ima_log_b64": 0}))
    assert evidence.faults == (
        "ima_log_b64: a number, expected a string",
        "endorsement.ak_pubkey_b64: TPM2B_PUBLIC.size at octet 0: 2 octets wanted, 1 left",
        "endorsement.aik_cert_chain_b64[0]: is not canonical base64",
        "endorsement.ak_cert_chain_b64: 0 certificates, expected 1 to 16",
    )
    assert evidence.endorsement is not None
    assert evidence.endorsement.certify is not None


def test_a_point_off_its_curve_is_a_fault_of_the_ak() -> None:
    off = ecc_aik().claiming(x=b"\1" * 32, y=b"\1" * 32)
    fault = "TPMT_PUBLIC.unique: the point does not lie on secp256r1"
    told = {"ak_pubkey_b64": base64.b64encode(off.public()).decode()}
    assert faults(endorsement=told) == (f"endorsement.ak_pubkey_b64: {fault}",)


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        ("certify_b64", "TPMS_ATTEST.end at octet 149: 1 trailing octet"),
        ("certify_signature_b64", "TPMT_SIGNATURE.end at octet 104: 1 trailing octet"),
        ("ak_pubkey_b64", "TPM2B_PUBLIC.size at octet 0: 120 announced, 121 follow"),
    ],
)
def test_no_octet_may_be_left_over_in_an_endorsement(member: str, fault: str) -> None:
    whole = certified(rsa_aik())
    octets = base64.b64decode(whole[member]) + b"\0"
    told = {**whole, member: base64_of(octets)}
    assert faults(endorsement=told) == (f"endorsement.{member}: {fault}",)


def test_structures_of_an_endorsement_are_read_as_those_of_a_quote() -> None:
    statement = aik.sized(certify(rsa_aik()))
    told = {**certified(rsa_aik()), "certify_b64": base64_of(statement)}
    read = read_evidence(response(attestation={"endorsement": told})).endorsement
    assert read is not None
    assert read.certify is not None
    assert read.certify.signed == statement[2:]
