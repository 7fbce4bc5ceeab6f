"""Apache Spark as an engine: the same function through ``mapInArrow``, and the same SQL text.

Needs the extra ``spark`` here and on all executors, and Java 17 or newer here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import pandas  # noqa: F401 - Spark needs it, and says so only when a job runs
import pyarrow as pa
from msgspec import Struct
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

from attest.context import Request
from attest.errors import AttestError
from attest.policy.model import Policy, PolicySet
from attest.replay import manifest
from attest.replay.batch import Moment, verify_batch
from attest.replay.engines import RESULTS as FOLDER
from attest.replay.engines import Progress, Reader
from attest.replay.findings import Ask, count, find, summary_of
from attest.replay.manifest import Input, Run
from attest.replay.pool import Part, ReplayError, Worker
from attest.replay.questions import VIEW
from attest.replay.schema import MOMENT, RESULTS, ROWS
from attest.replay.spark_session import failures
from attest.verify import check_request

SLICE_OCTETS: Final = 32 * 1024 * 1024
"""Octets of the inputs of one task at most, unless one input has more."""
_WAVE: Final = 16
"""Tasks a processor that are given to Spark at once."""
_TYPES: Final = {
    pa.string(): "string",
    pa.int64(): "bigint",
    pa.binary(): "binary",
    pa.bool_(): "boolean",
    MOMENT: "timestamp",
}
_NEEDED: Final = ("source", "row", "kind", "octets")
_WITHOUT_NULL: Final = ("source", "row", "kind")
_WIDENED: Final = {("string", "binary"), ("int", "bigint")}
"""Types that become another without loss."""
_PATTERN: Final = re.compile(r"[\\*?{}\[\]]")
"""What a pattern of file names must have behind a backslash to mean itself."""


def _columns(schema: pa.Schema) -> str:
    """Write an Arrow schema as Spark does."""
    nulls = {True: "", False: " NOT NULL"}
    return ", ".join(f"{one.name} {_TYPES[one.type]}{nulls[one.nullable]}" for one in schema)


def judge(
    rows: DataFrame, policy: Policy | PolicySet, at: Moment = None, *, timed: bool = True
) -> DataFrame:
    """Judge a DataFrame, in whatever session it is; nothing is read before the result is.

    Args:
        rows: Columns of ``attest.replay.schema.ROWS``: ``source``, ``row``, ``kind``, ``octets``
            (text or binary), and any of the others. Source and row name a row, and are unique.
        policy: What ``load_policy`` returned.
        at: The moment to judge at; None judges each row at its own time.
        timed: False leaves ``verified_at`` out of ``result_sha256``: the run's clock gave it.

    Returns:
        One result a row, with the columns of ``attest.replay.schema.RESULTS``.

    Raises:
        ReplayError: A column is missing, unknown or of another type.
        ValueError: The policy asks for what an archive cannot give.
    """
    check_request(policy, Request())
    given = dict(rows.dtypes)
    for name in given:
        if name not in ROWS.names:
            raise ReplayError(f"column {name}: is none of {', '.join(ROWS.names)}")
    chosen = [_column(field, given.get(field.name)) for field in ROWS]
    judged = partial(_judged, policy=policy, at=at, timed=timed)
    return rows.select(*chosen).mapInArrow(judged, _columns(RESULTS))


def _column(field: pa.Field, given: str | None) -> Any:
    """Select a column of rows with the type that it must have."""
    name, wanted = field.name, _TYPES[field.type]
    if given is None:
        if name in _NEEDED:
            raise ReplayError(f"column {name}: is missing")
        return sql.lit(None).cast(wanted).alias(name)
    if given != wanted and (given, wanted) not in _WIDENED:
        raise ReplayError(f"column {name}: is {given}, expected {wanted}")
    return sql.col(name).cast(wanted)


def _judged(
    batches: Iterable[pa.RecordBatch], policy: Policy | PolicySet, at: Moment, *, timed: bool
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for name in _WITHOUT_NULL:
            if batch.column(name).null_count:
                raise ReplayError(f"column {name}: is null in a row")
        yield verify_batch(batch, policy, at, timed=timed)


def sum_up(results: DataFrame) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Count results and ask all questions of them.

    Each question reads the results anew: write what ``judge`` returned, and give what was written.

    Args:
        results: The columns of ``attest.replay.schema.RESULTS``.

    Returns:
        What stands in ``summary.json`` and in ``findings.json`` of a run over the same rows.

    Raises:
        ReplayError: The session has a view named ``results``, or Spark failed.
    """
    with _asked(results, VIEW) as ask, failures():
        return summary_of(count(ask), _digest(results)), find(ask)


def _digest(results: DataFrame) -> str:
    state = hashlib.sha256()
    ordered = results.orderBy("source", "row").select("result_sha256")
    for (octets,) in ordered.toLocalIterator(prefetchPartitions=True):
        state.update(octets)
    return state.hexdigest()


@contextmanager
def _asked(results: DataFrame, view: str) -> Iterator[Ask]:
    """Name results so that the questions find them."""
    session = results.sparkSession
    try:
        results.createTempView(view)
    except AnalysisException as error:
        raise ReplayError(f"the session has a view named {view}") from error
    try:
        yield lambda text: session.sql(text).collect()
    finally:
        session.catalog.dropTempView(view)


