"""An ASGI application served by uvicorn: one protocol, silent, ended in order (extra ``serve``)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import FrameType
from typing import Literal

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp

from client.listening import BACKLOG

GRACE = 5
"""Seconds that answers under way may still take when the server ends."""
MAX_HEAD = 64 * 1024
"""Octets of a request's line and headers."""


class Server(uvicorn.Server):
    """uvicorn, which says when it answers, and for which a signal is an order and no failure.

    Attributes:
        settled: Set once it answers, or failed to start.
    """

    def __init__(
        self,
        app: ASGIApp,
        announce: Callable[[], None],
        *,
        lifespan: Literal["on", "off"] = "off",
    ) -> None:
        """Prepare; silent, for a log could hold what is secret.

        Args:
            app: The application.
            announce: Called once it answers.
            lifespan: Whether the application is told of start and end.
        """
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan=lifespan,
            interface="asgi3",
            access_log=False,
            log_config=None,
            log_level="critical",
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=GRACE,
            h11_max_incomplete_event_size=MAX_HEAD,
        )
        super().__init__(config)
        self.settled = threading.Event()
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        try:
            await super().startup(sockets)
        finally:
            self.settled.set()
        self._announce()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's
        """Finish what is under way; a second signal ends at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


async def body_within(request: Request, most: int) -> bytes | None:
    """Read a request's body, or None where it is longer; no more of it is held than ``most``."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            return None
    return bytes(body)
