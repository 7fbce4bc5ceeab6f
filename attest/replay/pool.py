"""The embedded engine: processes that judge batches and write parts, fed and read in order.

The processes are spawned, not forked: pyarrow has threads, which a fork leaves behind with their
locks held. Each lives on through all batches, so that starting it costs once.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Struct

from attest.archive.durable import write_whole
from attest.errors import AttestError
from attest.policy.model import Policy, PolicySet
from attest.replay.batch import verify_batch
from attest.replay.manifest import At
from attest.replay.reading import Enrolled
from attest.replay.schema import OWN, RESULTS, Decision

_SHARED: Final = [name for name in RESULTS.names if name not in OWN]
"""Columns that are written with a dictionary, for their values come again."""
_ASKED: Final = ["source", "row", "decision", "assurance", "moment"]
"""Columns with the least and the greatest value of each part, by which readers pass parts over."""
_ROWS_SUFFIX: Final = ".rows.partial"
"""Ending of the files by which rows go to a process; a run that goes on takes them away."""
_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


class ReplayError(AttestError):
    """A run that cannot begin, or go on; nothing of the rows is meant by it."""


class Task(Struct, frozen=True):
    """A batch to be judged, and where its part goes.

    Attributes:
        path: File of the part.
        batch: The rows; None where the part is there already.
    """

    path: Path
    batch: pa.RecordBatch | None


class Part(Struct, frozen=True):
    """A part that lies whole in its place.

    Attributes:
        rows: How many rows it has.
        failed: Source and row of the first one that was not accepted, or None.
    """

    rows: int
    failed: tuple[str, int] | None


class Worker:
    """What every process knows of a run."""

    def __init__(self, policy: Policy | PolicySet, at: At) -> None:
        """Keep the policy and the moments to judge at."""
        self._policy = policy
        self._at = at
        self._enrolled = Enrolled()

    def judge(self, task: Task) -> Part:
        """Judge a batch and write its part, or look at the part that is there."""
        if task.batch is None:
            with pq.ParquetFile(task.path) as file:
                return _part(file.read(columns=["source", "row", "decision"]))
        results = verify_batch(
            task.batch,
            self._policy,
            self._at.moment,
            timed=self._at.timed,
            enrolled=self._enrolled,
        )
        table = pa.Table.from_batches([results])
        write_whole(
            task.path,
            lambda file: pq.write_table(
                table, file, compression="zstd", use_dictionary=_SHARED, write_statistics=_ASKED
            ),
        )
        return _part(table)


def _part(table: pa.Table) -> Part:
    decisions = table.column("decision").to_pylist()
    failed = None
    for place, decision in enumerate(decisions):
        if decision != Decision.ACCEPTED:
            failed = (table.column("source")[place].as_py(), table.column("row")[place].as_py())
            break
    return Part(len(decisions), failed)


def judge_all(tasks: Iterable[Task], worker: Worker, processes: int) -> Iterator[Part]:
    """Judge batches in processes; yield the parts in the order of the batches.

    One batch alone is judged here. No more than two batches a process wait.

    Raises:
        ReplayError: A process died.
    """
    waiting = iter(tasks)
    first = list(islice(waiting, 2))
    if len(first) < 2 or processes < 1:  # noqa: PLR2004 - nothing to share
        yield from map(worker.judge, chain(first, waiting))
        return
    ahead = 2 * processes
    on_the_way: deque[Path] = deque(maxlen=ahead + 1)
    spawn = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(processes, spawn, _begin, (worker,)) as pool:
            sent = map(partial(_sent, on_the_way=on_the_way), chain(first, waiting))
            yield from in_order(pool, _judge, sent, ahead)
    except BrokenExecutor as error:
        raise ReplayError("a process was killed; the same call goes on from there") from error
    finally:
        for rows in on_the_way:
            rows.unlink(missing_ok=True)


class _Sent(Struct, frozen=True):
    """A task on its way to a process: its rows lie in a file, which costs far less than a pipe."""

    path: Path
    rows: Path | None


def _sent(task: Task, on_the_way: deque[Path]) -> _Sent:
    """Put the rows of a task beside its part, and remember where."""
    if task.batch is None:
        return _Sent(task.path, None)
    rows = task.path.with_suffix(_ROWS_SUFFIX)
    on_the_way.append(rows)
    with pa.OSFile(str(rows), "wb") as file, pa.ipc.new_stream(file, task.batch.schema) as writer:
        writer.write_batch(task.batch)
    return _Sent(task.path, rows)


def _received(sent: _Sent) -> Task:
    """Take the rows of a task, and their file away."""
    if sent.rows is None:
        return Task(sent.path, None)
    with pa.OSFile(str(sent.rows), "rb") as file, pa.ipc.open_stream(file) as reader:
        batch = reader.read_next_batch()
    sent.rows.unlink()
    return Task(sent.path, batch)


def in_order(
    pool: Executor, call: Callable[[_Item], _Done], items: Iterable[_Item], ahead: int
) -> Iterator[_Done]:
    """Call a function in a pool; yield what it returns in the order of the items.

    Args:
        pool: Where the calls run.
        call: The function.
        items: Taken only as fast as calls end.
        ahead: How many calls may wait or run.
    """
    running: deque[Future[_Done]] = deque()
    try:
        for item in items:
            running.append(pool.submit(call, item))
            if len(running) >= ahead:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


_worker: Worker | None = None


def _begin(worker: Worker) -> None:
    """Begin a process: keep what it knows, and end with the process that began it."""
    global _worker  # noqa: PLW0603 - the one way in for what all calls of a process share
    _worker = worker
    gc.disable()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _judge(sent: _Sent) -> Part:
    """Judge a batch, and then look for cyclic garbage.

    Within a batch, hundreds of thousands of objects live that are no garbage; each look would go
    through them. What outlives a batch stays, and is not looked at again.
    """
    if _worker is None:
        raise RuntimeError("the process was not begun")
    part = _worker.judge(_received(sent))
    gc.collect()
    gc.freeze()
    return part
