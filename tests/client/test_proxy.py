"""The proxy: OpenAI's interface for this machine, gated, and closed to web pages."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from client.envelope import MAX_REQUEST
from client.proxy import proxy_app
from client.testing import URL, Responder
from client.transport import AsyncAttestedTransport

CHAT = "/v1/chat/completions"
BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
TOKEN = "secret"
POSTS = "POST /v1/chat/secure_completion"


class Proxied:
    """A proxy before a responder, asked without sockets."""

    def __init__(self, kept: Path, *misbehave: str, **told: Any) -> None:
        self.responder = Responder(*misbehave)
        self.sent: list[httpx.Request] = []
        self._kept = kept
        self._token = told.pop("token", None)
        self._told = told

    def asked(self, *requests: dict[str, Any]) -> list[httpx.Response]:
        """Send requests, one after the other."""
        return asyncio.run(self._asked(requests))

    async def _asked(self, requests: tuple[dict[str, Any], ...]) -> list[httpx.Response]:
        async with httpx.AsyncClient(
            transport=self.responder.transport(), event_hooks={"request": [self._seen]}
        ) as upstream:
            transport = AsyncAttestedTransport(
                URL,
                policy=self.responder.policy,
                preflight="off",
                key_dir=self._kept,
                http_client=upstream,
                **self._told,
            )
            app = proxy_app(transport, token=self._token)
            asgi = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=asgi, base_url="http://127.0.0.1") as client:
                given = [{"method": "POST", "url": CHAT, "json": BODY, **one} for one in requests]
                return [await client.request(**one) for one in given]

    async def _seen(self, request: httpx.Request) -> None:
        self.sent.append(request)


def error_of(response: httpx.Response) -> tuple[int, str]:
    """Status and kind of an error in OpenAI's shape, which must not be asked again."""
    assert response.headers["x-should-retry"] == "false"
    return response.status_code, response.json()["error"]["type"]


def test_completion_is_answered_verified(kept: Path) -> None:
    (response,) = Proxied(kept).asked({})

    assert response.status_code == 200
    assert response.json()["choices"][0]["message"]["content"].startswith("This is a canned")


def test_refusal_is_424_with_the_result_and_one_post(kept: Path) -> None:
    proxied = Proxied(kept, "wrong-pcr")

    (response,) = proxied.asked({})

    assert error_of(response) == (424, "attestation_refused")
    assert response.json()["attestation"]["decision"] == "refused"
    assert proxied.responder.counts[POSTS] == 1


def test_only_chat_completions_are_answered(kept: Path) -> None:
    proxied = Proxied(kept)

    responses = proxied.asked(
        {"method": "GET", "url": "/v1/models"},
        {"url": "/v1/embeddings"},
        {"method": "GET"},
        {"method": "DELETE", "url": "/v1/files/x"},
    )

    assert [error_of(one) for one in responses] == [(404, "unsupported")] * 4
    assert proxied.responder.counts == {}


def test_no_request_can_choose_the_server(kept: Path) -> None:
    proxied = Proxied(kept)

    responses = proxied.asked(
        {"json": {**BODY, "base_url": "https://evil.example"}},
        {"url": "http://127.0.0.1/https://evil.example/chat/completions"},
        {"headers": {"X-Forwarded-Host": "evil.example"}},
    )

    assert error_of(responses[0]) == (400, "invalid_request_error")
    assert {request.url.host for request in proxied.sent} == {httpx.URL(URL).host}


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_another_host_name_is_refused(host: str, kept: Path) -> None:
    proxied = Proxied(kept)

    (response,) = proxied.asked({"headers": {"Host": host}})

    assert response.status_code == 400
    assert proxied.responder.counts == {}


@pytest.mark.parametrize("host", ["localhost", "localhost:8181", "127.0.0.1:8181", "[::1]"])
def test_names_of_the_loopback_are_answered(host: str, kept: Path) -> None:
    (response,) = Proxied(kept).asked({"headers": {"Host": host}})

    assert response.status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_what_a_form_could_send_is_refused(kind: str, kept: Path) -> None:
    proxied = Proxied(kept)
    octets = json.dumps(BODY).encode()

    (response,) = proxied.asked(
        {"json": None, "content": octets, "headers": {"Content-Type": kind}}
    )

    assert error_of(response) == (415, "invalid_request_error")
    assert proxied.responder.counts == {}


def test_body_beyond_the_cap_is_refused(kept: Path) -> None:
    proxied = Proxied(kept)
    octets = b'{"model": "' + b"m" * MAX_REQUEST + b'"}'
    headers = {"Content-Type": "application/json"}

    (response,) = proxied.asked({"json": None, "content": octets, "headers": headers})

    assert error_of(response) == (413, "invalid_request_error")
    assert proxied.responder.counts == {}


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer x", "Bearer secret ", "Basic secret"]
)
def test_wrong_token_is_401(shown: str | None, kept: Path) -> None:
    proxied = Proxied(kept, token=TOKEN)
    headers = {} if shown is None else {"Authorization": shown}

    (response,) = proxied.asked({"headers": headers})

    assert error_of(response) == (401, "invalid_request_error")
    assert proxied.responder.counts == {}


def test_token_of_the_proxy_is_not_sent_on(kept: Path) -> None:
    proxied = Proxied(kept, token=TOKEN)

    (response,) = proxied.asked(
        {"headers": {"Authorization": "Bearer secret", "Host": "proxy.example"}}
    )

    assert response.status_code == 200
    assert all("authorization" not in request.headers for request in proxied.sent)


def test_api_key_of_a_request_is_sent_where_the_proxy_has_none(kept: Path) -> None:
    proxied = Proxied(kept)

    proxied.asked({"headers": {"Authorization": "Bearer theirs"}})

    assert proxied.sent[-1].headers["authorization"] == "Bearer theirs"


def test_api_key_of_the_proxy_wins(kept: Path) -> None:
    proxied = Proxied(kept, api_key="ours")

    proxied.asked({"headers": {"Authorization": "Bearer theirs"}})

    assert proxied.sent[-1].headers["authorization"] == "Bearer ours"


def test_tier_of_a_request_is_asked_for(kept: Path) -> None:
    proxied = Proxied(kept, security_tier="high")

    proxied.asked({}, {"headers": {"X-Security-Tier": "maximum"}})

    tiers = [one.headers["x-security-tier"] for one in proxied.sent if one.method == "POST"]
    assert tiers == ["high", "maximum"]


def test_stream_is_answered_at_the_end_where_it_is_buffered(kept: Path) -> None:
    (response,) = Proxied(kept, stream="buffer").asked({"json": {**BODY, "stream": True}})

    assert response.headers["content-type"] == "text/event-stream"
    assert response.text.startswith("data: {")
    assert response.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize("token", ["with space", "ümlaut", "line\nend"])
def test_token_that_no_header_can_hold_is_refused(token: str) -> None:
    transport = AsyncAttestedTransport(URL, policy=Responder.policy)

    with pytest.raises(ValueError, match="token: expected printable ASCII without spaces"):
        proxy_app(transport, token=token)
