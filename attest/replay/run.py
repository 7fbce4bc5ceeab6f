"""One run: inputs hashed, rows judged into parts, questions asked, and all of it resumable."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from msgspec import Struct

from attest.archive.durable import write_whole
from attest.archive.stores import Source, Store, sources_of
from attest.replay import manifest
from attest.replay.embedded import Embedded
from attest.replay.engines import RESULTS, Engine, Progress, refuse_foreign_parts
from attest.replay.findings import count, find, summary_of
from attest.replay.manifest import At, Input, Run
from attest.replay.pool import ReplayError, in_order
from attest.replay.questions import VIEW

SUMMARY: Final = "summary.json"
FINDINGS: Final = "findings.json"
_AHEAD: Final = 64


class Outcome(Struct, frozen=True):
    """How a run ended.

    Attributes:
        summary: What stands in ``summary.json``; None where the run stopped at a refused row.
        findings: What stands in ``findings.json``.
        unreadable: Inputs that the system would not let us read, and why.
        failed: With fail-fast, source and row at which the run stopped.
    """

    summary: dict[str, Any] | None
    findings: list[dict[str, Any]]
    unreadable: tuple[str, ...]
    failed: tuple[str, int] | None = None


class Watch(Struct, frozen=True):
    """Whom a run tells how far it has come.

    Attributes:
        begin: Called with the octets of all inputs, before the first row.
        progress: Called on the way.
    """

    begin: Callable[[int], None]
    progress: Progress


class Options(Struct, frozen=True):
    """How a run is done; nothing of it changes a result.

    Attributes:
        processes: How many processes judge.
        fail_fast: Whether to stop at the first row that is not accepted.
        watch: Who is told how far the run has come, or None.
        engine: What judges, in place of the embedded engine and its processes.
    """

    processes: int = 1
    fail_fast: bool = False
    watch: Watch | None = None
    engine: Engine | None = None


def replay(run: Run, out: Path, options: Options) -> Outcome:
    """Judge archives into a folder, or go on with a run that was interrupted there.

    Args:
        run: What is asked.
        out: Folder of the run; new, empty, or with a run that is about the same.
        options: How it is done.

    Raises:
        ReplayError: The folder holds something else, or a run that is about something else.
        OSError: An archive is not there, or the folder cannot be written.
    """
    for archive in run.archives:
        if "://" not in archive and out.resolve().is_relative_to(Path(archive).resolve()):
            raise ReplayError(f"{out}: lies in the archive {archive}")
    run, total = _begin(run, out)
    unreadable: list[str] = []
    if options.watch is not None:
        options.watch.begin(total)
    engine = options.engine or Embedded(options.processes)
    refuse_foreign_parts(out, engine)
    progress = None if options.watch is None else options.watch.progress
    rows = 0
    for part in engine.judge(run, out, unreadable, progress):
        rows += part.rows
        if options.watch is not None:
            options.watch.progress(0, part.rows)
        if options.fail_fast and part.failed is not None:
            return Outcome(None, [], tuple(unreadable), part.failed)
    if not rows:
        raise ReplayError("no row to judge")
    return _ended(out, engine, tuple(unreadable))


def _begin(run: Run, out: Path) -> tuple[Run, int]:
    """Write the manifest, or hold it against the one that is there; return the octets to read."""
    try:
        (out / RESULTS).mkdir(parents=True, exist_ok=True)
        before = out / manifest.NAME
        new = out / f"{manifest.NAME}.new"
        if before.exists():
            run = _same_moment(run, before)
        elif any(entry.name not in (RESULTS, new.name) for entry in out.iterdir()) or any(
            (out / RESULTS).iterdir()
        ):
            raise ReplayError(f"{out}: is not empty, and holds no run")
        total = _write_manifest(new, run)
        if before.exists():
            different = manifest.difference(before, new)
            if different is not None:
                new.unlink()
                raise ReplayError(f"{out}: holds another run: {different}")
        new.replace(before)
        for partial in (out / RESULTS).glob("*.partial"):
            partial.unlink()
    except ValueError as error:
        raise ReplayError(str(error)) from error
    return run, total


def _same_moment(run: Run, before: Path) -> Run:
    """Go on at the moment at which a run began, where both take the run's own clock."""
    at = manifest.head(before)["at"]
    if run.at.mode == "now" and at["mode"] == "now":
        return Run(
            run.archives,
            run.policy_path,
            run.policy,
            At("now", datetime.fromisoformat(at["moment"])),
        )
    return run


def _write_manifest(path: Path, run: Run) -> int:
    """Hash all inputs, several at once, and write them down; return their octets."""
    total = 0

    def counted(inputs: Iterator[Input]) -> Iterator[Input]:
        nonlocal total
        for one in inputs:
            total += one.octets or 0
            yield one

    def hashed(found: tuple[int, Store, Source]) -> Input:
        return manifest.hashed(found[1], found[0], found[2])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = in_order(pool, hashed, sources_of(run.archives), _AHEAD)
        if not manifest.write(path, run, counted(found)):
            raise ReplayError("no file to read")
    return total


def digest_of(out: Path) -> str:
    """Return the digest of a run: SHA-256 over the SHA-256 of each result, in their order."""
    state = hashlib.sha256()
    for part in sorted((out / RESULTS).glob("part-*.parquet")):
        with pq.ParquetFile(part) as file:  # read_table would import a third of a second more
            column = file.read(columns=["result_sha256"]).column(0)
        state.update(b"".join(column.to_pylist()))
    return state.hexdigest()


def _ended(out: Path, engine: Engine, unreadable: tuple[str, ...]) -> Outcome:
    """Count, ask, and write findings and summary; the summary last, for it says that all ended."""
    with engine.views_of({VIEW: out}) as ask:
        counts = count(ask)
        findings = find(ask)
    summary = summary_of(counts, digest_of(out))
    _write_json(out / FINDINGS, findings)
    _write_json(out / SUMMARY, summary)
    return Outcome(summary, findings, unreadable)


def _write_json(path: Path, value: object) -> None:
    octets = f"{json.dumps(value, indent=1)}\n".encode("ascii")
    write_whole(path, lambda file: file.write(octets))


def now() -> At:
    """Return the moment of a run that judges by its own clock."""
    return At("now", datetime.now(UTC))
