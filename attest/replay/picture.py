"""The picture of a run: PCR values and baselines over time, and what changed on machines."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

from attest.replay.findings import Ask
from attest.replay.published import moment_of
from attest.replay.questions import ANCHORED, PARSED, differing, lag
from attest.report.contents import Cell, Change, Lane, Listed, Mark, Timeline
from attest.text import counted

BINS: Final = 96
MOST_STATES: Final = 10
MOST_MACHINES: Final = 16
MOST_CHANGES: Final = 100
_MOST_NAMED: Final = 6
"""Baselines with a colour of their own."""
_MOST_MARKED: Final = 2000
_CHANGED_PCRS: Final = 8

_TIMED: Final = "moment IS NOT NULL"
"""Rows in the picture; of a malformed row no time is known."""
_PLACED: Final = f"{PARSED} AND {ANCHORED} AND {_TIMED}"
"""Those with a machine."""
_REFUSED, _ACCEPTED, _MORE = "refused", "accepted", "more"
_UNPROVEN: Final = (
    "CASE WHEN assurance = 'none' OR platform_pcrs IS NULL THEN NULL ELSE platform_pcrs END"
)

_SPAN: Final = f"""
SELECT MIN(epoch_us(moment)), MAX(epoch_us(moment)) FROM results WHERE {_TIMED}"""  # noqa: S608 - our own text

_STATES: Final = f"""
SELECT state, COUNT(*) AS seen, MIN(epoch_us(moment)) AS first, COUNT(*) OVER ()
FROM (SELECT {_UNPROVEN} AS state, moment FROM results WHERE {_TIMED})
GROUP BY state ORDER BY seen DESC, first, state LIMIT {MOST_STATES}"""  # noqa: S608 - our own text

CHANGES: Final = f"""
SELECT source, row, machine, epoch_us(moment) AS happened, platform_pcrs, pcrs_before, baseline,
    baseline_before
FROM (
    SELECT source, row, machine, moment, platform_pcrs, baseline,
        {lag("platform_pcrs", within="machine, selection")} AS pcrs_before,
        {lag("baseline", within="machine, baseline IS NULL")} AS baseline_before
    FROM results r {differing(_PLACED, ("platform_pcrs", "baseline"))} WHERE {_PLACED}
) o
WHERE platform_pcrs <> pcrs_before OR baseline <> baseline_before"""  # noqa: S608 - our own text
"""Rows of a machine that differ from its row before in PCRs or baseline."""

_MACHINES: Final = f"""
SELECT m.machine, m.seen, COALESCE(c.changes, 0), COUNT(*) OVER ()
FROM (
    SELECT machine, COUNT(*) AS seen FROM results
    WHERE {_PLACED} GROUP BY machine
) m LEFT JOIN (SELECT machine, COUNT(*) AS changes FROM ({CHANGES}) GROUP BY machine) c
ON m.machine = c.machine
ORDER BY 3 DESC, 2 DESC, 1 LIMIT {MOST_MACHINES}"""  # noqa: S608 - our own text


class Span(Struct, frozen=True):
    """The time of a run, in microseconds from the epoch, cut into bins."""

    first: int
    last: int

    @property
    def bin(self) -> str:
        """Say in SQL which bin a row is in."""
        return f"CAST(FLOOR({self.share('epoch_us(moment)')}) AS INTEGER)"

    def share(self, value: str) -> str:
        """Say in SQL where a moment lies, in bins from the first."""
        return f"({value} - {self.first}) * {float(BINS)} / {self.last - self.first + 1}"


class _Seen(Struct, frozen=True):
    """Rows of one kind in one bin of one lane."""

    lane: int
    bin: int
    kind: str
    rows: int


def timeline(ask: Ask) -> Timeline | None:
    """Draw the picture of a run; None where no row has a time.

    Args:
        ask: Answers SQL over the view ``results``.
    """
    ((first, last),) = ask(_SPAN)
    if first is None:
        return None
    span = Span(first, last)
    kinds = _kinds(ask)
    states, states_left_out = _states(ask, span, kinds)
    machines, machines_left_out = _machines(ask, span, kinds)
    return Timeline(
        first=moment_of(first) or "",
        last=moment_of(last) or "",
        bins=BINS,
        kinds={kind: name for name, kind in kinds.items()},
        states=states,
        states_left_out=states_left_out,
        machines=machines,
        machines_left_out=machines_left_out,
    )


def changes(ask: Ask) -> Listed:
    """List what changed on machines, in time.

    Args:
        ask: Answers SQL over the view ``results``.
    """
    found = ask(
        f"SELECT *, COUNT(*) OVER () FROM ({CHANGES}) "  # noqa: S608 - our own text
        f"ORDER BY happened, source, row LIMIT {MOST_CHANGES}"
    )
    items = tuple(
        Change(moment_of(at) or "", machine, source, row, _said(pcrs, before, now, old))
        for source, row, machine, at, pcrs, before, now, old, _ in found
    )
    return Listed(items, (found[0][-1] if found else 0) - len(items))


def _said(
    pcrs: str | None, before: str | None, baseline: str | None, baseline_before: str | None
) -> tuple[str, ...]:
    """Say what differs between two rows of a machine."""
    said = []
    if baseline is not None and baseline_before is not None and baseline != baseline_before:
        said.append(f"baseline {baseline_before} to {baseline}")
    if pcrs is not None and before is not None and pcrs != before:
        said.append(f"PCRs {_different(pcrs, before)}")
    return tuple(said)


def _different(one: str, other: str) -> str:
    """Name the PCRs that differ between two texts of PCR values."""
    ours, theirs = json.loads(one), json.loads(other)
    names = [
        f"{bank}:{pcr}"
        for bank in sorted(ours.keys() | theirs.keys())
        for pcr in sorted(ours.get(bank, {}).keys() | theirs.get(bank, {}).keys(), key=int)
        if ours.get(bank, {}).get(pcr) != theirs.get(bank, {}).get(pcr)
    ]
    more = len(names) - _CHANGED_PCRS
    return ", ".join(names[:_CHANGED_PCRS]) + (f" and {more} more" if more > 0 else "")


def _kinds(ask: Ask) -> dict[str, str]:
    """Give the baselines with the most rows a colour each, the first of them in time first."""
    top = f"""
