"""TPMS_ATTEST: every type and field, every bound, every place of a fault."""

from __future__ import annotations

import pytest

from attest.tpm.attestation import (
    TpmsAttest,
    TpmsCertifyInfo,
    TpmsQuoteInfo,
    attest_field_by_field,
    parse_attest,
    quote_at_a_glance,
)
from attest.tpm.constants import Alg, AttestType
from tests.aik import ALG, rsa_aik, sized
from tests.build import (
    MAGIC,
    PAYLOAD_ID,
    TYPE,
    VALUES,
    QuoteLies,
    attestation,
    nonce_of,
    other,
    quote,
)
from tests.faults import accepted_of, differing, fault_of, one_octet_changed, truncations
from tests.recorded import GCE, REAL, structures_of

AIK = rsa_aik()
QUOTE = quote(AIK, VALUES)
FIELDS = (
    (0, 6, "magic"),
    (6, 2, "qualifiedSigner.size"),
    (8, 34, "qualifiedSigner"),
    (42, 2, "extraData.size"),
    (44, 16, "extraData"),
    (60, 25, "clockInfo"),
    (85, 4, "pcrSelect.count"),
    (89, 3, "pcrSelect"),
    (92, 3, "pcrSelect"),
    (95, 2, "pcrDigest.size"),
    (97, 32, "pcrDigest"),
)
"""Where each field of QUOTE begins, how many octets it takes, and what faults call it."""


def quote_info(attest: TpmsAttest) -> TpmsQuoteInfo:
    """Return the body of a quote."""
    assert isinstance(attest.attested, TpmsQuoteInfo)
    return attest.attested


def test_quote_is_read_whole() -> None:
    attest = parse_attest(QUOTE)

    assert (attest.magic, attest.type) == (MAGIC, AttestType.QUOTE)
    assert attest.qualified_signer == AIK.qualified_name()
    assert attest.extra_data == nonce_of(PAYLOAD_ID)
    assert attest.clock_info.clock == 123_456
    assert (attest.clock_info.reset_count, attest.clock_info.restart_count) == (7, 2)
    assert attest.clock_info.safe is True
    assert attest.firmware_version == 0x2023_0001_0000_0000
    assert [(bank.hash, bank.indices) for bank in quote_info(attest).pcr_select] == [
        (Alg.SHA256, (0, 7, 10))
    ]
    assert quote_info(attest).pcr_digest == QUOTE[-32:]
    assert attest.signed == QUOTE


@pytest.mark.parametrize(
    ("bank", "clock", "digest"),
    [
        ("sha1", 8219159479, "fda327d4ba5d5978fe3a23db1a47964050e872639ef5d6a99c123cca39e56d8b"),
        ("sha256", 8219159552, "048937cbaaf28af85a5b0c0997e725097a0d94e05fcda104a82ee3fb6b2e1808"),
        ("sha384", 8219159625, "6c250f48d304517716f4a5a9127bf8762a80b63df783cb724630b180a3a66bea"),
    ],
)
def test_quote_of_a_cloud_tpm_is_read_whole(bank: str, clock: int, digest: str) -> None:
    octets = structures_of(GCE + bank).quote

    attest = parse_attest(octets)

    signer = "000bde01fe4b4ade2f8b7ae19b8a8897e0cb77ae417731d8ce38697ec4f6c095030a"
    counters = (attest.clock_info.reset_count, attest.clock_info.restart_count)
    assert (attest.magic, attest.type) == (0xFF544347, 0x8018)
    assert (attest.qualified_signer.hex(), attest.extra_data.hex()) == (signer, "9009")
    assert (attest.clock_info.clock, *counters, attest.clock_info.safe) == (clock, 10, 0, True)
    assert attest.firmware_version == 0x2016_0511_0016_2800
    (selection,) = quote_info(attest).pcr_select
    assert (selection.hash, selection.indices) == (ALG[bank], tuple(range(24)))
    assert quote_info(attest).pcr_digest.hex() == digest
    assert attest.signed == octets


def test_certification_is_read_whole() -> None:
    attest = parse_attest(other("certify", AIK))

    assert attest.type == AttestType.CERTIFY
    assert isinstance(attest.attested, TpmsCertifyInfo)
    assert attest.attested.name == AIK.name
    assert attest.attested.qualified_name == AIK.qualified_name()


