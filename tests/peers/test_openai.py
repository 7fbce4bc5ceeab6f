"""Our transports inside OpenAI's SDK: each major retries, reads errors and streams its own way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from client.preflight import PROBE
from tests.client.serving import WireServer, answered, serving, status
from tests.peers.by_openai import ASKED, KEY, WAYS, Sdk, workers
from tests.peers.orders import Worker
from tests.policy.test_schema import valid

COMPLETION: Final = "completion-b8e21045cc17"
FUNCTIONS: Final = [
    {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
    {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
]
CHOICE: Final = {
    "index": 0,
    "message": {"role": "assistant", "content": COMPLETION},
    "finish_reason": "stop",
}
CALLS: Final = {
    "index": 0,
    "message": {"role": "assistant", "content": None, "tool_calls": FUNCTIONS},
    "finish_reason": "tool_calls",
}
FORGED: Final[dict[str, Any]] = {"quoted": {"magic": 0}}
HONEST: Final = answered(completion={"choices": [CHOICE]})
LYING: Final = answered(completion={"choices": [CHOICE]}, **FORGED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("openai")


@pytest.fixture(scope="module")
def majors(folder: Path) -> Iterator[dict[int, Worker]]:
    with workers(folder) as running:
        yield running


@pytest.fixture(params=WAYS, ids=lambda way: "-".join(map(str, way)))
def sdk(request: pytest.FixtureRequest, majors: dict[int, Worker], folder: Path) -> Sdk:
    major, face, http = request.param
    return Sdk(majors[major], face, http, folder)


@pytest.fixture
def server() -> Iterator[WireServer]:
    with serving(HONEST) as running:
        yield running


def test_verified_answer_is_the_sdk_s_completion(sdk: Sdk, server: WireServer) -> None:
    completion = sdk.does("create", server, asked={"temperature": 0.5})

    assert completion["choices"] == [CHOICE]
    assert completion["id"] == "chatcmpl-0001"
    assert completion["_metadata"]["tpm_attestation"]["is_available"] is True
    (posted,) = server.posts
    assert json.loads(posted.plaintext) == {**ASKED, "temperature": 0.5}


def test_refusal_makes_exactly_one_post_and_an_error_that_holds_it(
    sdk: Sdk, server: WireServer
) -> None:
    server.answers = (LYING,)

    error = sdk.does("create", server)

    assert "APIStatusError" in error["raised"]
    assert "InternalServerError" not in error["raised"]
    assert (error["status"], error["retry"]) == (424, "false")
    assert len(server.posts) == 1
    assert error["body"]["error"]["type"] == "attestation_refused"
    assert "quote.magic" in error["said"]
    assert (error["refusal"]["phase"], error["refusal"]["prompt_sent"]) == ("response", True)
    assert error["refusal"]["result"] == error["body"]["attestation"]
    assert valid("result", error["refusal"]["result"])
    assert COMPLETION not in json.dumps(error)


def test_refused_probe_sends_no_prompt(sdk: Sdk, server: WireServer) -> None:
    server.answers = (LYING,)

    error = sdk.does("create", server, preflight="first")

    assert (error["status"], error["refusal"]["prompt_sent"]) == (424, False)
    (probe,) = server.posts
    assert json.loads(probe.plaintext)["messages"][0]["content"] == PROBE


@pytest.mark.parametrize("what", ["stream", "gather"])
def test_stream_is_refused_before_anything_is_sent(sdk: Sdk, server: WireServer, what: str) -> None:
    error = sdk.does(what, server)

    assert "BadRequestError" in error["raised"]
    assert error["status"] == 400
    assert "what was not judged whole is not released" in error["said"]
    assert (server.posts, server.fetches) == ([], 0)


def test_buffered_stream_has_the_chunks_of_the_verified_answer(
    sdk: Sdk, server: WireServer
) -> None:
    asked = {"stream_options": {"include_usage": True}}

    chunks = sdk.does("stream", server, stream="buffer", asked=asked)

    said = [chunk["choices"][0]["delta"].get("content") for chunk in chunks[:-1]]
    assert "".join(filter(None, said)) == COMPLETION
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None, "stop"]
    assert (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"]) == ([], 16)
    assert len(server.posts) == 1


def test_sdk_puts_a_buffered_stream_together_to_the_answer(sdk: Sdk, server: WireServer) -> None:
    completion = sdk.does("gather", server, stream="buffer")

    (choice,) = completion["choices"]
    assert choice["message"]["content"] == COMPLETION
    assert choice["finish_reason"] == "stop"


def test_sdk_puts_tool_calls_of_a_buffered_stream_together(sdk: Sdk, server: WireServer) -> None:
    server.answers = (answered(completion={"choices": [CALLS]}),)

    completion = sdk.does("gather", server, stream="buffer")

    (choice,) = completion["choices"]
    calls = choice["message"]["tool_calls"]
    assert [(call["id"], call["function"]["name"]) for call in calls] == [("a", "f"), ("b", "g")]
    assert [call["function"]["arguments"] for call in calls] == ['{"x": 1}', "{}"]
    assert choice["finish_reason"] == "tool_calls"


def test_buffered_stream_that_is_refused_makes_one_post_and_no_chunk(
    sdk: Sdk, server: WireServer
) -> None:
    server.answers = (LYING,)

    error = sdk.does("stream", server, stream="buffer")

    assert (error["status"], error["refusal"]["phase"]) == (424, "response")
    assert len(server.posts) == 1
    assert COMPLETION not in json.dumps(error)


def test_models_are_not_listed_and_nothing_is_sent(sdk: Sdk, server: WireServer) -> None:
    error = sdk.does("models", server)

    assert "NotFoundError" in error["raised"]
    assert error["body"]["error"]["type"] == "unsupported"
    assert (server.posts, server.fetches) == ([], 0)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(429, "RateLimitError"), (500, "InternalServerError"), (503, "InternalServerError")],
)
def test_status_that_our_retries_did_not_help_is_not_retried_by_the_sdk(
    sdk: Sdk, server: WireServer, code: int, kind: str
) -> None:
    server.answers = (status(code, b'{"detail": "not now"}', Retry_After="0"),)

    error = sdk.does("create", server, max_retries=2)

    assert kind in error["raised"]
    assert (error["status"], error["retry"]) == (code, "false")
    assert error["body"]["error"]["message"] == f"HTTP {code}: not now"
    assert len(server.posts) == 3


def test_server_that_cannot_be_reached_is_not_retried_by_the_sdk(sdk: Sdk) -> None:
    with serving() as server:
        pass

    error = sdk.does("create", server)

    assert "InternalServerError" in error["raised"]
    assert (error["status"], error["retry"]) == (502, "false")
    assert error["body"]["error"]["type"] == "api_connection_error"


def test_key_of_the_sdk_is_sent_where_the_transport_has_none(sdk: Sdk, server: WireServer) -> None:
    sdk.does("create", server)

    assert server.posts[0].headers["authorization"] == f"Bearer {KEY}"


def test_key_of_the_transport_is_sent_and_the_sdk_s_is_not(sdk: Sdk, server: WireServer) -> None:
    sdk.does("create", server, api_key="key-of-transport")

    assert server.posts[0].headers["authorization"] == "Bearer key-of-transport"
    assert not any(KEY in said for said in server.posts[0].headers.values())


@pytest.mark.parametrize(
    "asked",
    [
        {"extra_body": {"security_tier": "high"}},
        {"extra_headers": {"X-Security-Tier": "high"}},
        {},
    ],
)
def test_tier_is_asked_for_by_a_member_a_header_or_the_transport(
    sdk: Sdk, server: WireServer, asked: dict[str, Any]
) -> None:
    usual = "maximum" if asked else "high"

    sdk.does("create", server, asked=asked, security_tier=usual)

    assert server.posts[0].headers["x-security-tier"] == "high"
    assert "security_tier" not in json.loads(server.posts[0].plaintext)