SELECT baseline, MIN(moment) AS first, COUNT(*) AS seen FROM results
WHERE {_TIMED} AND decision = 'accepted' AND baseline IS NOT NULL
GROUP BY baseline ORDER BY seen DESC, baseline LIMIT {_MOST_NAMED}"""  # noqa: S608 - our own text
    names = ask(f"SELECT baseline FROM ({top}) ORDER BY first, baseline")  # noqa: S608 - our own text
    kinds = {f"baseline {name}": f"{number}" for number, (name,) in enumerate(names)}
    rest = """
SELECT COALESCE(SUM(CASE WHEN decision = 'accepted' AND baseline IS NULL THEN 1 ELSE 0 END), 0),
    COUNT(DISTINCT CASE WHEN decision = 'accepted' THEN baseline END),
    COALESCE(SUM(CASE WHEN decision = 'refused' THEN 1 ELSE 0 END), 0)
FROM results WHERE moment IS NOT NULL"""
    ((bare, baselines, refused),) = ask(rest)
    if baselines > len(names):
        kinds[f"{baselines - len(names)} further baselines"] = _MORE
    if bare:
        kinds["accepted without a baseline"] = _ACCEPTED
    if refused:
        kinds["refused"] = _REFUSED
    return kinds


def _kind(decision: str, baseline: str | None, kinds: dict[str, str]) -> str:
    """Tell how a row is drawn."""
    if decision != "accepted":
        return decision
    return _ACCEPTED if baseline is None else kinds.get(f"baseline {baseline}", _MORE)


def _states(ask: Ask, span: Span, kinds: dict[str, str]) -> tuple[tuple[Lane, ...], int]:
    """Draw a lane for each set of PCR values, in the order of their first row."""
    found = ask(_STATES)
    ordered = sorted(found, key=lambda state: (state[0] is None, state[2], state[0] or ""))
    places = {state: place for place, (state, *_) in enumerate(ordered)}
    rows = ask(
        f"SELECT s.state, {span.bin}, decision, baseline, COUNT(*) FROM "  # noqa: S608 - our own text
        f"(SELECT {_UNPROVEN} AS state, moment, decision, baseline FROM results WHERE {_TIMED}) r "
        f"JOIN ({_STATES}) s ON r.state IS NOT DISTINCT FROM s.state GROUP BY 1, 2, 3, 4"
    )
    cells = _cells(
        _Seen(places[state], bin_, _kind(decision, baseline, kinds), count)
        for state, bin_, decision, baseline, count in rows
    )
    lanes = []
    before: str | None = None
    for place, (state, seen, first, _) in enumerate(ordered):
        lanes.append(Lane(*_titled(place, state, before, seen, first), tuple(cells[place])))
        before = state
    return tuple(lanes), found[0][3] - len(found)


def _titled(
    place: int, state: str | None, before: str | None, seen: int, first: int
) -> tuple[str, str]:
    """Name a set of PCR values, and say what sets it apart from the one before."""
    rows = counted(seen, "row")
    if state is None:
        return "Nothing proven", f"{rows}: no values that a key vouches for"
    since = (moment_of(first) or "")[:10]
    note = f"{rows}, from {since}"
    if before is not None:
        note += f"; differs in {_different(state, before)}"
    return f"Values {chr(ord('A') + place)}", note


def _machines(ask: Ask, span: Span, kinds: dict[str, str]) -> tuple[tuple[Lane, ...], int]:
    """Draw a lane for each machine, those with the most changes first."""
    found = ask(_MACHINES)
    if not found:
        return (), 0
    places = {machine: place for place, (machine, *_) in enumerate(found)}
    shown = f"SELECT machine FROM ({_MACHINES})"  # noqa: S608 - our own text
    rows = ask(
        f"SELECT machine, {span.bin}, decision, baseline, COUNT(*) FROM results "  # noqa: S608 - our own text
        f"WHERE {_PLACED} AND machine IN ({shown}) GROUP BY 1, 2, 3, 4"
    )
    cells = _cells(
        _Seen(places[machine], bin_, _kind(decision, baseline, kinds), count)
        for machine, bin_, decision, baseline, count in rows
    )
    marks = _marks(ask, span, shown)
    lanes = tuple(
        Lane(
            f"Machine {machine[:16]}",
            f"{counted(seen, 'row')}, {counted(changed, 'change')}",
            tuple(cells[place]),
            tuple(marks[machine]),
        )
        for place, (machine, seen, changed, _) in enumerate(found)
    )
    return lanes, found[0][3] - len(found)


def _marks(ask: Ask, span: Span, machines: str) -> dict[str, list[Mark]]:
    """Mark the changes of machines: the first in each bin, which says how many more there are."""
    rows = ask(
        f"SELECT *, COUNT(*) OVER (PARTITION BY machine, bin) FROM ("  # noqa: S608 - our own text
        f"SELECT *, CAST(FLOOR({span.share('happened')}) AS INTEGER) AS bin FROM ({CHANGES}) c "
        f"WHERE machine IN ({machines})) ORDER BY happened, source, row LIMIT {_MOST_MARKED}"
    )
    marks: dict[str, list[Mark]] = defaultdict(list)
    seen: set[tuple[str, int]] = set()
    for _, _, machine, at, pcrs, before, baseline, old, bin_, together in rows:
        if (machine, bin_) in seen:
            continue
        seen.add((machine, bin_))
        said = f"{(moment_of(at) or '')[:19]}: {'; '.join(_said(pcrs, before, baseline, old))}"
        marks[machine].append(
            Mark(bin_, said + (f" (and {together - 1} more)" if together > 1 else ""))
        )
    return marks


def _cells(seen: Iterable[_Seen]) -> dict[int, list[Cell]]:
    """Join what is in a bin, and neighbouring bins that look the same."""
    bins: dict[tuple[int, int], dict[str, int]] = defaultdict(dict)
    for one in seen:
        kinds = bins[one.lane, one.bin]
        kinds[one.kind] = kinds.get(one.kind, 0) + one.rows
    lanes: dict[int, list[Cell]] = defaultdict(list)
    for (lane, bin_), kinds in sorted(bins.items()):
        rows = sum(kinds.values())
        shares = tuple((kind, kinds[kind] / rows) for kind in _ordered(kinds))
        last = lanes[lane][-1] if lanes[lane] else None
        if last is not None and last.shares == shares and last.start + last.width == bin_:
            lanes[lane][-1] = Cell(last.start, last.width + 1, shares, last.rows + rows)
        else:
            lanes[lane].append(Cell(bin_, 1, shares, rows))
    return lanes


def _ordered(kinds: dict[str, int]) -> Sequence[Any]:
    """Put what is refused below what is accepted."""
    return sorted(kinds, key=lambda kind: (kind == _REFUSED, kind))
