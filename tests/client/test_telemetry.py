"""Telemetry: decisions are told by an allow-list, and whatever fails in it changes nothing."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider

from client import AttestationRefused, AttestedResponse
from tests.archive import making
from tests.cli.calls import environment
from tests.client.collecting import NAMES, Collected, collecting
from tests.client.gating import wired
from tests.client.reaching import FORGED, PROMPT, Rig, archived
from tests.client.serving import answered
from tests.judging import policy_of


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collected]:
    """OpenTelemetry as an application configures it, for the gates that are made meanwhile."""
    with collecting(monkeypatch) as told:
        yield told


def attributes_of(record: logging.LogRecord) -> dict[str, Any]:
    """What a record of a decision has to tell."""
    told: dict[str, Any] = vars(record)["attestation"]
    return told


def test_decision_is_a_span_with_exactly_the_attributes_that_are_allowed(
    collected: Collected,
) -> None:
    Rig(wired(), "off").ask(security_tier="maximum")

    (span,) = collected.spans
    assert span.name == "tpm_attest.decision"
    assert span.attributes == {
        "tpm_attest.outcome": "accepted",
        "tpm_attest.assurance": "self-consistent",
        "tpm_attest.failed_checks": (),
        "tpm_attest.tier": "maximum",
        "tpm_attest.mode": "enforce",
        "tpm_attest.phase": "response",
        "tpm_attest.policy_sha256": policy_of().sha256,
    }
    assert (span.events, span.links, span.status.description) == ((), (), None)
    assert 0 < span.end_time - span.start_time < 60e9


def test_decision_counts_once_and_each_check_that_refuses_once(collected: Collected) -> None:
    Rig(wired(answered(**FORGED, tier="high")), "off").ask(security_tier="maximum")

    points = collected.points()
    decisions = [point for point in points if point[0] == "tpm_attest.decisions"]
    ((_, attributes, count),) = decisions
    assert attributes.keys() == NAMES - {"tpm_attest.failed_checks"}
    assert (attributes["tpm_attest.outcome"], count) == ("refused", 1)
    refusing = [point[1:] for point in points if point[0] == "tpm_attest.refusing_checks"]
    assert sorted((told["tpm_attest.check"], count) for told, count in refusing) == [
        ("quote.magic", 1),
        ("response.tier", 1),
    ]
    assert all(told.keys() == {"tpm_attest.check"} for told, _ in refusing)
    assert len(points) == 3


def test_accepted_decisions_count_no_check(collected: Collected) -> None:
    rig = Rig(wired(), "off")
    rig.ask()
    rig.ask()

    assert [(name, count) for name, _, count in collected.points()] == [("tpm_attest.decisions", 2)]


def test_probe_and_answer_are_told_apart(collected: Collected) -> None:
    Rig(wired()).ask()

    phases = [span.attributes["tpm_attest.phase"] for span in collected.spans]
    assert phases == ["preflight", "response"]
    assert {span.attributes["tpm_attest.tier"] for span in collected.spans} == {""}


def outcome_of(caplog: pytest.LogCaptureFixture) -> tuple[str, int]:
    """Outcome and level of the last decision that was logged."""
    records = [record for record in caplog.records if record.name == "tpm_attest.gate"]
    return attributes_of(records[-1])["tpm_attest.outcome"], records[-1].levelno


def test_accepted_decision_is_logged_for_information(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    Rig(wired(), "off").ask()

    assert outcome_of(caplog) == ("accepted", logging.INFO)
    assert caplog.messages == ["attestation accepted; checks that refuse: none"]


def test_refused_decision_is_logged_as_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    Rig(wired(answered(**FORGED)), "off").ask()

    assert outcome_of(caplog) == ("refused", logging.WARNING)
    assert caplog.messages == ["attestation refused; checks that refuse: quote.magic"]
    (record,) = caplog.records
    assert attributes_of(record).keys() == NAMES
    assert attributes_of(record)["tpm_attest.failed_checks"] == ["quote.magic"]


def test_audited_refusal_is_logged_as_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Rig(wired(answered(**FORGED)), "off", **archived(tmp_path, mode="audit")).ask()

    assert outcome_of(caplog) == ("audited", logging.WARNING)
    assert attributes_of(caplog.records[-1])["tpm_attest.mode"] == "audit"


@pytest.mark.parametrize(("lies", "outcome"), [({}, "withheld"), (FORGED, "refused")])
def test_answer_that_could_not_be_recorded_is_logged_as_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lies: dict[str, Any], outcome: str
) -> None:
    rig = Rig(wired(answered(), answered(**lies)), "off", **archived(tmp_path))
    rig.ask()
    (tmp_path / "evidence.jsonl").unlink()

    rig.ask()

    assert outcome_of(caplog) == (outcome, logging.WARNING)


def test_result_of_no_policy_is_told_without_a_digest(tmp_path: Path, collected: Collected) -> None:
    making.policy_file(tmp_path, applies_to={"security_tier": ["maximum"]})

    Rig(wired(), "off", policy=tmp_path).ask(security_tier="high")

    (span,) = collected.spans
    assert span.attributes["tpm_attest.policy_sha256"] == ""
    assert "policy.scope" in span.attributes["tpm_attest.failed_checks"]


class Raising(SpanProcessor):
    """A processor that fails."""

    def on_start(self, *_: Any, **__: Any) -> None:
        raise RuntimeError(PROMPT)


class RaisingMeter:
    """A meter whose counters fail."""

    def create_counter(self, *_: Any, **__: Any) -> RaisingMeter:
        return self

    def add(self, *_: Any) -> None:
        raise ValueError(PROMPT)


def raising_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every span fail."""
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Raising())
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)


