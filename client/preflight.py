"""Preflight: a harmless probe whose quote is verified before the first sensitive prompt leaves.

A probe goes to the same tier, model and server key as the prompt. What it shows is true of the
machine that answered it, at that moment; the prompt's own answer is judged all the same.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, MutableMapping
from enum import StrEnum
from functools import partial
from typing import Any

from msgspec import Struct

from attest.archive import Phase
from attest.errors import AttestError
from attest.result import AttestationResult
from client.errors import APIConnectionError
from client.exchange import Asked, Cleared, Exchange
from client.gate import USUAL_TIER, Gate
from client.keyring import OwnKey, ServerKey
from client.request import encode_payload
from client.response import AttestedResponse
from client.retries import Failed
from client.steps import Flight, Steps, Wait

PROBE = "ping"
"""What a probe says in place of a prompt."""
SPACING = 0.5
"""Seconds between two probes: servers answer two requests a second."""
MOST_KEPT = 1024
"""Passes that are kept; the oldest go first."""


class PreflightMode(StrEnum):
    """When a probe is made."""

    OFF = "off"
    FIRST = "first"
    TTL = "ttl"
    ALWAYS = "always"


class _Passed(Struct, frozen=True):
    """A probe that was accepted.

    Attributes:
        result: What it showed.
        until: When it no longer counts, by the clock.
    """

    result: AttestationResult
    until: float


_Subject = tuple[str, str, str, tuple[str, ...]]
"""What a probe stands for: server key, tier, model, digests of the policies."""


class Preflight:
    """Clears prompts; one for each client, and so for one server."""

    def __init__(
        self,
        exchange: Exchange,
        gate: Gate,
        *,
        mode: str = PreflightMode.FIRST,
        ttl: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            exchange: What sends a probe.
            gate: What judges it.
            mode: ``off``, ``first`` (once for each server key, tier, model and policy), ``ttl``
                (again when a probe is older than ``ttl``), ``always`` (before each prompt).
            ttl: Seconds that a probe counts under ``ttl``.
            clock: Seconds that never run backwards.

        Raises:
            ValueError: Another mode, or a time that is none.
        """
        if mode not in tuple(PreflightMode):
            raise ValueError(f"preflight is {mode!r}, expected one of {', '.join(PreflightMode)}")
        if isinstance(ttl, bool) or not isinstance(ttl, int | float):
            raise TypeError(f"preflight_ttl is {type(ttl).__name__}, expected seconds")
        if not (math.isfinite(ttl) and ttl > 0):
            raise ValueError(f"preflight_ttl is {ttl}, expected seconds above 0")
        self._exchange = exchange
        self._gate = gate
        self._mode = PreflightMode(mode)
        self._ttl = ttl if self._mode is PreflightMode.TTL else math.inf
        self._spacing = SPACING
        if self._mode is PreflightMode.ALWAYS:
            self._spacing += SPACING  # each prompt is a request too
        self._clock = clock
        self._passed: dict[_Subject, _Passed] = {}
        self._flights: dict[_Subject, Flight[Cleared | Failed]] = {}
        self._lock = threading.Lock()
        self._free_at = -math.inf

    def clear(self, asked: Asked, own: OwnKey, server: ServerKey) -> Steps[Cleared | Failed]:
        """Clear a prompt: by a probe that still counts, or by a new one.

        A probe that fails or is refused clears nothing, and is forgotten.
        """
        if self._mode is PreflightMode.OFF:
            return Cleared()
        probe = partial(self._probe, asked, own, server)
        if self._mode is PreflightMode.ALWAYS:
            return (yield from probe())
        subject = self._subject(asked, server)
        passed = self._passed.get(subject)
        if passed is not None and self._clock() < passed.until:
            return Cleared(passed.result)
        with self._lock:
            flight = self._flights.setdefault(subject, Flight())
            _forget_oldest(self._flights)
        return (yield from flight.join(probe))

    def _probe(self, asked: Asked, own: OwnKey, server: ServerKey) -> Steps[Cleared | Failed]:
        """Send a probe, and keep what it showed where it was accepted."""
        subject = self._subject(asked, server)
        yield Wait(self._delay())
        asked_at = self._clock()
        sent = self._exchange.sent(asked, server, phase=Phase.PREFLIGHT)
        answer = yield from self._exchange.post(_probe_of(asked.model), asked, own, server, sent)
        outcome = yield from self._exchange.opened(answer, own, sent, self._gate.decide)
        if isinstance(outcome, Failed):
            return outcome
        if isinstance(outcome, AttestedResponse):
            if self._clock() >= asked_at + self._ttl:
                return Failed(APIConnectionError("a probe took longer than preflight_ttl"))
            accepted = outcome.attestation.accepted  # under audit it need not be
            if accepted and self._subject(asked, server) == subject:  # no other policy judged it
                with self._lock:
                    self._passed[subject] = _Passed(outcome.attestation, asked_at + self._ttl)
                    _forget_oldest(self._passed)
            return Cleared(outcome.attestation)
        if isinstance(outcome, AttestError):
            return Failed(outcome)
        raise TypeError(f"a probe ended in {type(outcome).__name__}")

    def _subject(self, asked: Asked, server: ServerKey) -> _Subject:
        """Return what a probe stands for."""
        tier = asked.security_tier or USUAL_TIER
        return server.sha256, tier, asked.model, self._gate.policy_digests

    def _delay(self) -> float:
        """Take the next free moment for a probe, and return the seconds until then."""
        with self._lock:
            now = self._clock()
            start = max(now, self._free_at)
            self._free_at = start + self._spacing
        return start - now


def _probe_of(model: str) -> bytearray:
    """Return the request of a probe: one word, and one token back."""
    message = {"role": "user", "content": PROBE}
    return encode_payload({"model": model, "messages": [message], "max_tokens": 1})


def _forget_oldest(kept: MutableMapping[_Subject, Any]) -> None:
    """Keep no more than MOST_KEPT."""
    while len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]
