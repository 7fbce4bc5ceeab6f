"""TPMS_ATTEST and TPM2B_ATTEST: the first octets tell which, and each is exact."""

from __future__ import annotations

import struct

import pytest

from attest.tpm.attestation import parse_attest
from attest.tpm.constants import AttestType
from tests.aik import rsa_aik, sized
from tests.build import MAGIC, VALUES, attestation, other, quote
from tests.faults import accepted_of, fault_of, truncations

AIK = rsa_aik()
QUOTE = quote(AIK, VALUES)


@pytest.mark.parametrize("kind", ["quote", "certify"])
def test_every_truncation_of_a_framed_structure_is_refused(kind: str) -> None:
    bare = quote(AIK, VALUES) if kind == "quote" else other(kind, AIK)

    assert accepted_of(parse_attest, truncations(sized(bare))) == []


def test_frame_is_taken_off_what_is_signed() -> None:
    assert parse_attest(sized(QUOTE)) == parse_attest(QUOTE)


def test_places_count_from_the_first_octet_inside_the_frame() -> None:
    assert fault_of(parse_attest, sized(QUOTE + b"x")) == (
        "TPMS_ATTEST.end at octet 129: 1 trailing octet"
    )


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (sized(QUOTE, 128), "128 announced, 129 follow"),
        (sized(QUOTE, 130), "130 announced, 129 follow"),
        (sized(QUOTE, 0), "0 announced, 129 follow"),
        (sized(QUOTE, 0xFFFF), "65535 announced, 129 follow"),
        (sized(QUOTE) + b"x", "129 announced, 130 follow"),
        (sized(QUOTE)[:-1], "129 announced, 128 follow"),
        (sized(QUOTE)[:6], "129 announced, 4 follow"),
    ],
)
def test_frame_that_does_not_fit_is_refused(octets: bytes, fault: str) -> None:
    assert fault_of(parse_attest, octets) == f"TPM2B_ATTEST.size at octet 0: {fault}"


def test_foreign_magic_is_read_inside_a_frame_that_fits() -> None:
    attest = parse_attest(sized(quote(AIK, VALUES, magic=0x12345678)))

    assert (attest.magic, attest.type) == (0x12345678, AttestType.QUOTE)


def test_octets_whose_size_fits_are_read_framed() -> None:
    octets = quote(AIK, VALUES, magic=(len(QUOTE) - 2) << 16, signer=bytes(34))

    attest = parse_attest(octets)

    assert (attest.magic, attest.type, attest.signed) == (0x00008018, 0x0022, octets[2:])


def test_octets_that_begin_with_the_magic_are_bare_whatever_size_they_spell() -> None:
    length = 0xFF54 + 2
    octets = attestation("time", AIK, bytes(length - 85), {})

    attest = parse_attest(octets)

    assert struct.unpack(">H", octets[:2])[0] == len(octets) - 2
    assert (attest.magic, attest.signed) == (MAGIC, octets)


def test_frame_inside_a_frame_is_refused() -> None:
    assert accepted_of(parse_attest, [sized(sized(QUOTE))]) == []


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\0", b"\0\0\0\0\0\0", b"TPMS", b"\xff" * 129])
def test_what_is_neither_is_refused(octets: bytes) -> None:
    assert accepted_of(parse_attest, [octets]) == []
