"""Reported PCR values: banks, numbers and digits, each spelled one way only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from attest.members import pcr_values
from tests.build import VALUES, hex_values

DIGITS = {
    "sha1": 40,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
    "sha3_256": 64,
    "sha3_384": 96,
    "sha3_512": 128,
}


def read_values(values: object) -> tuple[object, list[str]]:
    """Take a ``pcr_values`` member; return what was read, and the faults."""
    faults: list[str] = []
    return pcr_values({"pcr_values": values}, faults), faults


def test_values_are_read_by_bank_and_index() -> None:
    assert read_values(hex_values(VALUES)) == (VALUES, [])


@pytest.mark.parametrize(("bank", "digits"), DIGITS.items())
def test_value_has_the_size_of_its_bank(bank: str, digits: int) -> None:
    assert read_values({bank: {"0": "ab" * (digits // 2)}}) == (
        {bank: {0: b"\xab" * (digits // 2)}},
        [],
    )


@pytest.mark.parametrize("case", [str.upper, str.lower, str.swapcase])
def test_hex_is_of_either_case(case: Callable[[str], str]) -> None:
    assert read_values({"sha1": {"0": case("aB" * 20)}}) == ({"sha1": {0: b"\xab" * 20}}, [])


@pytest.mark.parametrize(("bank", "digits"), DIGITS.items())
@pytest.mark.parametrize("off", [-2, -1, 1, 2])
def test_value_of_another_size_is_a_fault(bank: str, digits: int, off: int) -> None:
    text = "a" * (digits + off)

    assert read_values({bank: {"7": text}}) == (
        {bank: {7: b""}},
        [f"pcr_values.{bank}.7: expected {digits} hex digits"],
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x" + "a" * 38,
        "g" * 40,
        " " + "a" * 39,
        "a" * 39 + "\n",
        "aa " * 13 + "a",
        "aa " * 20,
        "aa" * 19 + "  ",
        " ".join(["aa"] * 20),
        "\uff41" * 40,
        "\u0660" * 40,
        "-" + "a" * 39,
        "a_" * 20,
        None,
        True,
        0,
        1.5,
        ["aa"] * 20,
        ["a"] * 40,
        [0] * 40,
        {"aa": 1},
    ],
)
def test_value_that_is_no_hex_is_a_fault(text: object) -> None:
    assert read_values({"sha1": {"7": text}}) == (
        {"sha1": {7: b""}},
        ["pcr_values.sha1.7: expected 40 hex digits"],
    )


@pytest.mark.parametrize("key", [str(index) for index in range(24)])
def test_every_pcr_is_read(key: str) -> None:
    assert read_values({"sha1": {key: "ab" * 20}}) == ({"sha1": {int(key): b"\xab" * 20}}, [])


@pytest.mark.parametrize("key", ["24", "31", "32", "99", "100", "4096", "999999999"])
def test_number_that_no_pcr_has_is_read_as_a_number(key: str) -> None:
    assert read_values({"sha1": {key: "ab" * 20}}) == ({"sha1": {int(key): b"\xab" * 20}}, [])


@pytest.mark.parametrize(
    "key",
    [
        "",
        "00",
        "07",
        "007",
        "-0",
        "-1",
        "+7",
        " 7",
        "7 ",
        "7.0",
        "7e0",
        "0x7",
        "1_0",
        "VII",
        "\u0667",
        "\uff17",
        "\u00b2",
        "1000000000",
        "9" * 5000,
        "sha256",
    ],
    ids=lambda key: key[:12],
)
def test_key_that_is_no_canonical_number_is_a_fault(key: str) -> None:
    values, faults = read_values({"sha1": {key: "ab" * 20}})

    assert values == {"sha1": {}}
    assert len(faults) == 1
    assert faults[0].startswith("pcr_values.sha1.")
    assert faults[0].endswith(": is no PCR number")


@pytest.mark.parametrize("lie", ["", "zz", "ab" * 19, None, 1, ["a"] * 40])
def test_true_values_are_read_beside_one_at_fault(lie: object) -> None:
    values = {"0": "ab" * 20, "7": lie, "31": "cd" * 20, "99": "ef" * 20}

    assert read_values({"sha1": values}) == (
        {"sha1": {0: b"\xab" * 20, 7: b"", 31: b"\xcd" * 20, 99: b"\xef" * 20}},
        ["pcr_values.sha1.7: expected 40 hex digits"],
    )


def test_key_at_fault_is_named_before_its_value() -> None:
    assert read_values({"sha1": {"07": "zz"}}) == (
        {"sha1": {}},
        ["pcr_values.sha1.07: is no PCR number"],
    )


def test_value_of_an_unknown_bank_has_any_size() -> None:
    assert read_values({"sm3_256": {"0": "abcd"}}) == ({"sm3_256": {0: b"\xab\xcd"}}, [])


@pytest.mark.parametrize("text", ["", "abc", "zz", "ab cd", None])
def test_value_of_an_unknown_bank_is_hex_all_the_same(text: object) -> None:
    assert read_values({"md5": {"0": text}}) == (
        {"md5": {0: b""}},
        ["pcr_values.md5.0: expected hex"],
    )


def test_faults_keep_the_order_of_the_members() -> None:
    values = {"sha1": {"0": "x", "01": "ab" * 20}, "md5": 3, "sha256": {"5": "ab"}}

    assert read_values(values)[1] == [
        "pcr_values.sha1.0: expected 40 hex digits",
        "pcr_values.sha1.01: is no PCR number",
        "pcr_values.md5: a number, expected an object",
        "pcr_values.sha256.5: expected 64 hex digits",
    ]


def test_empty_banks_are_kept_for_a_check_to_judge() -> None:
    assert [read_values({}), read_values({"sha256": {}})] == [({}, []), ({"sha256": {}}, [])]


@pytest.mark.parametrize(
    ("values", "kind"),
    [(None, "null"), ([], "an array"), ("", "a string"), (0, "a number"), (False, "a boolean")],
)
def test_bank_that_is_no_object_is_a_fault(values: object, kind: str) -> None:
    assert read_values({"sha1": values}) == (
        {},
        [f"pcr_values.sha1: {kind}, expected an object"],
    )


@pytest.mark.parametrize(
    ("member", "fault"),
    [
        ({}, "missing"),
        ({"pcr_values": None}, "null, expected an object"),
        ({"pcr_values": []}, "an array, expected an object"),
        ({"pcr_values": "sha256"}, "a string, expected an object"),
    ],
)
def test_values_that_are_no_object_are_a_fault(member: dict[str, Any], fault: str) -> None:
    faults: list[str] = []

    assert pcr_values(member, faults) is None
    assert faults == [f"pcr_values: {fault}"]


@pytest.mark.parametrize("name", ["\x1b[31m", "\u202e", "x\ny", "x" * 300])
def test_names_in_faults_are_safe_to_print(name: str) -> None:
    _, faults = read_values({name: {name: "?"}, name + "2": 1})

    assert all(fault.isprintable() and len(fault) < 500 for fault in faults)
    assert len(faults) == 2
