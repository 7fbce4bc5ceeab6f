"""The questions put to an engine that speaks SQL: findings, and the counts of the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from msgspec import Struct

from attest.replay.questions import COUNTS, JUDGED, QUESTIONS, Question
from attest.replay.schema import Decision

SCHEMA: Final = 1
"""Version of the summary."""
MOST_ROWS: Final = 1000
"""Rows that a finding lists; it counts all."""

_AT_ONCE: Final = 2
"""Questions asked at once: an engine answers parts of each with one processor alone."""

Ask = Callable[[str], Sequence[Sequence[Any]]]
"""Answers a query over the view ``results``; may be called by several threads."""


class Counts(Struct, frozen=True):
    """How many rows ended how.

    Attributes:
        by_decision: Rows by decision.
        by_check: Refused rows by the check that refused them; a row may have several.
        by_baseline: Accepted rows by the baseline that they match.
    """

    by_decision: dict[str, int]
    by_check: dict[str, int]
    by_baseline: dict[str, int]


def count(ask: Ask) -> Counts:
    """Count the rows by what they ended with."""
    decisions: Counter[str] = Counter()
    checks: Counter[str] = Counter()
    baselines: Counter[str] = Counter()
    for decision, baseline, refused_by, rows in ask(COUNTS):
        decisions[decision] += rows
        if decision == Decision.ACCEPTED and baseline is not None:
            baselines[baseline] += rows
        if decision == Decision.REFUSED:
            for check in refused_by.split(","):
                checks[check] += rows
    return Counts(
        {str(decision): decisions[decision] for decision in Decision},
        dict(sorted(checks.items())),
        dict(sorted(baselines.items())),
    )


def summary_of(counts: Counts, digest: str) -> dict[str, Any]:
    """Return what stands in ``summary.json``."""
    return {
        "schema": SCHEMA,
        "rows": sum(counts.by_decision.values()),
        **counts.by_decision,
        "by_check": counts.by_check,
        "by_baseline": counts.by_baseline,
        "digest": digest,
    }


def find(ask: Ask) -> list[dict[str, Any]]:
    """Ask every question; one that cannot be asked is answered "not judged"."""
    (counts,) = ask(JUDGED)
    *judged, parsed = map(int, counts)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(partial(_finding, ask, parsed), QUESTIONS, judged))


def _finding(ask: Ask, parsed: int, question: Question, judged: int) -> dict[str, Any]:
    finding: dict[str, Any] = {
        "id": question.id,
        "asks": question.asks,
        "answer": "not judged",
        "count": 0,
        "rows": [],
        "capped": False,
        "judged": judged,
        "not_judged": parsed - judged,
        "meaning": question.meaning,
    }
    if not judged:
        return finding | {"reason": question.needs}
    listed = f"SELECT f.source, f.row, COUNT(*) OVER () FROM ({question.sql}) f"  # noqa: S608 - our own text
    rows = ask(f"{listed} ORDER BY f.source, f.row LIMIT {MOST_ROWS}")
    involved = int(rows[0][2]) if rows else 0
    return finding | {
        "answer": "yes" if involved else "no",
        "count": involved,
        "rows": [[source, int(row)] for source, row, _ in rows],
        "capped": involved > len(rows),
    }
