"""Claims on the gate's reach that do not hold yet."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry import trace

from client import AttestationRefused, AttestedResponse
from client.preflight import PROBE
from tests.archive import making
from tests.client.gating import wired
from tests.client.reaching import FORGED, PROMPT, Rig, archived, policies, texts, then
from tests.client.serving import answered
from tests.client.test_transport_streams import CHOICES, streamed
from tests.client.transporting import Caller, error_of


@pytest.fixture
def usual() -> Caller:
    """A caller by the usual kind, for what all four have in common."""
    return Caller("httpx")


def test_tool_calls_of_a_buffered_stream_have_the_index_that_chunks_have(usual: Caller) -> None:
    first = streamed(usual, {"choices": CHOICES[1:]})[0]

    calls = first["choices"][0]["delta"]["tool_calls"]
    assert [call["index"] for call in calls] == [0, 1]


def test_buffered_stream_keeps_what_else_a_choice_has(usual: Caller) -> None:
    logprobs = {"content": [{"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}]}

    events = streamed(usual, {"choices": [{**CHOICES[0], "logprobs": logprobs}]})

    assert events[0]["choices"][0]["logprobs"] == logprobs


def test_request_that_is_no_json_is_said_of_the_request(usual: Caller) -> None:
    message = error_of(usual.ask(wired(), b"{"))["message"]

    assert message.startswith("request: ")


class RaisingHandler(logging.Handler):
    """A handler that fails at every record."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError(record.name)


@pytest.fixture
def failing_log() -> Iterator[None]:
    """Let every record of the gate fail, those of failed telemetry too."""
    handler, logger = RaisingHandler(), logging.getLogger("tpm_attest")
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


def test_log_that_fails_changes_no_decision(failing_log: None) -> None:
    assert isinstance(Rig(wired(answered(**FORGED)), "off").ask(), AttestationRefused)


def test_log_that_fails_withholds_nothing_that_the_archive_calls_released(
    tmp_path: Path, failing_log: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    outcome = Rig(wired(), "off", **archived(tmp_path)).ask()

    record = making.record_of(making.lines_of(tmp_path / "evidence.jsonl")[0])
    assert record["released"] is isinstance(outcome, AttestedResponse)


def test_opentelemetry_that_cannot_be_set_up_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setenv("OTEL_PYTHON_TRACER_PROVIDER", "no-such-provider")

    assert isinstance(Rig(wired(), "off").ask(), AttestedResponse)


def test_probe_that_another_policy_judged_does_not_count_for_the_one_before() -> None:
    strict, lax = policies()
    rig = Rig(wired(), policy=strict)
    rig.server.answers = (then(answered(), lambda: rig.gate.reload_policy(lax)), answered())
    rig.ask()
    rig.gate.reload_policy(strict)

    rig.ask()

    assert texts(rig.server) == [PROBE, PROMPT, PROBE, PROMPT]
