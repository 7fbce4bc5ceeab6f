"""Both faces of the gated client against a server that was written from the protocol alone."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from attest.archive import verify_archive
from client import (
    AttestationRefused,
    AttestedResponse,
    SecureChatCompletion,
    SyncSecureChatCompletion,
)
from tests import build
from tests.client.leaks import leaked
from tests.client.preparing import MODEL, asked, prepared
from tests.client.serving import WireServer, answered, serving
from tests.judging import refusing

PROMPT: Final = "PROMPT-CANARY-5f1c"
CONTENT: Final = build.completion({})["choices"][0]["message"]["content"]
KEY: Final = "sk-0123456789"

Ask = Callable[[WireServer, dict[str, Any]], AttestedResponse]


def blocking(server: WireServer, told: dict[str, Any]) -> AttestedResponse:
    with SyncSecureChatCompletion(server.url, api_key=KEY, **told) as chat:
        return chat.create(MODEL, asked(PROMPT), security_tier="maximum", temperature=0.5)


async def awaiting(server: WireServer, told: dict[str, Any]) -> AttestedResponse:
    async with SecureChatCompletion(server.url, api_key=KEY, **told) as chat:
        return await chat.create(MODEL, asked(PROMPT), security_tier="maximum", temperature=0.5)


def in_a_loop(act: Callable[..., Awaitable[AttestedResponse]]) -> Ask:
    return lambda server, told: asyncio.run(act(server, told))  # type: ignore[arg-type] # coroutine


async def blocking_inside(server: WireServer, told: dict[str, Any]) -> AttestedResponse:
    return blocking(server, told)


FACES: Final = {
    "blocking": blocking,
    "event-loop": in_a_loop(awaiting),
    "blocking-inside-a-loop": in_a_loop(blocking_inside),
}
faces = pytest.mark.parametrize("ask", FACES.values(), ids=FACES)


@faces
def test_honest_answer_is_released_with_what_was_verified(tmp_path: Path, ask: Ask) -> None:
    with serving() as server:
        response = ask(server, prepared(tmp_path))
    _, posted = server.posts
    assert response["choices"][0]["message"]["content"] == CONTENT
    assert response.attestation.accepted
    assert response.attestation.payload_id == posted.payload_id
    assert response.attestation.baseline == "release-a"


@faces
def test_request_is_what_the_protocol_says(tmp_path: Path, ask: Ask) -> None:
    with serving() as server:
        ask(server, prepared(tmp_path))
    _, posted = server.posts
    told = {"model": MODEL, "messages": asked(PROMPT), "temperature": 0.5}
    assert json.loads(posted.plaintext) == told
    assert posted.headers["authorization"] == f"Bearer {KEY}"
    assert posted.headers["x-security-tier"] == "maximum"
    assert posted.headers["content-type"] == "application/octet-stream"
    assert server.fetches == 1


@faces
def test_refused_answer_is_asked_for_once_and_not_released(tmp_path: Path, ask: Ask) -> None:
    told = prepared(tmp_path)
    wrong_nonce = answered(quoted={"extra_data": bytes(16)})
    with (
        serving(answered(), wrong_nonce) as server,
        pytest.raises(AttestationRefused) as caught,
    ):
        ask(server, told)
    assert len(server.posts) == 2  # the probe, and the prompt once
    assert caught.value.prompt_sent
    assert refusing(caught.value.result) == {"quote.nonce"}
    assert not leaked(caught.value, CONTENT.encode(), PROMPT.encode())


@faces
def test_prompt_is_not_sent_where_the_probe_is_refused(tmp_path: Path, ask: Ask) -> None:
    told = prepared(tmp_path)
    wrong_nonce = answered(quoted={"extra_data": bytes(16)})
    with serving(wrong_nonce) as server, pytest.raises(AttestationRefused) as caught:
        ask(server, told)
    (probe,) = server.posts
    assert PROMPT.encode() not in probe.plaintext
    assert not caught.value.prompt_sent


@faces
def test_each_decision_is_in_the_archive(tmp_path: Path, ask: Ask) -> None:
    told = prepared(tmp_path)
    with serving(answered(), answered(), answered(), answered(tier="standard")) as server:
        ask(server, told)
        with pytest.raises(AttestationRefused):
            ask(server, told)
    records = [json.loads(line) for line in told["archive"].read_bytes().splitlines()]
    assert [record["payload_id"] for record in records] == [one.payload_id for one in server.posts]
    probes = ["preflight", "response"] * 2  # each client makes one
    assert [record["phase"] for record in records] == probes
    assert [record["released"] for record in records] == [False, True, False, False]
    assert verify_archive(told["archive"]).intact
