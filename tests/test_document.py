"""The strict JSON reader on octets: what is no JSON, what is ambiguous, what is too much."""

from __future__ import annotations

import json

import pytest

from attest import document
from attest.document import read_document
from attest.errors import MalformedError
from tests.faults import fault_of
from tests.recorded import REAL, response_of


def nested(depth: int, brackets: str = "{}") -> bytes:
    """JSON of exactly this many levels, of objects or of arrays inside one object."""
    if brackets == "{}":
        return b'{"a":' * (depth - 1) + b"{}" + b"}" * (depth - 1)
    return b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "octets",
    [
        b"{}",
        b" \t\r\n{ } \n",
        b'{"a":null,"b":true,"c":false}',
        b'{"":0}',
        b'{"a":[1,-2,3.5,1e3,-0.0,1E-2]}',
        b'{"a":{"a":{"a":1}},"b":{"a":1}}',
        b'{"a" : 1 , "b"\n:\t2}',
        b'{"a:b":":","c":"::::"}',
        b'{"\\u003a":":"}',
        b'{"a\\u003ab":"\\u003A","c":{"d:":"\\u003a"}}',
        b'{"\\u0061":1,"b":2}',
        b'{"a":1,"A":2,"\\u00e1":3}',
        b'{"a":"\\ud83d\\ude00 \\" \\\\ \\/ \\b\\f\\n\\r\\t"}',
        '{"größe":"日本語 😀"}'.encode(),
        b'{"a":"\x7f"}',
        b'{"a":18446744073709551616,"b":-9223372036854775809}',
        b'{"a":1e308,"b":1e-999}',
        b'{"a":"\\\\u003a"}',
    ],
)
def test_json_object_is_read(octets: bytes) -> None:
    assert read_document(octets) == json.loads(octets)


@pytest.mark.parametrize("case", REAL)
def test_recorded_response_is_read(case: str) -> None:
    response = response_of(case)

    assert read_document(json.dumps(response).encode()) == response


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_octets_come_in_any_buffer(kind: type) -> None:
    assert read_document(kind(b'{"a":1}')) == {"a": 1}


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b'{"a":1,"a":1}', 'response: duplicate member "a"'),
        (b'{"a":1,"a":2}', 'response: duplicate member "a"'),
        (b'{"a":1,"b":2,"a":3}', 'response: duplicate member "a"'),
        (b'{"a":1,"b":2,"b":3,"a":4}', 'response: duplicate member "b"'),
        (b'{"":1,"":1}', 'response: duplicate member ""'),
        (b'{"a":{},"a":{}}', 'response: duplicate member "a"'),
        (b'{"a":{"b":1,"b":1}}', 'response.a: duplicate member "b"'),
        (b'{"a":{"b":{"c":null,"c":null}}}', 'response.a.b: duplicate member "c"'),
        (b'{"a":[0,{"c":1,"c":1}]}', 'response.a.1: duplicate member "c"'),
        (b'{"a":[[{"c":1,"c":1}]]}', 'response.a.0.0: duplicate member "c"'),
        (b'{"a":1,"\\u0061":1}', 'response: duplicate member "a"'),
        (b'{"\\u0061":1,"\\u0061":1}', 'response: duplicate member "a"'),
        (b'{"x":{"a":1,"\\u0061":1}}', 'response.x: duplicate member "a"'),
        (b'{"/":1,"\\/":1}', 'response: duplicate member "/"'),
        (b'{"\\n":1,"\\u000a":1}', 'response: duplicate member "\\n"'),
        (b'{"\\ud83d\\ude00":1,"\xf0\x9f\x98\x80":1}', 'response: duplicate member "\U0001f600"'),
        (b'{"a" :1,"a"\t:1}', 'response: duplicate member "a"'),
        (b'{"a":":","a":1}', 'response: duplicate member "a"'),
        (b'{"a":":","a":":"}', 'response: duplicate member "a"'),
        (b'{"a":1,"a":"\\u003a"}', 'response: duplicate member "a"'),
        (b'{"a":1,"a":"\\u003A"}', 'response: duplicate member "a"'),
        (b'{"a":"\\u003a","a":1}', 'response: duplicate member "a"'),
        (b'{"b":"\\u003a","a":1,"a":1}', 'response: duplicate member "a"'),
        (b'{"\\u003a":0,"a":1,"a":1}', 'response: duplicate member "a"'),
        (b'{"b":"\\u003a\\u003a","x":{"a":1,"a":1,"a":1}}', 'response.x: duplicate member "a"'),
        (b'{"a":{"x":":"},"b":"\\u003a\\u003a","a":1}', 'response: duplicate member "a"'),
        (b'{":":1,"\\u003a":1}', 'response: duplicate member ":"'),
        (b'{"_metadata":{},"_metadata":{}}', 'response: duplicate member "_metadata"'),
    ],
)
def test_duplicate_member_is_refused_at_its_place(octets: bytes, fault: str) -> None:
    assert fault_of(read_document, octets) == fault


@pytest.mark.parametrize("depth", range(1, 64))
@pytest.mark.parametrize("escape", [b"", b"\\u003a"])
def test_duplicate_is_found_at_every_depth(depth: int, escape: bytes) -> None:
    twice = b'{"b":"%s","c":1,"c":1}' % escape
    octets = b'{"a":' * depth + twice + b"}" * depth

    assert fault_of(read_document, octets) == (
        f'response.{".".join("a" * depth)}: duplicate member "c"'
    )


@pytest.mark.parametrize("name", ["\x1b[31m", "\u202e", "x" * 300])
def test_duplicate_name_is_safe_to_print(name: str) -> None:
    member = json.dumps(name)

    fault = fault_of(read_document, f"{{{member}:1,{member}:1}}".encode())

    assert fault.isprintable()
    assert len(fault) < 260


