"""NOMYO's client against the embedded server: honest answers, a lie found later, and errors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import attest
from client import ClientError, SyncSecureChatCompletion
from client.demo.running import Running, serving
from tests.client.preparing import MODEL, asked, prepared
from tests.demo.talking import LOADED, failing, options
from tests.peers.by_nomyo import Nomyo, nomyo

PROMPT: Final = "What is measured boot?"
COMPLETION: Final = "POST /v1/chat/secure_completion"
STATUSES: Final = (400, 401, 403, 404, 429, 500, 502, 503, 504)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving(options()) as started:
        yield started


@pytest.fixture(scope="module")
def peer(running: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nomyo]:
    with nomyo(running.url, tmp_path_factory.mktemp("nomyo") / "keys") as started:
        yield started


def judged(response: dict[str, Any], tier: str) -> attest.AttestationResult:
    """What attest says of an answer that NOMYO's client returned, as it would be saved."""
    return attest.verify(json.dumps(response).encode(), LOADED, security_tier=tier)


@pytest.mark.parametrize("tier", ["standard", "high", "maximum"])
def test_nomyo_completes_and_its_answer_is_accepted_later(
    running: Running, peer: Nomyo, tier: str
) -> None:
    response = peer.create(MODEL, asked(PROMPT), security_tier=tier)
    assert response["choices"][0]["message"]["role"] == "assistant"
    assert response["choices"][0]["message"]["content"]
    assert response["_metadata"]["payload_id"] == running.payload_ids[-1]
    assert judged(response, tier).accepted


def test_nomyo_sends_one_request_for_the_key_and_one_for_the_prompt(
    running: Running, peer: Nomyo
) -> None:
    before = running.counts.copy()
    peer.create(MODEL, asked(PROMPT))
    assert running.counts - before == {"GET /pki/public_key": 1, COMPLETION: 1}


def test_answer_that_nomyo_returned_is_refused_later_where_the_server_lied(tmp_path: Path) -> None:
    with (
        serving(options("other-payload")) as lying,
        nomyo(lying.url, tmp_path / "keys") as peer,
    ):
        response = peer.create(MODEL, asked(PROMPT), security_tier="high")
    assert failing(judged(response, "high")) == ["quote.nonce"]


def test_both_clients_raise_one_class_for_each_status(tmp_path: Path) -> None:
    told = prepared(tmp_path)
    turns = [
        f"status-{status}@{2 * at + turn}" for at, status in enumerate(STATUSES) for turn in (1, 2)
    ]
    with (
        serving(options(*turns)) as server,
        nomyo(server.url, tmp_path / "nomyo") as peer,
        SyncSecureChatCompletion(server.url, max_retries=0, **told) as chat,
    ):
        raised = [
            (peer.create(MODEL, asked(PROMPT))["raised"], class_raised(chat)) for _ in STATUSES
        ]
    assert [theirs for theirs, _ in raised] == [ours for _, ours in raised]
    assert len(set(raised)) == 7


def class_raised(chat: SyncSecureChatCompletion) -> str:
    """Name the class that our client raises."""
    with pytest.raises(ClientError) as caught:
        chat.create(MODEL, asked(PROMPT))
    return type(caught.value).__name__
