"""The transports for OpenAI's SDK, asked by the HTTP clients that the SDK is built on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import httpx
import httpx2
import pytest

from attest.archive import Phase
from client import transport, transport_httpx2
from client.chat_api import refusal_of
from client.envelope import MAX_REQUEST
from client.errors import AttestationRefused
from client.preflight import PROBE
from client.steps import Compute, Fetch
from tests.client.gating import saying, wired
from tests.client.reaching import (
    COMPLETION,
    FORGED,
    MESSAGES,
    MODEL,
    PROMPT,
    URL,
    Rig,
    archived,
    keyed,
    lost,
    plaintexts,
    texts,
)
from tests.client.serving import answered, sealed, status
from tests.client.transporting import ASKED, KINDS, Caller, error_of
from tests.judging import policy_of
from tests.policy.test_schema import valid


@pytest.fixture(params=KINDS)
def caller(request: pytest.FixtureRequest) -> Caller:
    """A caller by each kind of client."""
    return Caller(request.param)


@pytest.fixture
def usual() -> Caller:
    """A caller by the usual kind, for what all four have in common."""
    return Caller("httpx")


def test_verified_answer_is_answered_as_it_was_sealed(caller: Caller) -> None:
    server = wired(saying(COMPLETION))

    response = caller.ask(server, {**ASKED, "temperature": 0.5})

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert "x-should-retry" not in response.headers
    assert response.json()["choices"][0]["message"]["content"] == COMPLETION
    assert response.json()["_metadata"]["tpm_attestation"]["is_available"] is True
    assert plaintexts(server) == [{**ASKED, "temperature": 0.5}]


def test_refusal_is_status_424_with_the_result_and_nothing_of_the_answer(caller: Caller) -> None:
    server = wired(saying(COMPLETION, **FORGED))

    response = caller.ask(server, ASKED)

    assert response.status_code == 424
    error = error_of(response)
    assert error["type"] == "attestation_refused"
    assert error["message"].startswith("attestation refused: quote.magic: ")
    body = response.json()
    assert body.keys() == {"error", "attestation", "phase", "prompt_sent"}
    assert valid("result", body["attestation"])
    assert body["attestation"]["decision"] == "refused"
    assert (body["phase"], body["prompt_sent"]) == ("response", True)
    assert COMPLETION not in response.text
    assert PROMPT not in response.text
    assert len(server.posts) == 1


def test_refusal_hangs_on_the_response_for_whoever_made_an_error_of_it(caller: Caller) -> None:
    response = caller.ask(wired(answered(**FORGED)), ASKED)
    error = RuntimeError()
    error.response = response  # type: ignore[attr-defined] # as openai.APIStatusError has it

    refusal = refusal_of(error)

    assert isinstance(refusal, AttestationRefused)
    assert refusal.phase is Phase.RESPONSE
    assert refusal.result.to_dict() == response.json()["attestation"]


def test_errors_that_tell_of_something_else_have_no_refusal(usual: Caller) -> None:
    error = RuntimeError()
    assert refusal_of(error) is None
    error.response = usual.ask(wired(status(401)), ASKED)  # type: ignore[attr-defined] # as above
    assert refusal_of(error) is None
    error.response.extensions["attestation_refused"] = "said by somebody"  # type: ignore[attr-defined]
    assert refusal_of(error) is None


def test_refused_probe_is_told_as_one_and_sends_no_prompt(caller: Caller) -> None:
    server = wired(answered(**FORGED))

    response = caller.ask(server, ASKED, preflight="first")

    assert response.status_code == 424
    assert (response.json()["phase"], response.json()["prompt_sent"]) == ("preflight", False)
    assert texts(server) == [PROBE]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/models"),
        ("GET", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/chat/completions/"),
        ("POST", "/v1/chat/completions/x"),
        ("POST", "/"),
    ],
)
def test_nothing_but_chat_completions_is_answered(usual: Caller, method: str, path: str) -> None:
    server = wired()

    response = usual.ask(server, ASKED, method=method, url="https://attested.invalid" + path)

    assert response.status_code == 404
    assert error_of(response)["type"] == "unsupported"
    assert error_of(response)["message"] == "only POST /chat/completions is gated"
    assert (server.posts, server.fetches) == ([], 0)


def test_other_paths_are_refused_by_each_kind(caller: Caller) -> None:
    response = caller.ask(wired(), b"", method="GET", url="https://attested.invalid/v1/models")

    assert (response.status_code, error_of(response)["type"]) == (404, "unsupported")


INVALID: Final[dict[str, tuple[object, str]]] = {
    "no JSON": (b"{", "is no JSON"),
    "no UTF-8": (b'{"model": "\xff"}', "UTF-8"),
    "list": ([], "object"),
    "empty": (b"", ""),
    "member twice": (b'{"model": "a", "model": "b"}', "model"),
    "no model": ({"messages": []}, "model is NoneType, expected str"),
    "model no text": ({"model": 1}, "model is int, expected str"),
    "base_url": ({**ASKED, "base_url": "https://other.example"}, "base_url: is no member"),
    "api_key": ({**ASKED, "api_key": "k"}, "api_key: is no member"),
    "tier": ({**ASKED, "security_tier": "none"}, "security_tier is 'none', expected one of"),
    "stream": ({**ASKED, "stream": True}, "stream: what was not judged whole is not released"),
    "stream 1": ({**ASKED, "stream": 1}, "stream: "),
    "deep": (b'{"model": "m", "messages": ' + b"[" * 70 + b"]" * 70 + b"}", ""),
    "long": (b" " * (MAX_REQUEST + 1), f"request: {MAX_REQUEST + 1} octets exceed {MAX_REQUEST}"),
}


@pytest.mark.parametrize("case", INVALID)
def test_request_that_cannot_be_sent_is_status_400_and_sends_nothing(
    usual: Caller, case: str
) -> None:
    body, said = INVALID[case]
    server = wired()

    response = usual.ask(server, body)

    assert response.status_code == 400
    assert error_of(response)["type"] == "invalid_request_error"
    assert said in error_of(response)["message"]
    assert PROMPT not in response.text
    assert (server.posts, server.fetches) == ([], 0)


def test_stream_that_is_not_asked_for_is_none(usual: Caller) -> None:
    for stream in (False, None):
        assert usual.ask(wired(), {**ASKED, "stream": stream}).status_code == 200


FAULTS: Final[dict[str, tuple[Any, int, str]]] = {
    "401": (status(401, b'{"detail": "no such key"}'), 401, "api_error"),
    "403": (status(403), 403, "api_error"),
    "404": (status(404), 404, "api_error"),
    "429": (status(429), 429, "api_error"),
    "500": (status(500), 500, "api_error"),
    "503": (status(503), 503, "api_error"),
    "lost": (lost, 502, "api_connection_error"),
    "unsealed": (status(200, b"{}"), 502, "security_error"),
    "no object": (sealed(b"[]"), 502, "security_error"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_fault_of_the_server_is_told_by_its_status_and_not_to_be_asked_again(
    usual: Caller, case: str
) -> None:
    answer, code, kind = FAULTS[case]

    response = usual.ask(wired(answer), ASKED)

    assert response.status_code == code
    assert error_of(response)["type"] == kind
    assert error_of(response)["message"]


def test_words_of_the_server_are_repeated(usual: Caller) -> None:
    response = usual.ask(wired(FAULTS["401"][0]), ASKED)

    assert error_of(response)["message"] == "HTTP 401: no such key"


def test_answer_that_cannot_be_recorded_is_withheld_with_status_424(
    usual: Caller, tmp_path: Path
) -> None:
    archive = tmp_path / "evidence.jsonl"
    told = archived(tmp_path)
    server = wired()

    def unkeepable(posted: Any) -> Any:
        archive.unlink()
        archive.mkdir()
        return saying(COMPLETION)(posted)

    server.answers = (unkeepable,)

    response = usual.ask(server, ASKED, **told)

    assert response.status_code == 424
    assert error_of(response)["type"] == "evidence_write_error"
    assert COMPLETION not in response.text


def test_no_host_of_the_caller_is_ever_asked(usual: Caller) -> None:
    server = wired()

    response = usual.ask(server, ASKED, url="https://other.example/v1/chat/completions")

    assert response.status_code == 200
    assert server.posts[0].headers["host"] == "server.example"


def test_unknown_stream_is_refused_at_construction(usual: Caller) -> None:
    with pytest.raises(ValueError, match=r"^stream is 'yes', expected refuse or buffer$"):
        usual.ask(wired(), ASKED, stream="yes")


@pytest.mark.parametrize("kind", [httpx.Client, httpx2.Client])
def test_closing_the_client_closes_the_connections_of_the_transport(kind: Any) -> None:
    module = transport if kind is httpx.Client else transport_httpx2
    gated = module.AttestedTransport(wired().url, policy=policy_of())

    with kind(transport=gated):
        pass

    with pytest.raises(RuntimeError, match="closed"):
        keyed(gated)._endpoint.run(gated._steps(MODEL, MESSAGES, {}))  # noqa: SLF001 - its connections


def test_exchange_that_ended_in_something_else_is_a_bug_and_answers_nothing() -> None:
    rig = Rig(wired())
    gated = keyed(transport.AttestedTransport(URL, policy=policy_of(), preflight="off"))
    steps = gated._reply_to("POST", "/chat/completions", {}, json.dumps(ASKED).encode())  # noqa: SLF001 - its steps
    post = rig.up_to(steps, Fetch)
    rig.up_to(steps, Compute, rig.take(post))  # to be judged

    with pytest.raises(TypeError, match=r"^an exchange ended in str$"):
        steps.send("accepted")
