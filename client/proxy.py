"""A local endpoint of OpenAI's interface before the gate: an ASGI application (extra ``serve``).

It gates by the same transport as the SDK's. No request can choose the server that is asked.
"""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from client.envelope import MAX_REQUEST
from client.serving import body_within
from client.transport import AsyncAttestedTransport

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_BEARER = b"Bearer "
_UPSTREAM = "https://attested.invalid"
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_OWN_HEADERS = ("authorization", "x-security-tier")


def proxy_app(
    transport: AsyncAttestedTransport,
    *,
    token: str | None = None,
    hosts: Sequence[str] = LOOPBACK_NAMES,
) -> Starlette:
    """Return the application.

    Args:
        transport: What asks and judges; it is closed at the end.
        token: Bearer token that each request must have; None asks for none, and then a request's
            own token is the API key where the transport has none.
        hosts: Names that a request may address, so that no web page reaches the proxy by a name of
            its own (DNS rebinding); with a token, any.

    Raises:
        ValueError: A token that no header can hold.
    """
    if token is not None and (not token.isascii() or not token.isprintable() or " " in token):
        raise ValueError("token: expected printable ASCII without spaces")
    proxy = _Proxy(transport, None if token is None else token.encode())
    middleware = [] if token else [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await transport.aclose()

    route = Route("/{path:path}", proxy.answer, methods=list(_METHODS))
    return Starlette(routes=[route], middleware=middleware, lifespan=lifespan)


class _Proxy:
    """Hands requests to the transport."""

    def __init__(self, transport: AsyncAttestedTransport, token: bytes | None) -> None:
        self._transport = transport
        self._token = token

    async def answer(self, request: Request) -> Response:
        """Answer one request."""
        if self._token is not None and not self._is_allowed(request):
            return _fault(HTTPStatus.UNAUTHORIZED, "the proxy's bearer token is missing or wrong")
        if request.method == "POST" and not _is_json(request):
            return _fault(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected content-type: application/json"
            )
        body = await body_within(request, MAX_REQUEST)
        if body is None:
            return _fault(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"request: exceeds {MAX_REQUEST} octets"
            )
        reply = await self._transport.handle_async_request(self._handed_on(request, body))
        return Response(await reply.aread(), reply.status_code, dict(reply.headers))

    def _is_allowed(self, request: Request) -> bool:
        """Compare the token, in time that tells nothing of it."""
        seen = request.headers.get("authorization", "").encode("utf-8", "replace")
        return hmac.compare_digest(seen, _BEARER + (self._token or b""))

    def _handed_on(self, request: Request, body: bytes) -> httpx.Request:
        """Return the request as the transport takes it: without the proxy's own token."""
        names = _OWN_HEADERS if self._token is None else _OWN_HEADERS[1:]
        headers = {name: request.headers[name] for name in names if name in request.headers}
        return httpx.Request(
            request.method, _UPSTREAM + request.url.path, headers=headers, content=body
        )


def _is_json(request: Request) -> bool:
    """Tell whether the body says that it is JSON, which no form of a web page can."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "application/json"


def _fault(status: int, message: str) -> Response:
    """Tell of a request that was not handed on, in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status, {"x-should-retry": "false"})
