"""The real client of NOMYO, 0.2.9, behind our gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from client.keys import save_key
from tests.archive import making
from tests.client import wire
from tests.client.serving import Answer, WireServer, answered, sealed, serving, status
from tests.peers import needs
from tests.peers.orders import Worker, python_of, working

needs.need(python_of("nomyo").exists(), "nomyo in .venv/nomyo")

PROMPT: Final = "prompt-3f1c77aa90d2"
COMPLETION: Final = "completion-b8e21045cc17"
KEY: Final = "key-of-client-5f60e9137a"
ASKED: Final[dict[str, Any]] = {
    "model": "qwen3-8b",
    "messages": [{"role": "user", "content": PROMPT}],
}
MESSAGE: Final = {"role": "assistant", "content": COMPLETION}
CHOICES: Final = [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}]


def saying(**told: Any) -> Answer:
    """Answer with the completion, and with lies."""
    return answered(completion={"choices": CHOICES}, **told)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wrap")
    making.policy_file(folder)
    save_key(wire.client_key(), folder / "keys")
    return folder


@pytest.fixture(scope="module")
def worker(folder: Path) -> Iterator[Worker]:
    with working("nomyo", "tests.peers.wrap_worker", folder / "keys") as running:
        yield running


@pytest.fixture
def ask(worker: Worker, folder: Path) -> Any:
    def asked(server: WireServer, **told: Any) -> Any:
        gate = {"policy": str(folder / "policy.yaml"), **told.pop("gate", {})}
        make = {"max_retries": 0, "api_key": KEY, **told.pop("make", {})}
        secrets = [PROMPT, COMPLETION, KEY]
        order = {"url": server.url, "gate": gate, "make": make, "secrets": secrets}
        return worker.does(asked={**ASKED, **told}, **order)

    return asked


def test_verified_answer_is_released(ask: Any) -> None:
    with serving(saying()) as server:
        outcome = ask(server, security_tier="maximum", temperature=0.5)

    (posted,) = server.posts
    assert outcome["response"]["choices"] == CHOICES
    assert outcome["accepted"] is True
    assert outcome["payload_id"] == posted.payload_id
    assert json.loads(posted.plaintext) == {**ASKED, "temperature": 0.5}
    assert posted.headers["x-security-tier"] == "maximum"
    assert posted.headers["authorization"] == f"Bearer {KEY}"


def test_nothing_of_the_client_can_be_reached_by_name(ask: Any) -> None:
    with serving(saying()) as server:
        outcome = ask(server)

    assert outcome["reachable"] == []
    assert outcome["shown"] == ["acreate", "create"]


@pytest.mark.parametrize(
    ("told", "check"),
    [
        ({"quoted": {"magic": 0}}, "quote.magic"),
        ({"payload_id": "5d6c9d4e"}, "quote.nonce"),
        ({"tier": "high"}, "response.tier"),
        ({"attestation": {"is_available": False}}, "evidence.form"),
        ({"drop": ["_metadata"]}, "evidence.present"),
    ],
)
def test_answer_that_does_not_verify_is_refused_after_one_post(
    ask: Any, told: dict[str, Any], check: str
) -> None:
    with serving(saying(**told)) as server:
        outcome = ask(server)

    assert outcome["raised"] == "AttestationRefused"
    assert check in outcome["checks"]
    assert (outcome["phase"], outcome["prompt_sent"]) == ("response", True)
    assert outcome["leaked"] == []
    assert len(server.posts) == 1


def test_refusal_is_not_retried(ask: Any) -> None:
    with serving(saying(quoted={"magic": 0})) as server:
        outcome = ask(server, make={"max_retries": 2})

    assert outcome["raised"] == "AttestationRefused"
    assert len(server.posts) == 1


def test_retry_of_the_client_is_judged_by_the_id_that_it_sent_twice(ask: Any) -> None:
    with serving(status(503), saying()) as server:
        outcome = ask(server, make={"max_retries": 1})

    first, second = server.posts
    assert outcome["accepted"] is True
    assert first.payload_id == second.payload_id == outcome["payload_id"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"base_url": "https://other.example"}, "base_url: "),
        ({"stream": True}, "stream: "),
        ({"security_tier": "none"}, "security_tier is 'none'"),
    ],
)
def test_request_that_a_gate_cannot_honour_is_refused_before_anything_is_sent(
    ask: Any, option: dict[str, Any], said: str
) -> None:
    with serving(saying()) as server:
        outcome = ask(server, **option)

    assert outcome["raised"] == "ValueError"
    assert outcome["said"].startswith(said)
    assert (server.posts, server.fetches) == ([], 0)


def test_key_of_a_request_wins(ask: Any) -> None:
    with serving(saying()) as server:
        ask(server, api_key="key-of-request")

    assert server.posts[0].headers["authorization"] == "Bearer key-of-request"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(401), "AuthenticationError"),
        (status(429), "RateLimitError"),
        (status(503), "ServiceUnavailableError"),
    ],
)
def test_errors_of_the_client_are_raised_as_they_are(ask: Any, answer: Answer, kind: str) -> None:
    with serving(answer) as server:
        outcome = ask(server)

    assert (outcome["raised"], outcome["of"]) == (kind, "nomyo")


def test_answer_that_was_sealed_and_is_no_object_is_not_released(ask: Any) -> None:
    with serving(sealed(json.dumps([COMPLETION]).encode())) as server:
        outcome = ask(server)

    assert "raised" in outcome
    assert len(server.posts) == 1


def test_decision_is_recorded_before_the_answer_is_released(ask: Any, folder: Path) -> None:
    archive = folder / "evidence.jsonl"
    with serving(saying(), saying(quoted={"magic": 0})) as server:
        ask(server, gate={"archive": str(archive)})
        ask(server, gate={"archive": str(archive)})

    records = [making.record_of(line) for line in making.lines_of(archive)]
    assert [record["released"] for record in records] == [True, False]
    assert {record["base_url"] for record in records} == {server.url}
    assert {record["server_key_sha256"] for record in records} == {None}