class _Slice(Struct, frozen=True):
    """The inputs of one task: whole files, in their order."""

    number: int
    inputs: list[Input]


class _Done(Struct, frozen=True):
    """What a task says of its slice."""

    number: int
    parts: list[Part] = []
    unreadable: list[str] = []
    fault: str | None = None


class Spark:
    """Spark in a session: tasks read the inputs, judge them and write the parts.

    All executors see the archives and the folder of the run under the same names.
    """

    named: re.Pattern[str] = re.compile(r"part-\d{8}-\d{8}\.parquet")

    def __init__(self, session: SparkSession) -> None:
        """Keep the session, which is not ended."""
        self._session = session

    def judge(
        self, run: Run, out: Path, unreadable: list[str], progress: Progress | None
    ) -> Iterator[Part]:
        """Judge slices of the inputs, many at once, and yield their parts in order.

        Raises:
            ReplayError: An input was changed, a part could not be written, or Spark failed.
        """
        slices = _slices(manifest.inputs(out / manifest.NAME), run.archives)
        call = partial(
            _judge_slices,
            archives=run.archives,
            worker=Worker(run.policy, run.at),
            folder=str((out / FOLDER).resolve()),
        )
        with failures():
            together = _WAVE * self._session.sparkContext.defaultParallelism
        while wave := list(islice(slices, together)):
            for done in self._wave(wave, call):
                if done.fault is not None:
                    raise ReplayError(done.fault)
                unreadable += done.unreadable
                yield from done.parts
            if progress is not None:
                progress(sum(one.octets or 0 for each in wave for one in each.inputs), 0)

    def _wave(self, wave: list[_Slice], call: Any) -> list[_Done]:
        """Let Spark judge some slices, each as a task."""
        told = [(bytearray(_written(one)),) for one in wave]
        with failures():
            tasks = self._session.sparkContext.parallelize(told, len(told))
            rows = self._session.createDataFrame(tasks, "slice binary NOT NULL")
            done = rows.mapInArrow(call, "done binary NOT NULL").collect()
        read = [msgspec.convert(json.loads(octets), _Done) for (octets,) in done]
        return sorted(read, key=lambda one: one.number)

    @contextmanager
    def views_of(self, views: Mapping[str, Path]) -> Iterator[Ask]:
        """Open the parts of runs, each as the view that is named.

        Raises:
            ReplayError: The session has a view of such a name, or Spark failed.
        """
        with failures(), ExitStack() as stack:
            for name, out in views.items():
                stack.enter_context(_asked(self._parts(out), name))
            yield lambda text: self._session.sql(text).collect()

    def _parts(self, out: Path) -> DataFrame:
        folder = _PATTERN.sub(r"\\\g<0>", str((out / FOLDER).resolve()))
        reader = self._session.read.schema(_columns(RESULTS))
        reader = reader.option("recursiveFileLookup", value=True)  # no folder's name is a column
        reader = reader.option("pathGlobFilter", "part-*.parquet")
        return reader.parquet(f"file:{folder}")


def _slices(inputs: Iterable[Input], archives: tuple[str, ...]) -> Iterator[_Slice]:
    """Share inputs out to tasks; the same inputs always give the same slices."""
    number, size = 0, 0
    waiting: list[Input] = []
    for one in inputs:
        octets = one.octets or 0
        if waiting and size + octets > SLICE_OCTETS:
            yield _Slice(number, waiting)
            number, size, waiting = number + 1, 0, []
        if "://" not in archives[one.archive]:
            path = os.path.abspath(one.path)  # noqa: PTH100 - links stay as they are
            one = msgspec.structs.replace(one, path=path)  # noqa: PLW2901 - the same input
        waiting.append(one)
        size += octets
    if waiting:
        yield _Slice(number, waiting)


def _written(value: Struct) -> bytes:
    """Write JSON in ASCII, which names of files survive that are no UTF-8."""
    return json.dumps(msgspec.to_builtins(value)).encode("ascii")


def _judge_slices(
    batches: Iterable[pa.RecordBatch], archives: tuple[str, ...], worker: Worker, folder: str
) -> Iterator[pa.RecordBatch]:
    """Judge the slices of a task; one that fails says why."""
    for batch in batches:
        slices = [
            msgspec.convert(json.loads(octets), _Slice) for octets in batch.column(0).to_pylist()
        ]
        done = [_written(_judge_slice(one, archives, worker, Path(folder))) for one in slices]
        yield pa.RecordBatch.from_arrays([pa.array(done, pa.binary())], names=["done"])


def _judge_slice(one: _Slice, archives: tuple[str, ...], worker: Worker, folder: Path) -> _Done:
    unreadable: list[str] = []
    tasks = Reader(archives, unreadable).tasks(one.inputs, folder / f"part-{one.number:08}")
    try:
        parts = [worker.judge(task) for task in tasks]
    except AttestError as error:
        return _Done(one.number, fault=str(error))
    except OSError as error:
        return _Done(one.number, fault=f"{error.filename or folder}: {error.strerror or error}")
    return _Done(one.number, parts, unreadable)
