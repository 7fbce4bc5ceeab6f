"""The transports of ``client.transport`` for httpx2, on which openai 3 is built.

httpx2 takes no transport of httpx, though both have the same form.
"""

from __future__ import annotations

import httpx2

from client.chat_api import ChatCompletions, refusal_of
from client.faces import AsyncFace, SyncFace

__all__ = ["AsyncAttestedTransport", "AttestedTransport", "refusal_of"]


class AttestedTransport(SyncFace, ChatCompletions, httpx2.BaseTransport):
    """A gated transport for ``httpx2.Client``; arguments as for ``SecureChatCompletion``."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a chat completion, verified or refused with status 424; nothing is raised."""
        steps = self._reply_to(request.method, request.url.path, request.headers, request.read())
        reply = self._endpoint.run(steps)
        return httpx2.Response(**reply.arguments(), request=request)


class AsyncAttestedTransport(AsyncFace, ChatCompletions, httpx2.AsyncBaseTransport):
    """A gated transport for ``httpx2.AsyncClient``; arguments as for ``SecureChatCompletion``."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a chat completion, verified or refused with status 424; nothing is raised."""
        body = await request.aread()
        steps = self._reply_to(request.method, request.url.path, request.headers, body)
        reply = await self._endpoint.run(steps)
        return httpx2.Response(**reply.arguments(), request=request)