@pytest.mark.parametrize("kind", ["time", "creation", "nv"])
def test_other_body_is_kept_as_octets(kind: str) -> None:
    octets = other(kind, AIK)

    attest = parse_attest(octets)

    assert (attest.type, attest.extra_data) == (TYPE[kind], nonce_of(PAYLOAD_ID))
    assert attest.attested == octets[85:]


@pytest.mark.parametrize(
    "number", [0x0000, 0x8014, 0x8015, 0x8016, 0x8019, 0x801A, 0x801B, 0x801C, 0xFFFF]
)
@pytest.mark.parametrize("body", [b"", b"any body at all"])
def test_header_is_read_of_every_type(number: int, body: bytes) -> None:
    attest = parse_attest(attestation("time", AIK, body, {"type": number}))

    assert (attest.type, attest.attested) == (number, body)
    assert attest.qualified_signer == AIK.qualified_name()


@pytest.mark.parametrize("magic", [0, 0xFF544346, 0x474354FF, 0xFFFFFFFF])
def test_foreign_magic_is_read(magic: int) -> None:
    attest = parse_attest(quote(AIK, VALUES, magic=magic))

    assert (attest.magic, attest.type) == (magic, AttestType.QUOTE)


@pytest.mark.parametrize("octets", [0, 1, 2**63, 2**64 - 1])
def test_clock_and_firmware_have_64_bits(octets: int) -> None:
    attest = parse_attest(quote(AIK, VALUES, clock=octets, firmware=2**64 - 1 - octets))

    assert attest.clock_info.clock == octets
    assert attest.firmware_version == 2**64 - 1 - octets


def test_counters_have_32_bits() -> None:
    lies: QuoteLies = {"reset_count": 2**32 - 1, "restart_count": 2**31}

    info = parse_attest(quote(AIK, VALUES, **lies)).clock_info

    assert (info.reset_count, info.restart_count) == (2**32 - 1, 2**31)


@pytest.mark.parametrize(("octet", "safe"), [(0, False), (1, True)])
def test_safe_is_a_boolean(octet: int, safe: bool) -> None:
    assert parse_attest(quote(AIK, VALUES, safe=octet)).clock_info.safe is safe


@pytest.mark.parametrize("octet", [2, 3, 128, 255])
def test_safe_is_neither_more_nor_less(octet: int) -> None:
    assert fault_of(parse_attest, quote(AIK, VALUES, safe=octet)) == (
        f"TPMS_ATTEST.clockInfo.safe at octet 76: {octet} is neither 0 nor 1"
    )


@pytest.mark.parametrize("length", [0, 1, 67, 68])
def test_signer_has_up_to_68_octets(length: int) -> None:
    assert parse_attest(quote(AIK, VALUES, signer=b"s" * length)).qualified_signer == b"s" * length


@pytest.mark.parametrize("length", [0, 1, 65, 66])
def test_extra_data_has_up_to_66_octets(length: int) -> None:
    assert parse_attest(quote(AIK, VALUES, extra_data=b"n" * length)).extra_data == b"n" * length


@pytest.mark.parametrize("length", [0, 1, 63, 64])
def test_digest_has_up_to_64_octets(length: int) -> None:
    attest = parse_attest(quote(AIK, VALUES, digest=b"d" * length))

    assert quote_info(attest).pcr_digest == b"d" * length


@pytest.mark.parametrize("length", [0, 1, 68])
def test_certified_names_have_up_to_68_octets(length: int) -> None:
    body = sized(b"n" * length) + sized(b"q" * length)

    info = parse_attest(other("certify", AIK, body=body)).attested

    assert info == TpmsCertifyInfo(b"n" * length, b"q" * length)


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ({"signer": bytes(69)}, "qualifiedSigner.size at octet 6: 69 exceeds 68"),
        ({"extra_data": bytes(67)}, "extraData.size at octet 42: 67 exceeds 66"),
        ({"digest": bytes(65)}, "pcrDigest.size at octet 95: 65 exceeds 64"),
        ({"count": 17}, "pcrSelect.count at octet 85: 17 exceeds 16"),
        ({"count": 0xFFFFFFFF}, "pcrSelect.count at octet 85: 4294967295 exceeds 16"),
        (
            {"signer": b"", "extra_data": bytes(32), "count": 99},
            "pcrSelect.count at octet 67: 99 exceeds 16",
        ),
        ({"count": 0}, "end at octet 102: 27 trailing octets"),
        ({"trailing": b"x"}, "end at octet 129: 1 trailing octet"),
        ({"trailing": b"xy"}, "end at octet 129: 2 trailing octets"),
    ],
)
def test_quote_out_of_bounds_is_refused_at_its_place(lies: QuoteLies, fault: str) -> None:
    assert fault_of(parse_attest, quote(AIK, VALUES, **lies)) == f"TPMS_ATTEST.{fault}"


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "name.size at octet 85: 2 octets wanted, 0 left"),
        (b"\0\2x", "name at octet 87: 2 octets wanted, 1 left"),
        (sized(bytes(69)), "name.size at octet 85: 69 exceeds 68"),
        (sized(b"x"), "qualifiedName.size at octet 88: 2 octets wanted, 0 left"),
        (sized(b"x") + b"\0\3xy", "qualifiedName at octet 90: 3 octets wanted, 2 left"),
        (sized(b"x") + sized(bytes(69)), "qualifiedName.size at octet 88: 69 exceeds 68"),
    ],
)
def test_certification_out_of_bounds_is_refused_at_its_place(body: bytes, fault: str) -> None:
    assert fault_of(parse_attest, other("certify", AIK, body=body)) == (
        f"TPMS_ATTEST.attested.{fault}"
    )


