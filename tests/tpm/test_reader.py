"""The cursor over octets: what it takes, what it refuses, and where it says the fault lies."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

import pytest

from attest import MalformedError
from attest.tpm.reader import Reader, unframe
from tests.faults import fault_of

OCTET_AND_SIZE = Struct(">BH")
OCTET, SHORT, WORD, PAIR = Struct(">B"), Struct(">H"), Struct(">I"), Struct(">HB")


def test_unpack_takes_big_endian_numbers_in_order() -> None:
    assert Reader("S", b"\x01\x02\x03").unpack(PAIR, "f") == (0x0102, 3)


@pytest.mark.parametrize(
    ("layout", "octets", "number"),
    [
        (OCTET, b"\xff", 255),
        (SHORT, b"\x01\x02", 0x0102),
        (WORD, b"\x80\x00\x00\x01", 0x80000001),
        (WORD, b"\xff\xff\xff\xff", 0xFFFFFFFF),
    ],
)
def test_numbers_are_unsigned_and_big_endian(layout: Struct, octets: bytes, number: int) -> None:
    assert Reader("S", octets).unpack(layout, "f") == (number,)


@pytest.mark.parametrize(
    ("octets", "number"), [(b"\0\0", 0), (b"\1\2", 0x0102), (b"\xff\xfe", 0xFFFE)]
)
def test_uint16_takes_two_octets(octets: bytes, number: int) -> None:
    assert Reader("S", octets).uint16("f") == number


def test_takes_follow_each_other() -> None:
    reader = Reader("S", b"\x01\x00\x02\xaa\xbb\xcc\xdd\xee")

    taken = (
        *reader.unpack(OCTET, "a"),
        reader.sized("b", 2),
        reader.octets(1, "c"),
        reader.octets(0, "d"),
        reader.rest(),
    )

    reader.finish()
    assert taken == (1, b"\xaa\xbb", b"\xcc", b"", b"\xdd\xee")


def test_each_take_begins_where_the_last_ended() -> None:
    reader = Reader("S", b"\1\2\3\4\5\6\7\x08\x09")

    taken = (
        reader.uint16("a"),
        *reader.unpack(PAIR, "b"),
        reader.uint16("c"),
        reader.octets(2, "d"),
    )

    reader.finish()
    assert taken == (0x0102, 0x0304, 5, 0x0607, b"\x08\x09")


def test_reader_begins_at_the_front() -> None:
    assert Reader("S", b"\x01\x02\x03\x04").uint16("f") == 0x0102


def test_rest_leaves_nothing() -> None:
    reader = Reader("S", b"\x01\x02")
    reader.rest()

    again = reader.rest()

    reader.finish()
    assert again == b""


@pytest.mark.parametrize(
    ("data", "act", "fault"),
    [
        (b"", lambda r: r.unpack(OCTET, "f"), "S.f at octet 0: 1 octets wanted, 0 left"),
        (b"\1", lambda r: r.uint16("f"), "S.f at octet 0: 2 octets wanted, 1 left"),
        (b"\1\2\3", lambda r: r.unpack(WORD, "f"), "S.f at octet 0: 4 octets wanted, 3 left"),
        (b"\1\2", lambda r: r.unpack(PAIR, "f"), "S.f at octet 0: 3 octets wanted, 2 left"),
        (b"\1\2", lambda r: r.octets(3, "f"), "S.f at octet 0: 3 octets wanted, 2 left"),
        (b"", lambda r: r.sized("f", 9), "S.f.size at octet 0: 2 octets wanted, 0 left"),
        (b"\0", lambda r: r.sized("f", 9), "S.f.size at octet 0: 2 octets wanted, 1 left"),
        (b"\0\1", lambda r: r.sized("f", 9), "S.f at octet 2: 1 octets wanted, 0 left"),
        (b"\0\3ab", lambda r: r.sized("f", 9), "S.f at octet 2: 3 octets wanted, 2 left"),
        (b"\0\x0a", lambda r: r.sized("f", 9), "S.f.size at octet 0: 10 exceeds 9"),
        (b"\xff\xff", lambda r: r.sized("f", 9), "S.f.size at octet 0: 65535 exceeds 9"),
        (b"x", lambda r: r.finish(), "S.end at octet 0: 1 trailing octet"),
        (b"xy", lambda r: r.finish(), "S.end at octet 0: 2 trailing octets"),
    ],
)
def test_fault_names_structure_field_and_octet(
    data: bytes, act: Callable[[Reader], object], fault: str
) -> None:
    assert fault_of(act, Reader("S", data)) == fault


@pytest.mark.parametrize(
    ("act", "fault"),
    [
        (lambda r: r.uint16("f"), "S.f at octet 3: 2 octets wanted, 1 left"),
        (lambda r: r.octets(2, "f"), "S.f at octet 3: 2 octets wanted, 1 left"),
        (lambda r: r.sized("f", 9), "S.f.size at octet 3: 2 octets wanted, 1 left"),
        (lambda r: r.finish(), "S.end at octet 3: 1 trailing octet"),
        (lambda r: r.fail("f", "is wrong"), "S.f at octet 3: is wrong"),
        (lambda r: r.fail("f", "is wrong", back=2), "S.f at octet 1: is wrong"),
    ],
)
def test_places_count_from_the_first_octet_of_the_buffer(
    act: Callable[[Reader], object], fault: str
) -> None:
    reader = Reader("S", b"\1\2\3\4")
    reader.octets(3, "before")

    assert fault_of(act, reader) == fault


@pytest.mark.parametrize("size", [0, 1, 9])
def test_sized_takes_up_to_its_bound(size: int) -> None:
    reader = Reader("S", SHORT.pack(size) + bytes(size))

    taken = reader.sized("f", 9)

    reader.finish()
    assert taken == bytes(size)


def test_size_is_bounded_before_the_octets_are_counted() -> None:
    assert fault_of(Reader("S", b"\0\x0a" + bytes(10)).sized, "f", 9) == (
        "S.f.size at octet 0: 10 exceeds 9"
    )


def test_the_last_of_the_integers_is_the_size() -> None:
    reader = Reader("S", b"\0\0\0\x09\0\1\0\2\xaa\xbb")

    taken = reader.unpack_sized(Struct(">IHH"), "f", "g", 2)

    reader.finish()
    assert taken == ((9, 1, 2), b"\xaa\xbb")


def test_unpack_sized_takes_integers_and_as_many_octets_as_the_last_says() -> None:
    reader = Reader("S", b"\x09\x07\x00\x02\xaa\xbb\xcc\xdd")
    reader.octets(1, "before")

    taken = reader.unpack_sized(OCTET_AND_SIZE, "f", "g", 2)

    assert taken == ((7, 2), b"\xaa\xbb")
    assert reader.uint16("after") == 0xCCDD


@pytest.mark.parametrize("size", [0, 1, 9])
def test_unpack_sized_takes_up_to_its_bound(size: int) -> None:
    reader = Reader("S", OCTET_AND_SIZE.pack(7, size) + bytes(size))

    taken = reader.unpack_sized(OCTET_AND_SIZE, "f", "g", 9)

    reader.finish()
    assert taken == ((7, size), bytes(size))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "S.f at octet 1: 1 octets wanted, 0 left"),
        (b"\7", "S.g.size at octet 2: 2 octets wanted, 0 left"),
        (b"\7\0", "S.g.size at octet 2: 2 octets wanted, 1 left"),
        (b"\7\0\1", "S.g at octet 4: 1 octets wanted, 0 left"),
        (b"\7\0\3ab", "S.g at octet 4: 3 octets wanted, 2 left"),
        (b"\7\0\x0a" + bytes(10), "S.g.size at octet 2: 10 exceeds 9"),
        (b"\7\xff\xff", "S.g.size at octet 2: 65535 exceeds 9"),
    ],
)
def test_unpack_sized_names_the_field_that_is_short_or_too_long(data: bytes, fault: str) -> None:
    reader = Reader("S", b"\x09" + data)
    reader.octets(1, "before")

    assert fault_of(reader.unpack_sized, OCTET_AND_SIZE, "f", "g", 9) == fault


def test_unpack_sized_counts_what_is_left_of_its_integers() -> None:
    layout = Struct(">IHH")
    seen = [fault_of(Reader("S", bytes(n)).unpack_sized, layout, "f", "g", 9) for n in (0, 5, 6, 7)]

    assert seen == [
        "S.f at octet 0: 6 octets wanted, 0 left",
        "S.f at octet 0: 6 octets wanted, 5 left",
        "S.g.size at octet 6: 2 octets wanted, 0 left",
        "S.g.size at octet 6: 2 octets wanted, 1 left",
    ]


def test_error_keeps_place_and_fault_apart() -> None:
    with pytest.raises(MalformedError) as caught:
        Reader("S", b"").fail("f", "is wrong")

    assert (caught.value.place, caught.value.fault) == ("S.f at octet 0", "is wrong")


@pytest.mark.parametrize("content", [b"", b"x", bytes(0xFFFF)])
def test_unframe_returns_the_offset_of_the_content(content: bytes) -> None:
    assert unframe("TPM2B", SHORT.pack(len(content)) + content) == 2


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "2 octets wanted, 0 left"),
        (b"\0", "2 octets wanted, 1 left"),
        (b"\0\1", "1 announced, 0 follow"),
        (b"\0\0x", "0 announced, 1 follow"),
        (b"\0\2x", "2 announced, 1 follow"),
        (b"\0\2xyz", "2 announced, 3 follow"),
        (b"\1\0xy", "256 announced, 2 follow"),
        (b"\xff\xff" + bytes(0x10000), "65535 announced, 65536 follow"),
    ],
)
def test_unframe_refuses_a_size_that_does_not_fit(data: bytes, fault: str) -> None:
    assert fault_of(unframe, "TPM2B", data) == f"TPM2B.size at octet 0: {fault}"
