"""A run that ended, read back: summary, findings, and each row in the published shape of a result.

A row's columns hold every member of its result, and its hash is made again from them: a part that
was changed after the run is an error, and never an answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from attest.replay import manifest
from attest.replay.engines import RESULTS
from attest.replay.members import anchor_of, checks_of, differences_of, pcrs_of
from attest.replay.pool import ReplayError
from attest.replay.run import FINDINGS, SUMMARY, digest_of
from attest.replay.schema import RESULTS as COLUMNS
from attest.replay.schema import Decision
from attest.result import SCHEMA, timestamp

THEN: Final = "then"
NOW: Final = "now"
"""Folders of the two runs of a drift."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS: Final = 1024
_encode = msgspec.json.Encoder(order="sorted").encode


class Summary(Struct, frozen=True):
    """What stands in ``summary.json``."""

    schema: int
    rows: int
    accepted: int
    refused: int
    malformed: int
    by_check: dict[str, int]
    by_baseline: dict[str, int]
    digest: str

    @property
    def by_decision(self) -> dict[str, int]:
        """Rows by how they ended."""
        return {str(decision): getattr(self, decision) for decision in Decision}


class Finding(Struct, frozen=True):
    """One entry of ``findings.json``."""

    id: str
    asks: str
    answer: str
    count: int
    rows: tuple[tuple[str, int], ...]
    capped: bool
    judged: int
    not_judged: int
    meaning: str
    reason: str | None = None


class _At(Struct, frozen=True):
    mode: str
    moment: str | None


class _Named(Struct, frozen=True):
    name: str
    serial: int | None
    sha256: str


class Head(Struct, frozen=True):
    """What a manifest says before its inputs."""

    verifier: str
    archives: tuple[str, ...]
    policy: str
    policies: tuple[_Named, ...]
    policy_sha256: str
    at: _At
    policy_key_sha256: str | None = None
    policy_min_serial: int | None = None


class Ended(Struct, frozen=True):
    """A run that ended.

    Attributes:
        out: Its folder.
        head: What it was about.
        summary: What it counted.
        findings: What it found.
    """

    out: Path
    head: Head
    summary: Summary
    findings: tuple[Finding, ...]


class Judged(Struct, frozen=True):
    """One row of a run.

    Attributes:
        result: The result in its published shape.
        columns: The row of the parts, by the names of ``RESULTS``.
    """

    result: dict[str, Any]
    columns: Mapping[str, Any]


def holds_drift(out: Path) -> bool:
    """Tell whether a folder holds the runs of a drift, ended or not, and none of its own."""
    return (out / THEN / manifest.NAME).exists() and not (out / manifest.NAME).exists()


def ended(out: Path) -> Ended:
    """Read what a run says of itself.

    Args:
        out: Folder of a run that ended.

    Raises:
        ReplayError: The folder holds no run that ended, or parts that are not those of its summary.
    """
    if holds_drift(out):
        raise ReplayError(f"{out}: holds two runs: name {out / THEN} or {out / NOW}")
    try:
        head = msgspec.convert(manifest.head(out / manifest.NAME), Head)
        summary = msgspec.json.decode((out / SUMMARY).read_bytes(), type=Summary)
        findings = msgspec.json.decode((out / FINDINGS).read_bytes(), type=tuple[Finding, ...])
        digest = digest_of(out)
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise ReplayError(f"{out}: holds no run that ended: {error}") from error
    if digest != summary.digest:
        raise ReplayError(f"{out}: the digest of the parts is not that of the summary")
    return Ended(out, head, summary, findings)


def results(run: Ended) -> Iterator[dict[str, Any]]:
    """Read the results of a run in their published shape, in the order of source and row.

    Raises:
        ReplayError: A row is not the one that was hashed, or a part cannot be read.
    """
    for part in sorted((run.out / RESULTS).glob("part-*.parquet")):
        try:
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(_ROWS):
                    for columns in batch.to_pylist():
                        yield published(run, columns).result
        except (OSError, pa.ArrowException) as error:
            raise ReplayError(f"{part}: cannot be read: {error}") from error


def rows_named(run: Ended, source: str | None, row: int) -> list[Judged]:
    """Return the rows with a number, of one source or of all (two at most, to tell one from many).

    Raises:
        ReplayError: A row is not the one that was hashed, or a part cannot be read.
    """
    wanted: list[tuple[str, str, Any]] = [("row", "==", row)]
    if source is not None:
        wanted.append(("source", "==", source))
    found: list[Judged] = []
    for part in sorted((run.out / RESULTS).glob("part-*.parquet")):
        try:
            table = pq.read_table(part, filters=wanted)
        except (OSError, pa.ArrowException) as error:
            raise ReplayError(f"{part}: cannot be read: {error}") from error
        found += [published(run, columns) for columns in table.slice(0, 2).to_pylist()]
        if len(found) > 1:
            break
    return found


