"""An exchange driven by hand: its steps are taken against a script, and its waits written down."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx

from client.address import read_address
from client.errors import APIConnectionError
from client.exchange import Asked, Exchange, Sent
from client.keyring import Keyring
from client.steps import Alone, Answer, Compute, Fetch, Lost, Step, Wait
from tests.client import wire
from tests.client.gating import handler_of
from tests.client.serving import WireServer


class Driver:
    """Takes steps against a script.

    Attributes:
        server: Who is asked.
        waits: Seconds that the steps waited, without passing them.
    """

    def __init__(self, server: WireServer) -> None:
        self.server = server
        self.waits: list[float] = []
        self._handle = handler_of(server)

    def run(self, steps: Generator[Step, object, Any], done: object = None) -> Any:
        """Take steps to their end; ``done`` is the answer to the step that they stopped at."""
        while True:
            try:
                step = steps.send(done)
            except StopIteration as end:
                return end.value
            done = self.take(step)

    def take(self, step: Step) -> object:
        """Take one step, without letting time pass."""
        if isinstance(step, Fetch):
            return self._fetched(step)
        if isinstance(step, Compute):
            return step.work()
        if isinstance(step, Alone):
            return self.run(step.steps())
        assert isinstance(step, Wait)
        self.waits.append(step.seconds)
        return None

    def _fetched(self, step: Fetch) -> Answer | Lost:
        """Ask the script."""
        request = httpx.Request(step.method, step.url, headers=step.headers, content=step.content)
        try:
            response = self._handle(request)
        except httpx.TransportError as error:
            return Lost(APIConnectionError(type(error).__name__))
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, response.read())


class Driven(Driver):
    """An exchange that was driven to its end.

    Attributes:
        outcome: What the exchange returned; ``"judged"`` where an answer was opened.
    """

    def __init__(self, server: WireServer, max_retries: int = 2) -> None:
        super().__init__(server)
        address = read_address(server.url, allow_http=False)
        keyring = Keyring(address)
        keyring.use_key(wire.client_key())
        exchange = Exchange(address, keyring, max_retries=max_retries)
        self.outcome = self.run(exchange.ask(bytearray(b"{}"), Asked(), judged))


def judged(_opened: bytes, _sent: Sent) -> str:
    """Judge nothing."""
    return "judged"
