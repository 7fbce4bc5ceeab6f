"""What OpenTelemetry is told, collected in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

NAMES: Final = {
    "tpm_attest.outcome",
    "tpm_attest.assurance",
    "tpm_attest.failed_checks",
    "tpm_attest.tier",
    "tpm_attest.mode",
    "tpm_attest.phase",
    "tpm_attest.policy_sha256",
}
KEY: Final = "key-5f60e9137a"
DELTA: Final[dict[type, AggregationTemporality]] = {Counter: AggregationTemporality.DELTA}

Point = tuple[str, dict[str, Any], int]


class Collected:
    """What OpenTelemetry was told."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader(preferred_temporality=DELTA)
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider([self.reader])

    @property
    def spans(self) -> list[Any]:
        """The spans, as they were exported."""
        return list(self.exporter.get_finished_spans())

    def points(self) -> list[Point]:
        """Name, attributes and count of each metric since the last look."""
        data: Any = self.reader.get_metrics_data()
        if data is None:
            return []
        return [
            (metric.name, dict(point.attributes or {}), point.value)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            for point in metric.data.data_points
        ]

    def close(self) -> None:
        """Stop collecting."""
        self.tracers.shutdown()
        self.meters.shutdown()


@contextmanager
def collecting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collected]:
    """OpenTelemetry as an application configures it, for the gates that are made meanwhile."""
    told = Collected()
    monkeypatch.setattr(trace, "get_tracer", told.tracers.get_tracer)
    monkeypatch.setattr(metrics, "get_meter", told.meters.get_meter)
    yield told
    told.close()
