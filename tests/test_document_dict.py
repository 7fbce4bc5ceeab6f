"""The strict JSON reader on a dict: read as the octets that it would be saved as."""

from __future__ import annotations

import datetime
import decimal
import enum
import json
import uuid
from collections import OrderedDict, UserDict
from types import MappingProxyType
from typing import Any

import pytest

from attest import MalformedError, document
from attest.document import read_document, type_name
from tests.faults import fault_of
from tests.recorded import REAL, response_of


class Text(str):
    """A string that is more than one."""

    __slots__ = ()


class Number(enum.IntEnum):
    """A number that is more than one."""

    ONE = 1


def looped() -> dict[str, Any]:
    """A dict that holds itself."""
    holder: dict[str, Any] = {}
    holder["a"] = [holder]
    return holder


def nested(depth: int) -> dict[str, Any]:
    """A dict of exactly this many levels."""
    whole: dict[str, Any] = {}
    for _ in range(depth - 1):
        whole = {"a": whole}
    return whole


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"": ""},
        {"a": None, "b": True, "c": False, "d": [], "e": {}},
        {"a": [1, -2, 3.5, -0.0, 1e308, 5e-324]},
        {"a": 2**63, "b": -(2**63) - 1, "c": 2**64, "d": 10**400},
        {"größe": "日本語 😀 \x00\x1f\x7f\u2028"},
        {"a:b": ":", "c": {"a": 1}, "d": [{"a": 1}]},
    ],
)
def test_dict_is_read_as_it_stands(response: dict[str, Any]) -> None:
    assert read_document(response) == response


@pytest.mark.parametrize("case", REAL)
def test_recorded_response_is_read(case: str) -> None:
    assert read_document(response_of(case)) == response_of(case)


def test_what_is_read_shares_nothing_with_the_dict() -> None:
    response = {"a": {"b": [1]}}

    read = read_document(response)
    response["a"]["b"].append(2)

    assert read == {"a": {"b": [1]}}


@pytest.mark.parametrize(
    "response",
    [OrderedDict(a=1), {"a": OrderedDict(b=1)}, {Text("a"): 1}],
    ids=["dict", "inner dict", "name"],
)
def test_subclass_that_equals_json_is_read_as_plain_json(response: dict[str, Any]) -> None:
    read = read_document(response)

    assert read == json.loads(json.dumps(response))
    assert {type(read), *map(type, read), *map(type, read.values())} <= {dict, str, int}


@pytest.mark.parametrize(
    "response",
    [
        {1: 2},
        {True: 1},
        {None: 1},
        {1.5: 1},
        {(1, 2): 1},
        {b"a": 1},
        {"a": {1: 2}},
        {"a": [{"b": {1: 2}}]},
        {"a": (1,)},
        {"a": ()},
        {"a": b"octets"},
        {"a": bytearray(b"octets")},
        {"a": memoryview(b"octets")},
        {"a": {1}},
        {"a": frozenset()},
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": float("-inf")},
        {"a": [float("nan")]},
        {"a": 10**5000},
        {"a": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)},
        {"a": datetime.date(2026, 1, 1)},
        {"a": datetime.timedelta(1)},
        {"a": decimal.Decimal(1)},
        {"a": decimal.Decimal("1.5")},
        {"a": uuid.UUID(int=0)},
        {"a": 1j},
        {"a": object()},
        {"a": object},
        {"a": ...},
        {"a": len},
        {"a": range(3)},
        {"a": iter([])},
        {"a": UserDict(b=1)},
        {"a": MappingProxyType({"b": 1})},
        {"a": "\ud800"},
        {"a": ["\udfff"]},
        {"\ud800": 1},
        {"a": {"\udc00": 1}},
        looped(),
    ],
    ids=lambda response: type(next(iter(response.values()))).__name__,
)
def test_value_that_json_does_not_have_is_refused(response: dict[Any, Any]) -> None:
    fault = fault_of(read_document, response)

    assert fault.isprintable()
    assert fault.startswith(("response: is no JSON: ", "response: holds a value or a member name"))


def test_json_that_reads_otherwise_says_so() -> None:
    assert fault_of(read_document, {"a": (1,)}) == (
        "response: holds a value or a member name that JSON does not have"
    )


def test_two_names_that_json_writes_alike_are_refused() -> None:
    assert fault_of(read_document, {1: "a", "1": "b"}).startswith("response: ")


@pytest.mark.parametrize("value", [Text("x"), Number.ONE])
def test_subclass_of_a_scalar_is_plain_or_refused(value: object) -> None:
    try:
        read = read_document({"a": value})["a"]
    except MalformedError:
        return
    assert type(read) in {str, int}


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ([], "an array"),
        ([{"a": 1}], "an array"),
        ("{}", "a string"),
        (1, "a number"),
        (1.5, "a number"),
        (True, "a boolean"),
        (None, "null"),
        ((), "tuple"),
        (set(), "set"),
        (UserDict(a=1), "UserDict"),
        (MappingProxyType({"a": 1}), "mappingproxy"),
        (object(), "object"),
    ],
)
def test_what_is_neither_dict_nor_octets_is_refused(response: object, kind: str) -> None:
    assert fault_of(read_document, response) == f"response: is {kind}, expected an object"


def test_64_levels_are_read() -> None:
    assert read_document(nested(64)) == nested(64)


@pytest.mark.parametrize("depth", [65, 100, 500])
def test_more_than_64_levels_are_refused(depth: int) -> None:
    fault = fault_of(read_document, nested(depth))

    assert fault.startswith("response.a.a.")
    assert fault.endswith(": is nested deeper than 64")


def test_depth_beyond_all_recursion_is_refused() -> None:
    assert fault_of(read_document, nested(100_000)).startswith("response: is ")


def test_dict_over_the_cap_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_RESPONSE", 10)

    seen = [read_document({"a": "xx"}), fault_of(read_document, {"a": "xxx"})]

    assert seen == [{"a": "xx"}, "response: 11 octets exceed 10"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({}, "an object"),
        ([], "an array"),
        ("", "a string"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        (None, "null"),
        ((), "tuple"),
        (b"", "bytes"),
    ],
)
def test_type_is_named_as_json_names_it(value: object, name: str) -> None:
    assert type_name(value) == name
