"""The responder for applications' own tests: answers and refusals without a server."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from client import (
    APIConnectionError,
    APIError,
    AttestationRefused,
    RateLimitError,
    SecureChatCompletion,
    SecurityError,
    SyncSecureChatCompletion,
)
from client.demo.misbehaviour import MISBEHAVIOURS
from client.testing import URL, Responder

MESSAGES = [{"role": "user", "content": "hello"}]
POSTS = "POST /v1/chat/secure_completion"
ROOT = Path(__file__).parent.parent.parent


def chat_of(responder: Responder, kept: Path) -> SyncSecureChatCompletion:
    return SyncSecureChatCompletion(
        URL,
        policy=responder.policy,
        preflight="off",
        max_retries=0,
        key_dir=kept,
        http_client=responder.client(),
    )


def test_honest_responder_is_accepted(kept: Path) -> None:
    responder = Responder()

    response = chat_of(responder, kept).create("m", MESSAGES, security_tier="maximum")

    assert response.attestation.accepted
    assert response["choices"][0]["message"]["content"].startswith("This is a canned answer")
    assert responder.counts == {"GET /pki/public_key": 1, POSTS: 1}


def test_async_clients_are_answered_likewise(kept: Path) -> None:
    responder = Responder("wrong-nonce@2")

    async def asked() -> bool:
        async with SecureChatCompletion(
            URL,
            policy=responder.policy,
            preflight="off",
            key_dir=kept,
            http_client=responder.async_client(),
        ) as chat:
            first = await chat.create("m", MESSAGES)
            with pytest.raises(AttestationRefused):
                await chat.create("m", MESSAGES)
            return first.attestation.accepted

    assert asyncio.run(asked())
    assert responder.counts[POSTS] == 2


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("wrong-pcr", AttestationRefused),
        ("no-metadata", AttestationRefused),
        ("tampered-tag", SecurityError),
        ("gzip-bomb", SecurityError),
        ("endless-body", SecurityError),
        ("status-429", RateLimitError),
        ("cut-off", APIConnectionError),
        ("redirect", APIError),
    ],
)
def test_misbehaviour_is_what_its_name_says(name: str, error: type[Exception], kept: Path) -> None:
    responder = Responder(name)
    chat = chat_of(responder, kept)

    with pytest.raises(error) as caught:
        chat.create("m", MESSAGES)

    assert type(caught.value) is error
    assert responder.counts[POSTS] == 1


def test_machine_without_tpm_is_refused(kept: Path) -> None:
    chat = chat_of(Responder(tpm=False), kept)

    with pytest.raises(AttestationRefused) as caught:
        chat.create("m", MESSAGES)

    assert "evidence.present" in {check.id for check in caught.value.result.refusals}


def test_unknown_misbehaviour_is_named() -> None:
    with pytest.raises(ValueError, match="'nothing' is no misbehaviour"):
        Responder("nothing")


def test_a_probe_is_answered_by_its_own_number(kept: Path) -> None:
    responder = Responder("wrong-pcr@2")
    chat = SyncSecureChatCompletion(
        URL, policy=responder.policy, key_dir=kept, http_client=responder.client()
    )

    with pytest.raises(AttestationRefused) as caught:
        chat.create("m", MESSAGES)

    assert (caught.value.phase, caught.value.prompt_sent) == ("response", True)


def test_the_guide_names_every_misbehaviour() -> None:
    guide = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")

    named = set(re.findall(r"`([a-z0-9-]+)`", guide)) | {"status-400"}
    statuses = {name for name in MISBEHAVIOURS if name.startswith("status-")}
    assert set(MISBEHAVIOURS) - statuses <= named


def test_odd_headers_are_sent_as_they_are(kept: Path) -> None:
    response = chat_of(Responder("server-header-noise"), kept).create("m", MESSAGES)

    assert response.attestation.accepted
