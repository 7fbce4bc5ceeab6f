"""A tiny client for the tests, and a server to talk to; it judges by attest.verify alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

import attest
from attest.policy.loader import load_policy
from attest.result import AttestationResult
from client.demo import POLICY
from client.demo.service import COMPLETION_PATH, KEY_PATH, Options
from client.envelope import load_server_key, open_response, seal
from tests.client import wire

LOADED = load_policy(POLICY)
PROMPT = {"model": "canned", "messages": [{"role": "user", "content": "four words of prompt"}]}


def options(*misbehave: str, **members: Any) -> Options:
    """Options of a server whose key is quickly made."""
    return Options(**{"key_bits": 2048, "misbehave": misbehave, **members})


@cache
def client_pem() -> str:
    """The client's public key as it travels."""
    return quote(wire.pem_of(wire.small_key().public_key()).decode())


def headers(payload_id: str | None = None, **lies: str) -> dict[str, str]:
    """Honest headers; ``lies`` replace some, spelled with underscores."""
    honest = {
        "X-Payload-ID": payload_id or str(uuid.uuid4()),
        "X-Public-Key": client_pem(),
        "X-Security-Tier": "high",
        "Content-Type": "application/octet-stream",
    }
    return {**honest, **{name.replace("_", "-"): value for name, value in lies.items()}}


def sealed(client: httpx.Client, request: object = PROMPT) -> bytes:
    """A request, sealed to the key that the server shows now."""
    key = load_server_key(client.get(KEY_PATH).content)
    return seal(msgspec.json.encode(request), key)


def asked(client: httpx.Client, **said: str) -> httpx.Response:
    """The answer to an honest request."""
    return client.post(COMPLETION_PATH, content=sealed(client), headers=headers(**said))


def opened(response: httpx.Response) -> dict[str, Any]:
    """The completion of an answer."""
    assert response.status_code == 200, response.text
    completion: dict[str, Any] = msgspec.json.decode(
        open_response(response.content, wire.small_key())
    )
    return completion


def judged(
    completion: Mapping[str, Any] | bytes, payload_id: str, tier: str = "high"
) -> AttestationResult:
    """What attest says of a completion under the policy of the demonstration."""
    given = completion if isinstance(completion, bytes) else dict(completion)
    return attest.verify(given, LOADED, payload_id=payload_id, security_tier=tier)


def verdict(url: str, tier: str = "high") -> AttestationResult:
    """One whole exchange, judged."""
    payload_id = str(uuid.uuid4())
    with httpx.Client(base_url=url) as client:
        answer = asked(client, payload_id=payload_id, X_Security_Tier=tier)
        plaintext = open_response(answer.content, wire.small_key())
    return judged(plaintext, payload_id, tier)


def failing(result: AttestationResult) -> list[str]:
    """Ids of the checks that fail."""
    return [check.id for check in result.checks if check.outcome == "fail"]
