"""For an application's own tests: answers without a server, accepted or refused as a test wants.

The answers are canned and their evidence is simulated; nothing here proves anything of a machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx

from client.demo import POLICY
from client.demo.reply import Reply
from client.demo.service import KEY_PATH, Asked, Options, Service

URL = "https://attested.invalid"
"""An address for a client in a test; nothing is ever asked there."""
_KEY_BITS = 2048


class Responder:
    """Stands for a server behind an httpx client.

    Example:
        responder = Responder("wrong-pcr")
        chat = SecureChatCompletion(
            URL, policy=responder.policy, http_client=responder.async_client()
        )

    Attributes:
        policy: The policy that its honest answers meet.
    """

    policy: Path = POLICY

    def __init__(self, *misbehave: str, tpm: bool = True) -> None:
        """Answer honestly, or misbehave.

        Args:
            misbehave: Names as for ``attest-chat serve --misbehave``: ``NAME`` for every request,
                ``NAME@N`` for the N-th to its path, ``NAME/N`` for every N-th.
            tpm: Whether the machine has a TPM.

        Raises:
            ValueError: An unknown name.
        """
        options = Options(
            tpm="simulated" if tpm else "none", key_bits=_KEY_BITS, misbehave=misbehave
        )
        self._service = Service(options)

    @property
    def counts(self) -> Counter[str]:
        """Requests by method and path, such as ``POST /v1/chat/secure_completion``."""
        return self._service.counts

    def transport(self) -> httpx.MockTransport:
        """Return a transport for either kind of httpx client."""
        return httpx.MockTransport(self._answer)

    def client(self) -> httpx.Client:
        """Return a client for ``SyncSecureChatCompletion``."""
        return httpx.Client(transport=self.transport())

    def async_client(self) -> httpx.AsyncClient:
        """Return a client for ``SecureChatCompletion``."""
        return httpx.AsyncClient(transport=self.transport())

    def _answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        position = self._service.count(request.method, request.url.path)
        if request.url.path == KEY_PATH:
            return _response(self._service.public_key(position))
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._service.arrive(headers.get("x-payload-id", ""))
        return _response(self._service.complete(Asked(headers, request.content, position)))


class _Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in pieces, which ends before its end where it is cut off."""

    def __init__(self, make: Callable[[], Iterator[bytes]], *, cut: bool) -> None:
        self._make = make
        self._cut = cut

    def __iter__(self) -> Iterator[bytes]:
        yield from self._make()
        if self._cut:
            raise httpx.RemoteProtocolError("peer closed the connection in the middle of the body")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece


def _response(reply: Reply) -> httpx.Response:
    """Return a reply as httpx has it."""
    body = reply.body[: len(reply.body) // 2] if reply.cut else reply.body
    stream = _Pieces(reply.pieces or (lambda: iter([body])), cut=reply.cut)
    headers = [(name.encode(), value.encode("latin-1")) for name, value in reply.headers]
    return httpx.Response(reply.status, headers=headers, stream=stream)
