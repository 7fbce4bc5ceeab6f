"""The server running: in a thread for as long as a ``with`` block, or in the foreground."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from starlette.types import ASGIApp

from client.demo.app import build_app, workers
from client.demo.evidence import EvidenceSource
from client.demo.service import Options, Service
from client.listening import listen_on, url_of
from client.serving import Server

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
        server = Server(app, lambda: None)
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
        Server(app, lambda: announce(running)).run(sockets=[listening])


@contextmanager
def _prepared(
    options: Options, listen: str, allow_remote: bool, source: EvidenceSource | None
) -> Iterator[tuple[Running, ASGIApp, socket.socket]]:
    """Listen, and start the source and the threads; end them in the opposite order."""
    with listen_on(listen, allow_remote=allow_remote) as listening:
        service = Service(options, source)
        with closing(service.source), workers() as pool:
            yield Running(url_of(listening), service), build_app(service, pool), listening
