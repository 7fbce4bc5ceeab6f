"""Decisions told to logging and OpenTelemetry: a mirror of the archive, by an allow-list.

It is never authoritative: whatever fails here changes no decision. OpenTelemetry is used where its
API is installed (extra ``otel``); what is done with it is the application's to configure.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from msgspec import Struct

from attest.archive import Mode
from attest.result import AttestationResult
from client.exchange import Sent

SPAN = "tpm_attest.decision"
COUNTER = "tpm_attest.decisions"
REFUSING_COUNTER = "tpm_attest.refusing_checks"

Attributes = dict[str, str | Sequence[str]]

_decisions = logging.getLogger("tpm_attest.gate")
_decisions.addHandler(logging.NullHandler())  # silent unless the application listens
_client = logging.getLogger("tpm_attest.client")
_UNPINNED = (
    "no server key is pinned: a man in the middle of TLS can put a key of his own in the place of "
    "the server's, and read every prompt, whatever a probe showed; see server_key_pins"
)


class Decided(Struct, frozen=True):
    """A decision as it is told.

    Attributes:
        result: What the verification said.
        sent: What was asked; of it only tier and phase are told.
        mode: What the gate does with refusals.
        outcome: ``accepted``; ``refused``; ``audited``, a refusal that was released; ``withheld``,
            because the archive could not be written.
        started_ns: When the appraisal began, in nanoseconds since 1970.
    """

    result: AttestationResult
    sent: Sent
    mode: Mode
    outcome: str
    started_ns: int

    def attributes(self) -> Attributes:
        """Return what is told, and nothing else."""
        policy = self.result.policy
        return {
            "tpm_attest.outcome": self.outcome,
            "tpm_attest.assurance": str(self.result.assurance),
            "tpm_attest.failed_checks": [check.id for check in self.result.refusals],
            "tpm_attest.tier": self.sent.security_tier or "",
            "tpm_attest.mode": str(self.mode),
            "tpm_attest.phase": str(self.sent.phase),
            "tpm_attest.policy_sha256": "" if policy is None else policy.sha256,
        }


def observer() -> Callable[[Decided], None]:
    """Return what tells decisions: to logging, and to OpenTelemetry where it is installed."""
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - an extra

        tracer = trace.get_tracer("tpm_attest")
        meter = metrics.get_meter("tpm_attest")
        decisions = meter.create_counter(COUNTER, description="decisions of the gate")
        refusing = meter.create_counter(REFUSING_COUNTER, description="checks that refused")
    except ImportError:
        return _log
    except Exception as error:  # noqa: BLE001 - telemetry is never authoritative
        with suppress(Exception):
            _client.warning("telemetry failed: %s", type(error).__name__)
        return _log

    def observe(decided: Decided) -> None:
        _log(decided)
        attributes = decided.attributes()
        tracer.start_span(SPAN, attributes=attributes, start_time=decided.started_ns).end()
        checks = attributes.pop("tpm_attest.failed_checks")
        decisions.add(1, attributes)
        for check in checks:
            refusing.add(1, {"tpm_attest.check": check})

    return observe


def tell(observe: Callable[[Decided], None], decided: Decided) -> None:
    """Tell a decision; a fault on the way is logged by its type, and changes nothing."""
    try:
        observe(decided)
    except Exception as error:  # noqa: BLE001 - telemetry is never authoritative
        with suppress(Exception):
            _client.warning("telemetry failed: %s", type(error).__name__)


def _log(decided: Decided) -> None:
    """Log a decision: refusals as warnings, with the attributes in ``record.attestation``."""
    attributes = decided.attributes()
    level = logging.INFO if decided.outcome == "accepted" else logging.WARNING
    checks = ", ".join(attributes["tpm_attest.failed_checks"]) or "none"
    _decisions.log(
        level,
        "attestation %s; checks that refuse: %s",
        decided.outcome,
        checks,
        extra={"attestation": attributes},
    )


class _Once:
    """A warning that is given once a process."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._given = False
        self._lock = threading.Lock()

    def warn(self) -> None:
        """Give the warning, the first time."""
        with self._lock:
            given, self._given = self._given, True
        if not given:
            _client.warning(self._text)


_unpinned = _Once(_UNPINNED)


def warn_of_missing_pins() -> None:
    """Say once a process what a man in the middle can read."""
    _unpinned.warn()
