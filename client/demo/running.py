"""The server running: in a thread for as long as a ``with`` block, or in the foreground."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from client.demo.app import build_app, workers
from client.demo.evidence import EvidenceSource
from client.demo.listening import BACKLOG, listen_on, url_of
from client.demo.service import Options, Service

GRACE = 5
"""Seconds that answers under way may still take when the server ends."""
MAX_HEAD = 64 * 1024
"""Octets of a request's line and headers."""
ANY_PORT = "127.0.0.1:0"


class Running:
    """A server that answers, as whoever started it sees it.

    Attributes:
        url: Base URL, without a slash at the end.
        service: What answers.
    """

    def __init__(self, url: str, service: Service) -> None:
        """Hold the two together."""
        self.url = url
        self.service = service

    @property
    def counts(self) -> Counter[str]:
        """Requests by method and path, such as ``POST /v1/chat/secure_completion``."""
        return self.service.counts

    @property
    def payload_ids(self) -> tuple[str, ...]:
        """Payload ids in the order of their arrival."""
        return tuple(self.service.payload_ids)

    @property
    def source(self) -> EvidenceSource:
        """Where evidence comes from; its PCRs can be extended."""
        return self.service.source


@contextmanager
def serving(
    options: Options | None = None,
    *,
    listen: str = ANY_PORT,
    allow_remote: bool = False,
    source: EvidenceSource | None = None,
) -> Iterator[Running]:
    """Run a server in a thread for as long as the block lasts.

    Args:
        options: How it is to be; None: the defaults.
        listen: ``HOST:PORT``; port 0 takes a free one.
        allow_remote: Whether ``listen`` may be another address than loopback.
        source: Evidence from elsewhere; it is closed at the end too.

    Raises:
        ValueError: An option has no meaning, or the address is not allowed.
        OSError: The address cannot be listened on.
        SwtpmError: swtpm does not start.
    """
    with _prepared(options or Options(), listen, allow_remote, source) as (running, app, listening):
        server = _Server(_config(app), lambda: None)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            server.settled.wait()
            yield running
        finally:
            server.should_exit = True
            thread.join()


def serve(
    options: Options, listen: str, announce: Callable[[Running], None], *, allow_remote: bool
) -> None:
    """Run a server in the foreground until SIGINT or SIGTERM; answers under way are finished.

    Args:
        options: How it is to be.
        listen: ``HOST:PORT``.
        announce: Called once it answers.
        allow_remote: Whether ``listen`` may be another address than loopback.

    Raises:
        ValueError: An option has no meaning, or the address is not allowed.
        OSError: The address cannot be listened on.
        SwtpmError: swtpm does not start.
    """
    with _prepared(options, listen, allow_remote, None) as (running, app, listening):
        _Server(_config(app), lambda: announce(running)).run(sockets=[listening])


@contextmanager
def _prepared(
    options: Options, listen: str, allow_remote: bool, source: EvidenceSource | None
) -> Iterator[tuple[Running, ASGIApp, socket.socket]]:
    """Listen, and start the source and the threads; end them in the opposite order."""
    with listen_on(listen, allow_remote=allow_remote) as listening:
        service = Service(options, source)
        with closing(service.source), workers() as pool:
            yield Running(url_of(listening), service), build_app(service, pool), listening


def _config(app: ASGIApp) -> uvicorn.Config:
    """Return how uvicorn runs: one protocol, and silent, for a log could hold what is secret."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        interface="asgi3",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE,
        h11_max_incomplete_event_size=MAX_HEAD,
    )


class _Server(uvicorn.Server):
    """uvicorn, which says when it answers, and for which a signal is an order and no failure."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
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
