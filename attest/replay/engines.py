"""What an engine is: it judges the inputs of a run into parts; and how each reads the inputs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Protocol

import pyarrow.parquet as pq

from attest.archive.saved import Rows, fault_row, read_rows
from attest.archive.stores import Source, store_of
from attest.archive.streams import CANNOT_READ, UnreadableError, cannot_read
from attest.replay.batching import batches_of
from attest.replay.findings import Ask
from attest.replay.manifest import Input, Run
from attest.replay.pool import Part, ReplayError, Task

RESULTS: Final = "results"

Progress = Callable[[int, int], None]
"""Called with octets of input that were read, and rows that were judged, since the last call."""


class Engine(Protocol):
    """What judges the inputs of a run, and answers questions about its parts.

    Attributes:
        named: Names of its parts, which sort in the order of source and row.
    """

    named: re.Pattern[str]

    def judge(
        self, run: Run, out: Path, unreadable: list[str], progress: Progress | None
    ) -> Iterator[Part]:
        """Judge the inputs of the manifest into parts; yield what was judged, in order.

        Args:
            run: What is asked.
            out: Folder of the run, with its manifest.
            unreadable: Gets the inputs that the system would not let us read, and why.
            progress: Told of octets that were read, or None.

        Raises:
            ReplayError: The run cannot go on.
        """

    def views_of(self, views: Mapping[str, Path]) -> AbstractContextManager[Ask]:
        """Open the parts of runs, each as the view that is named."""


class Reader:
    """Reads inputs of a run into batches."""

    def __init__(
        self, archives: tuple[str, ...], unreadable: list[str], progress: Progress | None = None
    ) -> None:
        """Keep the archives of the run, where faults go, and who is told of octets."""
        self._archives = archives
        self._unreadable = unreadable
        self._progress = progress

    def tasks(self, inputs: Iterable[Input], stem: Path) -> Iterator[Task]:
        """Read inputs into batches; a part that lies there whole is not judged again.

        Args:
            inputs: The inputs, in order.
            stem: Path of the parts without the number and the ending of each.
        """
        found = ((one.source, self._rows(one)) for one in inputs)
        for number, batch in enumerate(batches_of(found)):
            path = stem.with_name(f"{stem.name}-{number:08}.parquet")
            whole = path.exists() and pq.read_metadata(path).num_rows == batch.num_rows
            yield Task(path, None if whole else batch)

    def _rows(self, one: Input) -> Iterator[Rows]:
        """Read the rows of an input; where it cannot be read, a row says so."""
        fault = one.fault
        if fault is None:
            try:
                yield from self._read(one)
            except UnreadableError as error:
                fault = str(error)
            except OSError as error:
                fault = cannot_read(error)
        if fault is not None:
            if fault.startswith(CANNOT_READ):
                self._unreadable.append(f"{one.source}: {fault}")
            yield fault_row(fault)

    def _read(self, one: Input) -> Iterator[Rows]:
        store = store_of(self._archives[one.archive])
        with store.open(Source(one.source, one.path)) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(0)
            if size != one.octets:
                raise ReplayError(f"{one.source}: was changed since it was hashed")
            progress = self._progress
            if progress is None:
                yield from read_rows(one.source, stream)
            else:
                yield from read_rows(one.source, stream, lambda octets: progress(octets, 0))


def refuse_foreign_parts(out: Path, engine: Engine) -> None:
    """Refuse a folder with parts of another engine, which would count rows twice.

    Raises:
        ReplayError: It has such parts.
    """
    for part in (out / RESULTS).glob("*.parquet"):
        if not engine.named.fullmatch(part.name):
            raise ReplayError(f"{out}: holds {part.name}, a part of another engine")
