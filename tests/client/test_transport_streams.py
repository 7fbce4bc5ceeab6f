"""Streams through the transports: refused, or buffered until the whole answer was verified."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.client.gating import saying, wired
from tests.client.reaching import COMPLETION, FORGED, plaintexts
from tests.client.serving import answered
from tests.client.transporting import ASKED, KINDS, Caller, error_of


@pytest.fixture(params=KINDS)
def caller(request: pytest.FixtureRequest) -> Caller:
    """A caller by each kind of client."""
    return Caller(request.param)


@pytest.fixture
def usual() -> Caller:
    """A caller by the usual kind, for what all four have in common."""
    return Caller("httpx")


CHOICES: Final = [
    {
        "index": 0,
        "message": {"role": "assistant", "content": COMPLETION},
        "finish_reason": "stop",
    },
    {
        "index": 1,
        "message": {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}},
            ],
        },
        "finish_reason": "tool_calls",
    },
]


def events_of(response: Any) -> list[dict[str, Any]]:
    """The events of a stream, which ends as OpenAI's do."""
    assert response.headers["content-type"] == "text/event-stream"
    *events, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in events]


def streamed(caller: Caller, completion: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    """Ask for a stream of this completion where streams are buffered."""
    server = wired(answered(completion=completion))
    response = caller.ask(server, {**ASKED, "stream": True, **asked}, stream="buffer")
    assert response.status_code == 200
    assert "stream" not in plaintexts(server)[0]
    assert "stream_options" not in plaintexts(server)[0]
    return events_of(response)


def test_buffered_stream_says_what_the_answer_says(caller: Caller) -> None:
    events = streamed(caller, {"choices": CHOICES})

    assert {event["object"] for event in events} == {"chat.completion.chunk"}
    assert {event["id"] for event in events} == {"chatcmpl-0001"}
    assert all("usage" not in event for event in events)
    assert ["_metadata" in event for event in events] == [True, False, False, False]
    chunks = [event["choices"][0] for event in events]
    assert [(chunk["index"], chunk["finish_reason"]) for chunk in chunks] == [
        (0, None),
        (0, "stop"),
        (1, None),
        (1, "tool_calls"),
    ]
    assert chunks[0]["delta"]["content"] == COMPLETION
    calls = chunks[2]["delta"]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["f", "g"]
    assert [chunk["delta"] for chunk in chunks[1::2]] == [{}, {}]


@pytest.mark.parametrize(("wanted", "told"), [(True, True), (False, False), ("yes", False)])
def test_buffered_stream_tells_usage_last_where_it_is_wanted(
    usual: Caller, wanted: object, told: bool
) -> None:
    last = streamed(usual, {}, stream_options={"include_usage": wanted})[-1]

    assert ("usage" in last) is told
    if told:
        assert (last["choices"], last["usage"]["total_tokens"]) == ([], 16)


@pytest.mark.parametrize("options", [None, [], "include_usage"])
def test_stream_options_that_are_none_ask_for_no_usage(usual: Caller, options: object) -> None:
    assert "usage" not in streamed(usual, {}, stream_options=options)[-1]


@pytest.mark.parametrize("choices", [None, {}, "x", [1, None]])
def test_answer_without_choices_streams_none(usual: Caller, choices: object) -> None:
    assert streamed(usual, {"choices": choices}) == []


def test_choice_without_a_message_streams_an_empty_one(usual: Caller) -> None:
    first, last = streamed(usual, {"choices": [{}]})

    assert first["choices"] == [{"index": 0, "delta": {}, "finish_reason": None}]
    assert last["choices"] == first["choices"]


def test_buffering_transport_refuses_before_the_first_chunk(caller: Caller) -> None:
    server = wired(saying(COMPLETION, **FORGED))

    response = caller.ask(server, {**ASKED, "stream": True}, stream="buffer")

    assert (response.status_code, error_of(response)["type"]) == (424, "attestation_refused")
    assert COMPLETION not in response.text


def test_buffering_transport_answers_whole_where_no_stream_is_asked_for(usual: Caller) -> None:
    response = usual.ask(wired(saying(COMPLETION)), ASKED, stream="buffer")

    assert response.json()["choices"][0]["message"]["content"] == COMPLETION
