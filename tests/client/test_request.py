"""A request is looked at before anything is sent, and what is wrong with it is said without it."""

from __future__ import annotations

import enum
import json
from collections import OrderedDict
from typing import Any, Final

import pytest

from client.envelope import MAX_REQUEST
from client.request import MAX_DEPTH, MAX_ID, encode_payload
from tests.client.gating import MESSAGES, MODEL, Face, wired
from tests.client.graph import leaking

CANARY: Final = "canary-77b1c0"


def nested(depth: int) -> list[Any]:
    """Lists inside each other."""
    inner: list[Any] = [0]
    for _ in range(depth - 1):
        inner = [inner]
    return inner


def endless() -> list[Any]:
    """A list that holds itself."""
    inner: list[Any] = [CANARY]
    inner.append(inner)
    return inner


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"base_url": "https://other.example"}, ValueError, "base_url: a client asks the server that"),
    ({"base_url": None}, ValueError, "base_url: a client asks the server that"),
    ({"stream": True}, ValueError, "stream: what was not judged whole is not released"),
    ({"stream": 1}, ValueError, "stream: what was not judged whole"),
    ({"stream": 0}, ValueError, "stream: what was not judged whole"),
    ({"stream": CANARY}, ValueError, "stream: what was not judged whole"),
    ({"stream": [CANARY]}, ValueError, "stream: what was not judged whole"),
    ({"security_tier": "ultra"}, ValueError, "security_tier is 'ultra', expected one of standard"),
    ({"security_tier": ""}, ValueError, "security_tier is ''"),
    ({"security_tier": "Maximum"}, ValueError, "security_tier is 'Maximum'"),
    ({"security_tier": ["maximum"]}, ValueError, "security_tier is ['maximum']"),
    ({"api_key": f"{CANARY}\r\nX: y"}, ValueError, "api_key: expected printable ASCII"),
    ({"api_key": f"{CANARY} x"}, ValueError, "api_key: expected printable ASCII"),
    ({"api_key": f"{CANARY}\u00e4"}, ValueError, "api_key: expected printable ASCII"),
    ({"api_key": f"{CANARY}\x7f"}, ValueError, "api_key: expected printable ASCII"),
    ({"api_key": CANARY.encode()}, TypeError, "api_key is bytes, expected str"),
    ({"model": CANARY.encode()}, TypeError, "model is bytes, expected str"),
    ({"model": None}, TypeError, "model is NoneType, expected str"),
    ({"x": [0, float("nan")]}, ValueError, "payload.x[1]: nan is no number in JSON"),
    ({"x": float("inf")}, ValueError, "payload.x: inf is no number in JSON"),
    ({"x": {"y": CANARY.encode()}}, TypeError, "payload.x.y: bytes is no value in JSON"),
    ({"x": bytearray(CANARY.encode())}, TypeError, "payload.x: bytearray is no value in JSON"),
    ({"x": {CANARY}}, TypeError, "payload.x: set is no value in JSON"),
    ({"x": {1: CANARY}}, TypeError, "payload.x: a member name is int, expected str"),
    ({"x": {None: CANARY}}, TypeError, "payload.x: a member name is NoneType, expected str"),
    ({"x": object()}, TypeError, "payload.x: object is no value in JSON"),
    ({"x": nested(MAX_DEPTH)}, ValueError, "payload: is nested deeper than 64"),
    ({"x": endless()}, ValueError, "payload: is nested deeper than 64"),
    ({"x": f"{CANARY}\ud800"}, ValueError, "payload: cannot be written as JSON: UnicodeEncode"),
    ({"x": {f"{CANARY}\udfff": 1}}, ValueError, "payload: cannot be written as JSON: Unicode"),
    ({"x": 10**5000}, ValueError, ""),
    ({"x": "x" * MAX_REQUEST}, ValueError, "octets exceed 10485760"),
    ({"messages": ({"content": CANARY.encode()},)}, TypeError, "payload.messages[0].content: by"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "kind", "said"), REFUSED, ids=[f"{n}-{row[2][:30]}" for n, row in enumerate(REFUSED)]
)
def test_request_that_cannot_be_sent_is_refused_before_anything_is(
    face: Face, told: dict[str, Any], kind: type[Exception], said: str
) -> None:
    server = wired()

    with pytest.raises(kind) as caught:
        face.ask(face.chat(server), **told)

    error = caught.value
    assert type(error) is kind
    assert said in str(error)
    assert CANARY not in f"{error!r} {error.args} {vars(error)}"
    assert (error.__cause__, error.__context__) == (None, None)
    assert (server.fetches, server.posts) == (0, [])


def test_api_key_that_would_travel_in_the_clear_is_refused(face: Face) -> None:
    server = "http://server.example"
    said = "api_key: is sent by https or to this machine, never in the clear"

    with pytest.raises(ValueError, match=said):
        face.chat(server, allow_http=True, api_key=CANARY)
    chat = face.chat(server, allow_http=True)
    with pytest.raises(ValueError, match=said) as caught:
        face.ask(chat, api_key=CANARY)

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("key", ["", "a b", "x\n", "\u00e4", "x\x00"])
def test_api_key_that_no_header_holds_makes_no_client(face: Face, key: str) -> None:
    with pytest.raises(ValueError, match=r"^api_key: expected printable ASCII without spaces$"):
        face.chat(wired(), api_key=key)


