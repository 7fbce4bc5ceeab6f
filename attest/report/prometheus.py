"""Prometheus text exposition (0.0.4): responses counted by decision, check, baseline, policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from attest.report.published import Published
from attest.report.summary import Summary, summarise

_Values = TypeVar("_Values", bound=tuple[str, ...])

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def render(results: Iterable[Published]) -> str:
    """Return the counts of one run as gauges, for a textfile collector.

    Args:
        results: In any order.
    """
    return "".join(f"{line}\n" for line in _lines(summarise(results)))


def _lines(summary: Summary) -> Iterator[str]:
    """Write each metric: what it is, then a line for each set of labels."""
    yield from _metric(
        "tpm_attest_responses",
        "Responses judged, by decision and assurance.",
        ("decision", "assurance"),
        summary.decisions,
    )
    yield from _metric(
        "tpm_attest_checks",
        "Checks made, by id and outcome.",
        ("check", "outcome"),
        summary.checks,
    )
    yield from _metric(
        "tpm_attest_baselines",
        "Responses that match a baseline whole, by its name.",
        ("baseline",),
        {(name,): count for name, count in summary.baselines.items()},
    )
    yield from _metric(
        "tpm_attest_policies",
        "Responses judged, by the policy's name and digest, and by decision.",
        ("policy", "sha256", "decision"),
        summary.policies,
    )


def _metric(
    name: str, said: str, labels: Sequence[str], counts: Mapping[_Values, int]
) -> Iterator[str]:
    """Write one metric."""
    yield f"# HELP {name} {said}"
    yield f"# TYPE {name} gauge"
    for values, count in counts.items():
        pairs = zip(labels, values, strict=True)
        written = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in pairs)
        yield f"{name}{{{written}}} {count}"
