"""The server's face to HTTP: paths, caps, and replies sent as they were made."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from client.demo.reply import Reply, fault
from client.demo.service import COMPLETION_PATH, KEY_PATH, MAX_SEALED, Asked, Service
from client.serving import body_within

POSITION = "demo.position"
"""Where the scope keeps a request's number."""
_MISSED = 499
"""Stands for an answer that nobody waits for any more."""


def workers() -> ThreadPoolExecutor:
    """Return the threads that open, sign and seal, so that the loop stays free."""
    return ThreadPoolExecutor((os.cpu_count() or 1) + 1, thread_name_prefix="demo")


def build_app(service: Service, pool: ThreadPoolExecutor) -> ASGIApp:
    """Return the ASGI application of a service.

    Args:
        service: Answers.
        pool: Where it answers; whoever made it ends it.
    """

    async def key(request: Request) -> Response:
        return _response(service.public_key(request.scope[POSITION]))

    async def complete(request: Request) -> Response:
        service.arrive(request.headers.get("X-Payload-ID", ""))
        try:
            body = await body_within(request, MAX_SEALED)
        except ClientDisconnect:
            return Response(status_code=_MISSED)
        if body is None:
            return _response(fault(413, f"request: more than {MAX_SEALED} octets"))
        headers = dict(reversed(request.headers.items()))
        asked = Asked(headers, body, request.scope[POSITION])
        loop = asyncio.get_running_loop()
        return _response(await loop.run_in_executor(pool, service.complete, asked))

    app = Starlette(
        routes=[
            Route(KEY_PATH, key, methods=["GET"]),
            Route(COMPLETION_PATH, complete, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _refused},
    )

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        scope[POSITION] = service.count(scope["method"], scope["path"])
        await app(scope, receive, send)

    return counted


async def _refused(_request: Request, error: Exception) -> Response:
    """Answer a path or a method that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    return _response(fault(error.status_code, error.detail, *(error.headers or {}).items()))


def _response(reply: Reply) -> Response:
    """Return what sends a reply."""
    response: Response
    if reply.pieces is not None:
        response = StreamingResponse(_pieces(reply.pieces), reply.status)
    elif reply.cut:
        response = _CutOff(reply.body, reply.status)
    else:
        response = Response(reply.body, reply.status)
    added = [(name.lower().encode(), value.encode("latin-1")) for name, value in reply.headers]
    response.raw_headers += added
    return response


class _CutOff(Response):
    """Promises the whole body, sends half of it, and ends: the connection closes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the half."""
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def _pieces(make: Callable[[], Iterator[bytes]]) -> AsyncIterator[bytes]:
    for piece in make():
        yield piece