def rows_at(run: Ended, places: Collection[tuple[str, int]]) -> dict[tuple[str, int], Judged]:
    """Return the rows at some places, by source and number, in one pass over the parts.

    Raises:
        ReplayError: A row is not the one that was hashed, or a part cannot be read.
    """
    found: dict[tuple[str, int], Judged] = {}
    if not places:
        return found
    sources, rows = ({place[part] for place in places} for part in (0, 1))
    wanted: list[tuple[str, str, Any]] = [("source", "in", sources), ("row", "in", rows)]
    for part in sorted((run.out / RESULTS).glob("part-*.parquet")):
        try:
            if not pq.read_table(part, columns=["source", "row"], filters=wanted).num_rows:
                continue
            listed = pq.read_table(part, filters=wanted).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise ReplayError(f"{part}: cannot be read: {error}") from error
        for columns in listed:
            place = columns["source"], columns["row"]
            if place in places:
                found[place] = published(run, columns)
    return found


def published(run: Ended, columns: Mapping[str, Any]) -> Judged:
    """Make the published result of a row, and hold it against the row's hash.

    Args:
        run: The run.
        columns: The row by the names of ``RESULTS``; moments may be microseconds from the epoch.

    Raises:
        ReplayError: It is not the result that was hashed.
    """
    place = f"{run.out}: {columns.get('source')} row {columns.get('row')}"
    try:
        result = _published(columns, run.head.verifier)
        timed = run.head.at.mode != "now"
        hashed = {
            name: value
            for name, value in result.items()
            if name != "verifier" and (timed or name != "verified_at")
        }
        digest = hashlib.sha256(_encode(hashed)).digest()
    except (KeyError, RecursionError, TypeError, ValueError) as error:
        raise ReplayError(f"{place}: is no result: {error}") from error
    if digest != columns["result_sha256"]:
        raise ReplayError(f"{place}: is not the result that was hashed")
    return Judged(result, columns)


def _published(columns: Mapping[str, Any], verifier: str) -> dict[str, Any]:
    """Put columns back into the members of a result."""
    accepted = columns["decision"] == "accepted"
    return {
        "schema": SCHEMA,
        "source": columns["source"],
        "row": columns["row"],
        "payload_id": columns["payload_id"],
        "decision": "accepted" if accepted else "refused",
        "assurance": columns["assurance"],
        "anchor": anchor_of(columns["anchor"]),
        "baseline": columns["baseline"],
        "closest_baseline": columns["closest_baseline"],
        "differences": differences_of(columns["differences"]),
        "tier": columns["tier"],
        "checks": checks_of(columns["checks"]),
        "pcrs": pcrs_of(columns["pcrs"]),
        "aik": _group(
            columns["aik_name"], name=columns["aik_name"], hierarchy=columns["aik_hierarchy"]
        ),
        "clock": _group(
            columns["clock"],
            clock=columns["clock"],
            reset_count=columns["reset_count"],
            restart_count=columns["restart_count"],
            safe=columns["clock_safe"],
        ),
        "firmware_version": columns["firmware_version"],
        "policy": _group(
            columns["policy_name"],
            name=columns["policy_name"],
            serial=columns["policy_serial"],
            sha256=columns["policy_sha256"],
        ),
        "evidence_sha256": columns["evidence_sha256"],
        "verified_at": moment_of(columns["verified_at"]),
        "verifier": verifier,
    }


def moment_of(value: datetime | int | None) -> str | None:
    """Write a moment, or microseconds from the epoch, in UTC (RFC 3339)."""
    if value is None:
        return None
    return timestamp(
        value if isinstance(value, datetime) else _EPOCH + timedelta(microseconds=value)
    )


def _group(there: str | None, **members: Any) -> dict[str, Any] | None:
    """Return members as one, or None where the first of them was never read."""
    return None if there is None else members


NAMES: Final = tuple(COLUMNS.names)
"""Columns of a row, in their order."""
SELECTED: Final = (
    "SELECT * REPLACE (epoch_us(moment) AS moment, epoch_us(verified_at) AS verified_at) "
    "FROM results"
)
"""Query of whole rows for ``published``, with moments as whole numbers."""
