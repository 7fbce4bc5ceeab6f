"""Transports of httpx that gate OpenAI's SDK: ``OpenAI(http_client=httpx.Client(transport=...))``.

The SDK's own address is never asked: a transport asks the server that it was made for.
"""

from __future__ import annotations

import httpx

from client.chat_api import ChatCompletions, refusal_of
from client.faces import AsyncFace, SyncFace

__all__ = ["AsyncAttestedTransport", "AttestedTransport", "refusal_of"]


class AttestedTransport(SyncFace, ChatCompletions, httpx.BaseTransport):
    """A gated transport for ``httpx.Client``; arguments as for ``SecureChatCompletion``."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a chat completion, verified or refused with status 424; nothing is raised."""
        steps = self._reply_to(request.method, request.url.path, request.headers, request.read())
        reply = self._endpoint.run(steps)
        return httpx.Response(**reply.arguments(), request=request)


class AsyncAttestedTransport(AsyncFace, ChatCompletions, httpx.AsyncBaseTransport):
    """A gated transport for ``httpx.AsyncClient``; arguments as for ``SecureChatCompletion``."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a chat completion, verified or refused with status 424; nothing is raised."""
        body = await request.aread()
        steps = self._reply_to(request.method, request.url.path, request.headers, body)
        reply = await self._endpoint.run(steps)
        return httpx.Response(**reply.arguments(), request=request)