def test_certification_with_an_octet_left_over_is_refused() -> None:
    assert fault_of(parse_attest, other("certify", AIK, trailing=b"x")) == (
        "TPMS_ATTEST.end at octet 157: 1 trailing octet"
    )


@pytest.mark.parametrize("length", range(len(QUOTE)))
def test_cut_quote_is_refused_in_the_field_that_is_short(length: int) -> None:
    start, wanted, field = next(place for place in FIELDS if length < place[0] + place[1])

    assert fault_of(parse_attest, QUOTE[:length]) == (
        f"TPMS_ATTEST.{field} at octet {start}: {wanted} octets wanted, {length - start} left"
    )


@pytest.mark.parametrize("case", REAL)
def test_every_truncation_of_a_real_quote_is_refused(case: str) -> None:
    octets = structures_of(case).quote
    header = 85 if case.endswith("type-time") else len(octets)

    assert accepted_of(parse_attest, truncations(octets)[:header]) == []


@pytest.mark.parametrize("kind", ["time", "creation", "nv"])
def test_every_truncation_of_a_header_is_refused(kind: str) -> None:
    assert accepted_of(parse_attest, truncations(other(kind, AIK))[:85]) == []


@pytest.mark.parametrize(
    "lies",
    [
        {},
        {"safe": 0},
        {"signer": b""},
        {"signer": bytes(68)},
        {"extra_data": b""},
        {"extra_data": bytes(66)},
        {"digest": b""},
        {"digest": bytes(64)},
        {"selection": []},
        {"selection": [("sha1", [0, 23]), (0x0099, []), ("sha256", [7])]},
        {"selection": [("sha384", [1])] * 16},
    ],
)
def test_quote_is_read_at_a_glance_as_field_by_field(lies: QuoteLies) -> None:
    octets = quote(AIK, VALUES, **lies)

    assert quote_at_a_glance(octets) == attest_field_by_field(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        sized(QUOTE),
        QUOTE[:-1],
        QUOTE + b"x",
        other("certify", AIK),
        other("time", AIK),
        quote(AIK, VALUES, magic=MAGIC - 1),
        quote(AIK, VALUES, signer=bytes(69)),
        quote(AIK, VALUES, extra_data=bytes(67)),
        quote(AIK, VALUES, digest=bytes(65)),
        quote(AIK, VALUES, safe=2),
        quote(AIK, VALUES, count=0),
        quote(AIK, VALUES, count=2**32 - 1),
        quote(AIK, VALUES, selection=[("sha256", b"\x81\x04")]),
        quote(AIK, VALUES, selection=[("sha256", b"\x81\x04\0\0")]),
        quote(AIK, VALUES, selection=[("sha384", [1])] * 17),
    ],
)
def test_glance_leaves_any_other_structure(octets: bytes) -> None:
    assert quote_at_a_glance(octets) is None


@pytest.mark.parametrize("banks", [("sha256",), ("sha1", "sha256")])
def test_glance_never_differs_where_an_octet_does(banks: tuple[str, ...]) -> None:
    octets = quote(AIK, VALUES, selection=[(bank, [0, 7, 10]) for bank in banks])
    changed = [*truncations(octets), *one_octet_changed(octets, len(octets)), octets + b"x"]

    assert differing(quote_at_a_glance, attest_field_by_field, changed) == []
