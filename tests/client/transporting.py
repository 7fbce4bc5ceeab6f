"""The transports for OpenAI's SDK as tests ask them: by the HTTP clients it is built on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

import httpx
import httpx2

from client import transport, transport_httpx2
from tests.client.reaching import (
    MESSAGES,
    MODEL,
    keyed,
    over,
)
from tests.client.serving import WireServer
from tests.judging import policy_of

CHAT: Final = "https://attested.invalid/v1/chat/completions"
ASKED: Final = {"model": MODEL, "messages": list(MESSAGES)}
KINDS: Final = {
    "httpx": (httpx.Client, transport.AttestedTransport),
    "httpx2": (httpx2.Client, transport_httpx2.AttestedTransport),
    "async httpx": (httpx.AsyncClient, transport.AsyncAttestedTransport),
    "async httpx2": (httpx2.AsyncClient, transport_httpx2.AsyncAttestedTransport),
}


class Caller:
    """Asks through a transport, by any of the four kinds of client."""

    def __init__(self, kind: str) -> None:
        self.is_async = kind.startswith("async")
        self._client, self._transport = KINDS[kind]

    def ask(
        self,
        server: WireServer,
        body: object,
        *,
        url: str = CHAT,
        method: str = "POST",
        **told: Any,
    ) -> Any:
        """Send one request, and return the response, read."""
        headers = told.pop("headers", {})
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        inner = (httpx.Client, httpx.AsyncClient)[self.is_async](transport=over(server))
        given = {"policy": policy_of(), "max_retries": 0, "preflight": "off", **told}
        gated = keyed(self._transport(server.url, http_client=inner, **given))
        client: Any = self._client(transport=gated)
        if self.is_async:
            return asyncio.run(_asked(client, method, url, octets, headers))
        with client:
            return client.request(method, url, content=octets, headers=headers)


async def _asked(client: Any, method: str, url: str, octets: bytes, headers: Any) -> Any:
    async with client:
        return await client.request(method, url, content=octets, headers=headers)


def error_of(response: Any) -> Mapping[str, Any]:
    """The error in a body, whose shape is OpenAI's, and which must not be asked for again."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-should-retry"] == "false"
    error: Mapping[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] is None
    assert error["type"] == error["code"]
    return error
