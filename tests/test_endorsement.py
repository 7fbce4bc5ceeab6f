"""Members that a server may add: bounded here, judged elsewhere, and never a reason to accept."""

from __future__ import annotations

from typing import Any

import pytest

from attest.evidence import read_evidence
from tests.build import base64_of, response

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
        {"endorsement": dict.fromkeys(STRUCTURES, "AAEC")},
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


@pytest.mark.parametrize("name", STRUCTURES)
def test_endorsing_structure_up_to_64_kib_is_no_fault(name: str) -> None:
    assert faults(endorsement={name: text_of(64 * KIBI)}) == ()


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