def test_api_key_that_is_no_text_makes_no_client(face: Face) -> None:
    with pytest.raises(TypeError, match=r"^api_key is bytes, expected str$"):
        face.chat(wired(), api_key=b"key")


class Word(str):
    """Text of a class of its own."""

    __slots__ = ()


class Kind(enum.Enum):
    """A value with a name."""

    USER = "user"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (nested(MAX_DEPTH - 1), nested(MAX_DEPTH - 1)),
        ((1, "two", None, True, 1.5), [1, "two", None, True, 1.5]),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        ('\u00e4\U0001f600\x00\x1f"\\', '\u00e4\U0001f600\x00\x1f"\\'),
        (2**64 - 1, 2**64 - 1),
        (-(2**63), -(2**63)),
        ({}, {}),
        ("", ""),
    ],
)
def test_value_that_json_has_is_sent_as_it_is(face: Face, value: Any, sent: Any) -> None:
    server = wired()

    face.ask(face.chat(server), x=value)

    assert json.loads(server.posts[0].plaintext)["x"] == sent


@pytest.mark.parametrize("value", [Kind.USER, Word("user"), 2**64])
def test_value_of_a_class_of_its_own_is_sent_whole_or_not_at_all(value: Any) -> None:
    try:
        encoded = encode_payload({"x": value})
    except (TypeError, ValueError):
        return
    assert json.loads(encoded) in ({"x": "user"}, {"x": 2**64})


@pytest.mark.parametrize("stream", [None, False])
def test_stream_that_is_off_is_sent(face: Face, stream: bool | None) -> None:
    server = wired()

    face.ask(face.chat(server), stream=stream)

    assert json.loads(server.posts[0].plaintext)["stream"] is stream


def test_request_of_10_mib_is_sent(face: Face) -> None:
    server = wired()
    rest = MAX_REQUEST - len(json.dumps({"model": "", "messages": []}, separators=(",", ":")))

    face.ask(face.chat(server), model="x" * rest, messages=[])

    assert len(server.posts[0].plaintext) == MAX_REQUEST


def test_callers_own_objects_are_left_as_they_were(face: Face) -> None:
    messages = [dict(MESSAGES[0])]
    options = {"security_tier": "high", "api_key": "key", "seed": 1}

    face.ask(face.chat(wired()), model=MODEL, messages=messages, **options)

    assert messages == [MESSAGES[0]]
    assert options == {"security_tier": "high", "api_key": "key", "seed": 1}


@pytest.mark.parametrize("payload_id", ["", "a b", "x\r\ny", "\u00e4", "i" * (MAX_ID + 1)])
def test_payload_id_that_no_header_holds_is_refused(face: Face, payload_id: str) -> None:
    server = wired()

    with pytest.raises(ValueError, match=r"^payload_id: ") as caught:
        face.call(face.protocol(server), "send_secure_request", {"model": "m"}, payload_id)

    assert server.posts == []
    assert not payload_id or payload_id not in str(caught.value)


def test_payload_id_that_is_no_text_is_refused(face: Face) -> None:
    with pytest.raises(TypeError, match=r"^payload_id is int, expected str$"):
        face.call(face.protocol(wired()), "send_secure_request", {"model": "m"}, 7)


def test_empty_list_at_the_bottom_counts_as_a_level(face: Face) -> None:
    inner: list[Any] = []
    for _ in range(MAX_DEPTH - 1):  # and the payload around them: one more than there may be
        inner = [inner]

    with pytest.raises(ValueError, match="nested deeper than 64"):
        face.ask(face.chat(wired()), x=inner)


@pytest.mark.parametrize(("key", "kind"), [("", ValueError), (b"", TypeError), (0, TypeError)])
def test_empty_api_key_of_a_request_does_not_become_that_of_the_client(
    face: Face, key: Any, kind: type[Exception]
) -> None:
    server = wired()

    with pytest.raises(kind, match="api_key"):
        face.ask(face.chat(server, api_key="key-of-the-client"), api_key=key)

    assert server.posts == []


def test_member_name_in_an_error_is_safe_to_print(face: Face) -> None:
    with pytest.raises(ValueError, match="is no number in JSON") as caught:
        face.ask(face.chat(wired()), x={"a\nERROR \x1b[31m" + "x" * 10_000: float("nan")})

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "told",
    [
        {"x": float("nan")},
        {"x": object()},
        {"x": "\ud800"},
        {"stream": True},
        {"base_url": "https://other.example"},
        {"security_tier": "ultra"},
        {"api_key": f"{CANARY} x"},
    ],
)
def test_frames_of_a_refusal_hold_nothing_of_the_request(face: Face, told: dict[str, Any]) -> None:
    said = {"messages": [{"role": "user", "content": CANARY}], **told}
    with pytest.raises((ValueError, TypeError)) as caught:
        face.ask(face.chat(wired()), **said)

    assert leaking(caught.value, CANARY) == []
