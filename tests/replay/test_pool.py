"""The processes of a run: the same results as one, killed, begun, and what they leave."""

import gc
import io
import os
import subprocess
import sys
from collections import deque
from pathlib import Path

import pytest

from attest.archive.saved import read_rows
from attest.replay import batching, pool
from attest.replay.pool import ReplayError
from attest.replay.run import Options, replay
from tests.archive.making import POSIX
from tests.cli.calls import ROOT
from tests.replay.making import replayed, run_over


@pytest.mark.usefixtures("small_parts")
def test_processes_give_the_same_as_one(archive: Path, tmp_path: Path) -> None:
    alone = replayed(tmp_path / "alone", archive)
    shared = replay(run_over(archive), tmp_path / "shared", Options(2))
    assert shared == alone


@POSIX
@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("processes", [0, 2])
def test_a_run_that_is_killed_goes_on_to_the_same_end(
    archive: Path, tmp_path: Path, processes: int
) -> None:
    run, out = run_over(archive), tmp_path / "out"
    words = (out, run.policy_path, archive, 2, processes)
    command = [sys.executable, "-m", "tests.replay.killed", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == -9  # and its output has ended, so no process of it is left
    results = out / "results"
    first = results / "part-00000000.parquet"
    kept = first.stat().st_mtime_ns
    assert not (out / "summary.json").exists()
    (results / "part-00000002.parquet.1.partial").write_bytes(b"half")
    resumed = replay(run, out, Options(0))
    assert resumed == replayed(tmp_path / "whole", archive)
    assert first.stat().st_mtime_ns == kept
    assert not list(out.rglob("*.partial"))


class Dying(pool.Worker):
    """A process that the system kills."""

    def judge(self, task: pool.Task) -> pool.Part:  # noqa: ARG002 - dies of any
        os._exit(1)


def test_a_process_that_is_killed_ends_the_run(archive: Path) -> None:
    run = run_over(archive)
    tasks = [pool.Task(Path(name), None) for name in ("a", "b")]
    with pytest.raises(ReplayError, match="a process was killed"):
        list(pool.judge_all(tasks, Dying(run.policy, run.at), 1))


def test_a_process_judges_by_what_it_was_begun_with(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_worker", None)
    part, rows = tmp_path / "part.parquet", tmp_path / "part.rows.partial"
    again = pool._Sent(part, None)  # noqa: SLF001 - the way into a process
    with pytest.raises(RuntimeError, match="was not begun"):
        pool._judge(again)  # noqa: SLF001 - likewise
    run = run_over(archive)
    collects = gc.isenabled()
    try:
        pool._begin(pool.Worker(run.policy, run.at))  # noqa: SLF001 - likewise
        (batch,) = batching.batches_of(
            [("a", read_rows("a.jsonl", io.BytesIO(archive.read_bytes())))]
        )
        sent = pool._sent(pool.Task(part, batch), deque())  # noqa: SLF001 - likewise
        assert (sent.rows, rows.exists()) == (rows, True)
        judged = pool._judge(sent)  # noqa: SLF001 - likewise
        assert judged == pool._judge(again) == pool.Part(8, ("a", 5))  # noqa: SLF001 - likewise
    finally:
        gc.unfreeze()
        if collects:
            gc.enable()
    assert not rows.exists()


def test_a_process_that_is_killed_leaves_no_rows_behind(archive: Path, tmp_path: Path) -> None:
    run = run_over(archive)
    (batch,) = batching.batches_of([("a", read_rows("a.jsonl", io.BytesIO(archive.read_bytes())))])
    tasks = [pool.Task(tmp_path / f"part-{number}.parquet", batch) for number in range(4)]
    with pytest.raises(ReplayError, match="a process was killed"):
        list(pool.judge_all(tasks, Dying(run.policy, run.at), 1))
    assert not list(tmp_path.glob("part-*"))
