"""Several appenders at once, and killed ones: the chain stays whole, and nothing is lost."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from attest.archive import Archive, verify_archive
from tests.archive.making import POSIX, decision, folder_with_policy, hash_of, lines_of, record_of
from tests.cli.calls import ROOT, environment


def appender(folder: Path, path: Path, *how: int) -> subprocess.Popen[bytes]:
    told = (str(folder), str(path), *map(str, how))
    words = [sys.executable, "-m", "tests.archive.appender", *told]
    return subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, env=environment())


def receipts(done: bytes) -> dict[int, str]:
    """What an appender reported, but for a report that was cut off."""
    lines = [line.split() for line in done.decode().splitlines(keepends=True)[1:] if "\n" in line]
    return {int(seq): digest for seq, digest in lines}


def whole_records(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The records of an archive with their hashes, without what is torn."""
    for line in lines_of(path):
        try:
            yield record_of(line), hash_of(line)
        except ValueError:
            continue


@pytest.mark.parametrize("processes", [2, 8])
def test_processes_that_append_at_once_make_one_whole_chain(tmp_path: Path, processes: int) -> None:
    path = folder_with_policy(tmp_path) / "evidence.jsonl"
    running = [appender(tmp_path, path, 200) for _ in range(processes)]
    outputs = [one.communicate(timeout=300)[0] for one in running]
    seen = verify_archive(path)
    assert (seen.intact, seen.records, seen.torn) == (True, 200 * processes, 0), seen.faults
    reported = [item for done in outputs for item in receipts(done).items()]
    assert sorted(reported) == list(enumerate(map(hash_of, lines_of(path))))


def test_threads_that_append_at_once_make_one_whole_chain(tmp_path: Path) -> None:
    archive, one = Archive(tmp_path / "evidence.jsonl"), decision(tmp_path)

    def append() -> None:
        for _ in range(50):
            archive.append(one)

    threads = [threading.Thread(target=append) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = verify_archive(archive.path)
    assert (seen.intact, seen.records) == (True, 400), seen.faults


@POSIX
@pytest.mark.parametrize("piece", [(), (1,)])
def test_a_killed_appender_loses_nothing_that_it_reported(
    tmp_path: Path, piece: tuple[int, ...]
) -> None:
    path = folder_with_policy(tmp_path) / "evidence.jsonl"
    reported: dict[int, str] = {}
    for number in range(20):
        running = appender(tmp_path, path, 100_000, *piece)
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(0.003 * number)
        running.send_signal(signal.SIGKILL)
        new = receipts(b"ready\n" + running.stdout.read())
        running.stdout.close()
        running.wait()
        assert not reported.keys() & new.keys()
        reported |= new
    Archive(path).append(decision(tmp_path))
    seen = verify_archive(path)
    assert seen.intact, seen.faults
    by_seq = {record["seq"]: digest for record, digest in whole_records(path)}
    assert reported.items() <= by_seq.items()
    assert reported
    assert seen.torn or not piece  # so slow, that most kills hit the middle of a line
