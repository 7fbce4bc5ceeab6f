"""The embedded engine: processes of this machine judge, and DuckDB answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from attest.replay import manifest, tables
from attest.replay.engines import RESULTS, Progress, Reader
from attest.replay.findings import Ask
from attest.replay.manifest import Run
from attest.replay.pool import Part, Worker, judge_all


class Embedded:
    """Processes of this machine, and DuckDB."""

    named: re.Pattern[str] = re.compile(r"part-\d{8}\.parquet")

    def __init__(self, processes: int) -> None:
        """Say how many processes judge."""
        self._processes = processes

    def judge(
        self, run: Run, out: Path, unreadable: list[str], progress: Progress | None
    ) -> Iterator[Part]:
        """Read all inputs in order here, and judge their batches in processes."""
        reader = Reader(run.archives, unreadable, progress)
        tasks = reader.tasks(manifest.inputs(out / manifest.NAME), out / RESULTS / "part")
        return judge_all(tasks, Worker(run.policy, run.at), self._processes)

    def views_of(self, views: Mapping[str, Path]) -> AbstractContextManager[Ask]:
        """Open the parts of runs in DuckDB."""
        return tables.views_of(views)