def raising_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every count fail."""
    monkeypatch.setattr(metrics, "get_meter", lambda _: RaisingMeter())


@pytest.mark.parametrize("fail", [(raising_tracer, "RuntimeError"), (raising_meter, "ValueError")])
@pytest.mark.parametrize("lies", [{}, FORGED], ids=["honest", "forged"])
def test_instrument_that_fails_changes_nothing_and_is_logged_by_its_type(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fail: tuple[Any, str],
    lies: dict[str, Any],
) -> None:
    break_it, named = fail
    break_it(monkeypatch)
    archive = tmp_path / "evidence.jsonl"

    outcome = Rig(wired(answered(**lies)), "off", **archived(tmp_path)).ask()

    assert type(outcome) is (AttestationRefused if lies else AttestedResponse)
    assert making.record_of(making.lines_of(archive)[0])["released"] is not bool(lies)
    assert [record.getMessage() for record in caplog.records if record.name.endswith("client")] == [
        f"telemetry failed: {named}"
    ]
    assert PROMPT not in caplog.text


def test_logging_alone_tells_decisions_without_opentelemetry(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, collected: Collected
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)

    outcome = Rig(wired(answered(**FORGED)), "off").ask()

    assert isinstance(outcome, AttestationRefused)
    assert outcome_of(caplog) == ("refused", logging.WARNING)
    assert (collected.spans, collected.points()) == ([], [])


def in_a_process(*lines: str) -> str:
    """Run lines of Python; return what they wrote to standard error."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    return done.stderr


MAKING: Final = (
    "from client import *",
    "from tests.judging import policy_of",
    "make = lambda kind, **told: kind('https://a.example', policy=policy_of(), **told)",
)


def test_missing_pins_are_warned_of_once_a_process() -> None:
    said = in_a_process(
        *MAKING,
        "make(SyncSecureChatCompletion), make(SecureChatCompletion)",
        "make(SyncSecureChatCompletion)",
    )

    assert said.count("no server key is pinned") == 1
    assert "a man in the middle of TLS" in said
    assert "read every prompt" in said


def test_pins_that_are_there_are_not_warned_of() -> None:
    assert (
        in_a_process(*MAKING, "make(SyncSecureChatCompletion, server_key_pins=['ab' * 32])") == ""
    )


def test_applications_that_configured_opentelemetry_are_told_without_more() -> None:
    said = in_a_process(
        "import sys",
        "from opentelemetry import trace",
        "from opentelemetry.sdk.trace import TracerProvider",
        "from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor",
        "provider = TracerProvider()",
        "exporter = ConsoleSpanExporter(out=sys.stderr)",
        "from tests.client.gating import wired",
        "from tests.client.reaching import Rig",
        "rig = Rig(wired(), 'off')",
        "provider.add_span_processor(SimpleSpanProcessor(exporter))",
        "trace.set_tracer_provider(provider)",
        "rig.ask()",
    )

    assert said.count('"tpm_attest.decision"') == 1
    assert '"tpm_attest.outcome": "accepted"' in said
