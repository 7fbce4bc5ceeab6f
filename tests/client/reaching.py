"""The gate's reach as tests drive it: steps taken by hand, against a server that needs no socket.

No time passes: a clock stands where it was put, and moves on with each wait.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from attest.policy.model import Policy
from client.address import read_address
from client.exchange import Asked, Exchange
from client.gate import Gate
from client.keyring import Keyring
from client.preflight import Preflight
from client.request import encode_payload
from client.steps import Step, Steps, Wait
from tests.archive import making
from tests.client import wire
from tests.client.driving import Driver
from tests.client.gating import handler_of
from tests.client.serving import Answer as Script
from tests.client.serving import Posted, Reply, WireServer
from tests.judging import policy_of

URL: Final = "https://server.example/api"
MODEL: Final = "qwen3-8b"
PROMPT: Final = "prompt-3f1c77aa90d2"
COMPLETION: Final = "completion-b8e21045cc17"
MESSAGES: Final = ({"role": "user", "content": PROMPT},)
FORGED: Final[dict[str, Any]] = {"quoted": {"magic": 0}}
"""The lie of a quote that no TPM made."""


def over(server: WireServer) -> httpx.MockTransport:
    """A transport of httpx that reaches this server alone."""
    return httpx.MockTransport(handler_of(server))


def then(answer: Script, act: Callable[[], object]) -> Script:
    """Answer, once something else was done."""

    def answer_after(posted: Posted) -> Reply:
        reply = answer(posted)
        act()
        return reply

    return answer_after


def lost(_: Posted) -> Reply:
    """Let the connection break in place of an answer."""
    raise httpx.ReadError("connection lost")


def keyed(made: Any) -> Any:
    """Give a client the key of the tests; one of its own takes a second."""
    made._keyring.use_key(wire.client_key())  # noqa: SLF001 - no public way to give one
    return made


def plaintexts(server: WireServer) -> list[dict[str, Any]]:
    """What stood in each POST, opened by the server as it came."""
    return [json.loads(posted.plaintext) for posted in server.posts]


def texts(server: WireServer) -> list[str]:
    """What was said in each POST: the word of a probe, or a prompt."""
    return [opened["messages"][0]["content"] for opened in plaintexts(server)]


class Rig(Driver):
    """A gate, its preflight and an exchange, put together as a client puts them, driven by hand.

    Attributes:
        server: Who is asked.
        now: What the clock says.
        waits: Seconds that were waited; the clock moved on by them.
    """

    def __init__(
        self,
        server: WireServer,
        preflight: str = "first",
        *,
        pins: tuple[str, ...] = (),
        ttl: float = 60.0,
        **gate: Any,
    ) -> None:
        super().__init__(server)
        self.now = 1000.0
        address = read_address(server.url, allow_http=False)
        keyring = Keyring(address, pins=pins)
        keyring.use_key(wire.client_key())
        self.gate = Gate(**{"policy": policy_of(), **gate})
        self.exchange = Exchange(address, keyring, max_retries=2)
        self.preflight = Preflight(
            self.exchange, self.gate, mode=preflight, ttl=ttl, clock=lambda: self.now
        )

    def ask(self, **told: Any) -> Any:
        """Ask for a completion, and return what became of it."""
        return self.run(self.steps(**told))

    def steps(self, model: str = MODEL, security_tier: str | None = None) -> Steps[object]:
        """The steps of a request."""
        asked = Asked(security_tier=security_tier, model=model)
        clear = partial(self.preflight.clear, asked)
        plaintext = encode_payload({"model": model, "messages": list(MESSAGES)})
        return self.exchange.ask(plaintext, asked, self.gate.decide, clear)

    def take(self, step: Step) -> object:
        """Take one step; the clock moves on with a wait."""
        if isinstance(step, Wait):
            self.now += step.seconds
        return super().take(step)

    def up_to(self, steps: Steps[object], kind: type[Step], done: object = None) -> Any:
        """Take steps up to one of this kind, which is returned and not taken.

        ``done`` is the answer to the step that they stopped at before.
        """
        while True:
            step = steps.send(done)
            if isinstance(step, kind):
                return step
            done = self.take(step)


def archived(folder: Path, **told: Any) -> dict[str, Any]:
    """Arguments of a gate that keeps an archive in a folder."""
    return {"policy": making.policy_file(folder), "archive": folder / "evidence.jsonl", **told}


def policies() -> tuple[Policy, Policy]:
    """Two policies that honest answers satisfy, which differ in their digests."""
    return policy_of(), policy_of(description="another file")
