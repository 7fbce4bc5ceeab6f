"""Members taken exactly: strict base64, exact types, and caps that count before decoding."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from attest.members import decoded, octets
from tests.base64_lies import LIES
from tests.faults import fault_of


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", b""),
        ("AA==", b"\0"),
        ("/w==", b"\xff"),
        ("AAE=", b"\0\1"),
        ("AAEC", b"\0\1\2"),
        ("+/+/", b"\xfb\xff\xbf"),
        ("AAECAw==", b"\0\1\2\3"),
    ],
)
def test_canonical_base64_is_decoded(text: str, data: bytes) -> None:
    assert decoded("m", text, 100) == data


@pytest.mark.parametrize("length", [*range(10), 255, 256, 257])
def test_every_length_is_decoded(length: int) -> None:
    data = bytes(range(256))[:length].ljust(length, b"x")

    assert decoded("m", base64.b64encode(data).decode(), 300) == data


@pytest.mark.parametrize("text", LIES)
def test_other_base64_is_refused(text: str) -> None:
    assert fault_of(decoded, "m", text, 100) == "m: is not canonical base64"


@pytest.mark.parametrize(
    ("length", "most"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (99, 99), (100, 100), (101, 101)]
)
def test_octets_up_to_the_cap_are_decoded(length: int, most: int) -> None:
    assert decoded("m", base64.b64encode(bytes(length)).decode(), most) == bytes(length)


@pytest.mark.parametrize(
    ("length", "most", "fault"),
    [
        (2, 1, "2 octets exceed 1"),
        (3, 1, "3 octets exceed 1"),
        (3, 2, "3 octets exceed 2"),
        (4, 1, "8 characters hold more than 1 octets"),
        (4, 3, "8 characters hold more than 3 octets"),
        (5, 4, "5 octets exceed 4"),
        (101, 100, "101 octets exceed 100"),
        (102, 100, "102 octets exceed 100"),
        (103, 100, "140 characters hold more than 100 octets"),
    ],
)
def test_octets_over_the_cap_are_refused(length: int, most: int, fault: str) -> None:
    text = base64.b64encode(bytes(length)).decode()

    assert fault_of(decoded, "m", text, most) == f"m: {fault}"


def test_cap_counts_before_decoding() -> None:
    assert fault_of(decoded, "m", "!" * 1000, 100) == (
        "m: 1000 characters hold more than 100 octets"
    )


def test_octets_takes_the_member_by_its_name() -> None:
    assert octets({"n": "AAEC", "m": "/w=="}, "m", 1) == b"\xff"


@pytest.mark.parametrize(
    ("parent", "fault"),
    [
        ({}, "missing"),
        ({"n": "AAEC"}, "missing"),
        ({"m": None}, "null, expected a string"),
        ({"m": True}, "a boolean, expected a string"),
        ({"m": 1}, "a number, expected a string"),
        ({"m": 1.5}, "a number, expected a string"),
        ({"m": ["AAEC"]}, "an array, expected a string"),
        ({"m": {"AAEC": 1}}, "an object, expected a string"),
        ({"m": "AAE"}, "is not canonical base64"),
        ({"m": "AAEC"}, "3 octets exceed 2"),
    ],
)
def test_octets_refuses_what_is_no_base64_string(parent: dict[str, Any], fault: str) -> None:
    assert fault_of(octets, parent, "m", 2) == f"m: {fault}"
