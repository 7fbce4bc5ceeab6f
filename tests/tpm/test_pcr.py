"""TPML_PCR_SELECTION in a quote: bits to PCR numbers, banks in order, every bound."""

from __future__ import annotations

import pytest

from attest.tpm.attestation import TpmsQuoteInfo, parse_attest
from attest.tpm.constants import Alg
from attest.tpm.pcr import selections_of_24
from tests.aik import rsa_aik, sized
from tests.build import QuoteLies, attestation, bitmap, pcr_selection
from tests.faults import accepted_of, fault_of, truncations

BITS_OF_4 = bitmap([0], 4)

HEADER = 35
"""Octets before the selection where qualifiedSigner and extraData are empty."""


def quoted(selection: bytes) -> bytes:
    """TPMS_ATTEST of a quote with this selection, and an empty digest where it is whole."""
    lies: QuoteLies = {"signer": b"", "extra_data": b""}
    return attestation("quote", rsa_aik(), selection, lies)


def read(selection: bytes) -> list[tuple[int, tuple[int, ...]]]:
    """Read a selection through the quote that it stands in."""
    info = parse_attest(quoted(selection + sized(b""))).attested
    assert isinstance(info, TpmsQuoteInfo)
    return [(bank.hash, bank.indices) for bank in info.pcr_select]


@pytest.mark.parametrize(
    ("octets", "indices"),
    [
        (b"\x00", ()),
        (b"\x01", (0,)),
        (b"\x80", (7,)),
        (b"\x81", (0, 7)),
        (b"\x00\x01", (8,)),
        (b"\x00\x04", (10,)),
        (b"\x81\x04\x00", (0, 7, 10)),
        (b"\x00\x00\x80", (23,)),
        (b"\x00\x00\x00\x01", (24,)),
        (b"\x00\x00\x00\x80", (31,)),
        (b"\xff\xff\xff", tuple(range(24))),
        (b"\xff\xff\xff\xff", tuple(range(32))),
    ],
)
def test_bit_0_of_octet_0_is_pcr_0(octets: bytes, indices: tuple[int, ...]) -> None:
    assert read(pcr_selection([("sha256", octets)])) == [(Alg.SHA256, indices)]


@pytest.mark.parametrize("index", range(32))
def test_each_bit_is_one_pcr(index: int) -> None:
    assert read(pcr_selection([("sha1", bitmap([index], 4))])) == [(Alg.SHA1, (index,))]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_size_of_select_is_1_to_4(size: int) -> None:
    assert read(pcr_selection([("sha256", bitmap([7], size))])) == [(Alg.SHA256, (7,))]


@pytest.mark.parametrize("size", [0, 5, 255])
def test_other_size_of_select_is_refused(size: int) -> None:
    data = b"\0\0\0\1\x00\x0b" + bytes([size]) + bytes(size)

    assert fault_of(read, data) == (
        f"TPMS_ATTEST.pcrSelect[0].sizeofSelect at octet {HEADER + 6}: {size} is not in 1..4"
    )


def test_fault_names_the_position_of_its_bank() -> None:
    data = pcr_selection([("sha1", [0]), ("sha256", bytes(5))])

    assert fault_of(read, data) == (
        f"TPMS_ATTEST.pcrSelect[1].sizeofSelect at octet {HEADER + 12}: 5 is not in 1..4"
    )


@pytest.mark.parametrize("count", [0, 1, 2, 16])
def test_up_to_16_banks_are_read(count: int) -> None:
    assert read(pcr_selection([("sha256", [0])] * count)) == [(Alg.SHA256, (0,))] * count


def test_16_banks_of_another_size_are_read_too() -> None:
    assert read(pcr_selection([("sha256", BITS_OF_4)] * 16)) == [(Alg.SHA256, (0,))] * 16


@pytest.mark.parametrize("count", [17, 99, 0x0100_0000, 0xFFFF_FFFF])
def test_more_than_16_banks_are_refused(count: int) -> None:
    data = pcr_selection([("sha256", [0])] * 17, count)

    assert fault_of(read, data) == (
        f"TPMS_ATTEST.pcrSelect.count at octet {HEADER}: {count} exceeds 16"
    )


def test_banks_keep_their_order_and_their_repetition() -> None:
    data = pcr_selection([("sha256", [7, 0]), ("sha1", []), ("sha256", [10])])

    assert read(data) == [(Alg.SHA256, (0, 7)), (Alg.SHA1, ()), (Alg.SHA256, (10,))]


@pytest.mark.parametrize(
    "number",
    [0x0004, 0x000B, 0x000C, 0x000D, 0x0012, 0x0027, 0x0028, 0x0029, 0x0000, 0x0099, 0xFFFF],
)
def test_bank_is_read_known_or_not(number: int) -> None:
    assert read(pcr_selection([(number, [0])])) == [(number, (0,))]


@pytest.mark.parametrize(
    ("length", "fault"),
    [
        (0, ".count at octet 35: 4 octets wanted, 0 left"),
        (3, ".count at octet 35: 4 octets wanted, 3 left"),
        (4, " at octet 39: 3 octets wanted, 0 left"),
        (6, " at octet 39: 3 octets wanted, 2 left"),
        (7, " at octet 42: 3 octets wanted, 0 left"),
        (9, " at octet 42: 3 octets wanted, 2 left"),
        (10, " at octet 45: 3 octets wanted, 0 left"),
        (14, " at octet 48: 3 octets wanted, 1 left"),
    ],
)
def test_cut_selection_is_refused_where_it_ends(length: int, fault: str) -> None:
    data = pcr_selection([("sha1", [0]), ("sha256", [0])])

    assert fault_of(parse_attest, quoted(data[:length])) == f"TPMS_ATTEST.pcrSelect{fault}"


def test_every_truncation_is_refused() -> None:
    data = quoted(pcr_selection([("sha1", [0]), ("sha256", [0]), ("sha512", range(24))]))

    assert accepted_of(parse_attest, truncations(data + sized(b""))) == []


def test_selections_of_24_are_read_at_a_glance() -> None:
    octets = b"\0\x0b\3\x81\4\0" + b"\0\4\3\1\0\0"

    selections = selections_of_24(octets)

    assert selections is not None
    assert [(one.hash, one.indices) for one in selections] == [
        (Alg.SHA256, (0, 7, 10)),
        (Alg.SHA1, (0,)),
    ]


@pytest.mark.parametrize("size", [0, 1, 2, 4, 255])
def test_selection_of_another_size_is_left_at_a_glance(size: int) -> None:
    assert selections_of_24(b"\0\x0b" + bytes([size]) + b"\x81\0\0") is None
