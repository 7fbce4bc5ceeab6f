"""Two runs that ended, held against each other row by row: what changed, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from attest.replay.changes import COUNTS, KINDS, NOW, ROWS, THEN, Kind
from attest.replay.embedded import Embedded
from attest.replay.engines import Engine
from attest.replay.findings import MOST_ROWS, Ask
from attest.replay.overview import reasons_of
from attest.replay.pool import ReplayError
from attest.replay.published import Ended, Judged, rows_at

SCHEMA: Final = 1
"""Version of a comparison."""
MOST_EXAMPLES: Final = 10
"""Rows of a change that are told in full; it lists more, and counts all."""
MOST_PAIRS: Final = 100
"""Pairs of values that a change lists; those with the most rows."""


def compare(then: Ended, now: Ended, engine: Engine | None = None) -> dict[str, Any]:
    """Compare two runs.

    Every row that is listed is held against its hash, and the counts of both runs against their
    summaries.

    Args:
        then: The earlier run.
        now: The later one.
        engine: What answers, in place of the embedded engine.

    Returns:
        What stands in ``drift.json``: JSON values alone, the same from every engine.

    Raises:
        ReplayError: Parts are not what a run's summary says, or not what was hashed.
    """
    with (engine or Embedded(0)).views_of({THEN: then.out, NOW: now.out}) as ask:
        groups = [tuple(row) for row in ask(COUNTS)]
        _hold(then, [(was, rows) for was, _, rows, *_ in groups])
        _hold(now, [(became, rows) for _, became, rows, *_ in groups])
        counts = [sum(int(group[3 + place]) for group in groups) for place in range(len(KINDS))]
        found = list(zip(KINDS, counts, strict=True))
        changes = [_change(kind, rows, ask) for kind, rows in found]
    _tell_examples(changes, then, now)
    matched = [(was, became, int(rows)) for was, became, rows, *_ in groups if was and became]
    counted = {kind.kind: rows for kind, rows in found}
    return {
        "schema": SCHEMA,
        "same": not any(kind.ends and rows for kind, rows in found),
        "then": _side(then),
        "now": _side(now),
        "causes": _causes(then, now),
        "rows": sum(rows for _, _, rows in matched),
        "only_then": counted["only-then"],
        "only_now": counted["only-now"],
        "transitions": [
            {"then": was, "now": became, "count": rows} for was, became, rows in sorted(matched)
        ],
        "changes": changes,
    }


def _hold(run: Ended, seen: Sequence[tuple[str | None, int]]) -> None:
    """Refuse parts that have other rows than the summary of their run counts."""
    counted: Counter[str] = Counter()
    for decision, rows in seen:
        if decision is not None:
            counted[decision] += int(rows)
    told = run.summary.by_decision
    if dict(counted) != {decision: rows for decision, rows in told.items() if rows}:
        raise ReplayError(f"{run.out}: the counts of the parts are not those of the summary")


def _side(run: Ended) -> dict[str, Any]:
    """Say what a run was about, and how it ended."""
    head: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(run.head))
    summary = run.summary
    return {
        **head,
        "rows": summary.rows,
        **summary.by_decision,
        "digest": summary.digest,
    }


def _causes(then: Ended, now: Ended) -> list[str]:
    """Name what judges and is not the same: what can make a difference on the same response."""
    before, after = then.head, now.head
    differ = {
        "policy": before.policy_sha256 != after.policy_sha256,
        "verifier": before.verifier != after.verifier,
        "at": before.at != after.at,
    }
    return [name for name, other in differ.items() if other]


def _change(kind: Kind, count: int, ask: Ask) -> dict[str, Any]:
    """Count and list the rows of a kind."""
    change: dict[str, Any] = {
        "kind": kind.kind,
        "asks": kind.asks,
        "meaning": kind.meaning,
        "count": count,
        "by_check": {},
        "of": kind.of,
        "pairs": [],
        "pairs_left_out": 0,
        "rows": [],
        "capped": False,
        "examples": [],
    }
    if not count:
        return change
    rows = ask(
        f"SELECT source, number FROM ({ROWS}) o WHERE {kind.rows} "  # noqa: S608 - our own text
        f"ORDER BY source, number LIMIT {MOST_ROWS}"
    )
    pairs = _pairs(kind, ask)
    return change | {
        "by_check": _by_check(kind, pairs),
        "pairs": [
            {"then": was, "now": became, "count": seen} for was, became, seen in pairs[:MOST_PAIRS]
        ],
        "pairs_left_out": len(pairs[MOST_PAIRS:]),
        "rows": [[source, int(row)] for source, row in rows],
        "capped": count > len(rows),
    }


def _pairs(kind: Kind, ask: Ask) -> list[tuple[str | None, str | None, int]]:
    """Count values then and now, those with the most rows first."""
    columns = f"{kind.of}_then, {kind.of}_now"
    listed = f"SELECT {columns}, COUNT(*) FROM ({ROWS}) o WHERE {kind.rows}"  # noqa: S608 - our own text
    counted = ask(f"{listed} GROUP BY {columns}")
    pairs = [(was, became, int(rows)) for was, became, rows in counted]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0] or "", pair[1] or ""))


def _by_check(kind: Kind, pairs: list[tuple[str | None, str | None, int]]) -> dict[str, int]:
    """Count rows by each check that refuses now, or that refused then where none does now."""
    checks: Counter[str] = Counter()
    if kind.of == "refused_by":
        for was, became, rows in pairs:
            for check in (became or was or "").split(","):
                checks[check] += rows
    return dict(sorted(checks.items()))


def _tell_examples(changes: list[dict[str, Any]], then: Ended, now: Ended) -> None:
    """Hold the rows that are listed against their hashes, and tell the first of them in full."""
    places = {(source, row) for change in changes for source, row in change["rows"]}
    before, after = rows_at(then, places), rows_at(now, places)
    for change in changes:
        change["examples"] = [
            {
                "source": source,
                "row": row,
                "then": _told(before.get((source, row))),
                "now": _told(after.get((source, row))),
            }
            for source, row in change["rows"][:MOST_EXAMPLES]
        ]


def _told(judged: Judged | None) -> Mapping[str, Any] | None:
    """Say how a row ended and why; None where the run has no such row."""
    if judged is None:
        return None
    result = judged.result
    return {
        "decision": judged.columns["decision"],
        "refusals": [
            {"check": reason.check, "reason": reason.reason} for reason in reasons_of(judged)
        ],
        **{
            name: result[name]
            for name in (
                *("assurance", "baseline", "closest_baseline", "differences", "policy"),
                *("payload_id", "tier", "evidence_sha256"),
            )
        },
    }
