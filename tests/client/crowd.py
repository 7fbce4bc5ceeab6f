"""A server for a crowd of clients at once, on asyncio's streams; a function answers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from http import HTTPStatus
from typing import Final

from anyio.from_thread import start_blocking_portal

from tests.client import wire
from tests.client.serving import CHAT_PATH, KEY_PATH, Answer, Posted, Reply, WireServer, answered

BACKLOG: Final = 1024
_NOTHING: Final = Reply(b"", 404)
_GONE: Final = (ConnectionError, asyncio.IncompleteReadError)
"""How a client leaves: between two requests, or killed within one."""


@contextmanager
def crowded(answer: Answer | None = None) -> Iterator[WireServer]:
    """Serve on this machine, in a thread, until the block ends; an honest server by default."""
    honest_or_told = listening(answer or answered())
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(honest_or_told) as server,
    ):
        yield server


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[WireServer]:
    """Serve in this loop until the block ends."""
    key = wire.server_key()
    with closing(socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = WireServer(url, (answer,), key, wire.pem_of(key.public_key()))
        front = _Front(server)
        serving = await asyncio.start_server(front.converse, sock=listener, backlog=BACKLOG)
        try:
            yield server
        finally:
            serving.close()
            await front.ended()


class _Front:
    """The HTTP of a server: requests one after the other on each connection."""

    def __init__(self, server: WireServer) -> None:
        self._server = server
        self._conversations: set[asyncio.Task[None]] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection until its client leaves."""
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        try:
            while True:
                writer.write(_octets(await self._reply(reader)))
                await writer.drain()
        except _GONE:
            return
        finally:
            self._conversations.discard(task)
            writer.close()

    async def ended(self) -> None:
        """End the conversations with clients that stayed."""
        for task in self._conversations:
            task.cancel()
        await asyncio.gather(*self._conversations, return_exceptions=True)

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        """Read a request, and return its answer."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        method, path, _ = first.split(" ")
        if (method, path) == ("GET", KEY_PATH):
            self._server.fetches += 1
            return Reply(self._server.pem)
        if (method, path) == ("POST", CHAT_PATH):
            return self._server.reply(Posted(headers, body, self._server.key))
        return _NOTHING


def _octets(reply: Reply) -> bytes:
    """Write an answer as it goes over the wire."""
    headers = {"Content-Length": str(len(reply.body)), **reply.headers}
    lines = [f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + reply.body