@pytest.mark.parametrize("brackets", ["{}", "[]"])
def test_64_levels_are_read(brackets: str) -> None:
    assert read_document(nested(64, brackets)) == json.loads(nested(64, brackets))


@pytest.mark.parametrize(("brackets", "step"), [("{}", "a"), ("[]", "0")])
def test_65_levels_are_refused_at_their_place(brackets: str, step: str) -> None:
    place = ".".join(["response", "a", *[step] * 63])

    assert fault_of(read_document, nested(65, brackets)) == f"{place}: is nested deeper than 64"


@pytest.mark.parametrize("depth", [66, 100, 1000, 100_000])
@pytest.mark.parametrize("brackets", ["{}", "[]"])
def test_any_greater_depth_is_refused(depth: int, brackets: str) -> None:
    assert fault_of(read_document, nested(depth, brackets)).endswith(": is nested deeper than 64")


@pytest.mark.parametrize("item", ["[]", "{}", "[[],{}]", '{"a":[]}'])
def test_many_shallow_containers_are_read(item: str) -> None:
    octets = f'{{"a":[{",".join([item] * 1000)}]}}'.encode()

    assert read_document(octets) == json.loads(octets)


def test_brackets_inside_strings_are_no_levels() -> None:
    octets = b'{"a":"%s"}' % (b"[{" * 100)

    assert read_document(octets) == {"a": "[{" * 100}


def test_unclosed_depth_is_refused() -> None:
    assert fault_of(read_document, b'{"a":' + b"[" * 100_000).startswith("response: is ")


def test_octets_up_to_the_cap_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_RESPONSE", 20)

    assert read_document(b'{"a":1}'.ljust(20)) == {"a": 1}


def test_octets_over_the_cap_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAX_RESPONSE", 20)

    assert fault_of(read_document, b'{"a":1}'.ljust(21)) == "response: 21 octets exceed 20"


def test_cap_is_64_mib_and_depth_64() -> None:
    assert (document.MAX_RESPONSE, document.MAX_DEPTH) == (64 * 1024 * 1024, 64)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ",
        b"\n\t ",
        b"\0",
        b"{",
        b'{"a"',
        b'{"a":',
        b'{"a":1',
        b'{"a":1,',
        b'{"a":1,}',
        b'{"a":[1,]}',
        b'{"a":[1',
        b"{a:1}",
        b"{'a':1}",
        b"{1:1}",
        b"{null:1}",
        b'{"a" 1}',
        b'{"a":1 "b":2}',
        b'{"a":NaN}',
        b'{"a":nan}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":-1e999}',
        b'{"a":[[1e309]]}',
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":.5}',
        b'{"a":1.}',
        b'{"a":1e}',
        b'{"a":0x10}',
        b'{"a":1_000}',
        b'{"a":--1}',
        pytest.param(b'{"a":%s}' % (b"9" * 5000), id="huge"),
        pytest.param(b'{"\\u003a":-%s}' % (b"9" * 5000), id="huge, read twice"),
        b'{"a":True}',
        b'{"a":undefined}',
        b'{"a":"\\x41"}',
        b'{"a":"\\u12"}',
        b'{"a":"\\u003"}',
        b'{"a":"\\',
        b'{"a":"',
        b'{"a":"\n"}',
        b'{"a":"\t"}',
        b'{"a":"\0"}',
        b'{"a":"\x1f"}',
        b'{"a\x01":1}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00"}',
        b'{"a":"\\ud800 and more text"}',
        b'{"a":"\\ud800\\u0041"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\\ud800\\ud800"}',
        b'{"\\ud800":1}',
        b'{"\\udc00\\ud800":1}',
        b"{}x",
        b"{}{}",
        b"{}\n{}",
        b"{},",
        b"{}\0",
        b'{"a":1}}',
        b"// comment\n{}",
        b"{/**/}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        "{}".encode("utf-16-le"),
        "{}".encode("utf-32-be"),
    ],
)
def test_what_is_no_json_is_refused(octets: bytes) -> None:
    assert fault_of(read_document, octets).startswith("response: is no JSON: ")


@pytest.mark.parametrize(
    "broken",
    [
        b"\xff",
        b"\x80",
        b"\xc0\xaf",
        b"\xc1\x81",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
    ],
)
@pytest.mark.parametrize(
    "around",
    [b'{"a":"%s"}', b'{"%s":1}', b'{"a":{"b":["%s"]}}', b'{"a":[{"%s":1}]}', b'{"a":"\\u003a%s"}'],
)
def test_text_that_is_no_utf_8_is_refused_wherever_it_stands(around: bytes, broken: bytes) -> None:
    assert fault_of(read_document, around % broken).startswith("response: is not UTF-8: ")


@pytest.mark.parametrize(
    ("octets", "kind"),
    [
        (b"[]", "an array"),
        (b'[{"a":1}]', "an array"),
        (b'"text"', "a string"),
        (b"1", "a number"),
        (b"1.5", "a number"),
        (b"true", "a boolean"),
        (b"null", "null"),
    ],
)
def test_what_is_no_object_is_refused(octets: bytes, kind: str) -> None:
    assert fault_of(read_document, octets) == f"response: is {kind}, expected an object"


def test_more_values_than_are_held_are_refused_before_they_are_read() -> None:
    octets = b'{"a":[' + b"[]," * 2_000_000 + b"[]]}"

    with pytest.raises(MalformedError, match=r"^response: holds more than 2000000 values$"):
        read_document(octets)


def test_long_text_is_no_crowd_of_values() -> None:
    document = {"a": "x" * 5_000_000, "b": [0] * 1_000}

    assert read_document(json.dumps(document).encode()) == document
