"""A client that is killed in the middle of appends: no answer was released without its record."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import pytest

from attest.archive import Archive, Verification, verify_archive
from tests.archive.making import POSIX, decision
from tests.client.crowd import crowded
from tests.client.preparing import prepared
from tests.client.releasing import ENDED, release

pytestmark = POSIX

ROUNDS: Final = 50
PIECE: Final = 16
"""Octets at once, in every other round: a record takes many writes, and kills come between."""


@dataclass(frozen=True)
class Round:
    """What a kill left.

    Attributes:
        released: Payload ids of the answers that the client said were released.
        recorded: Payload ids that the archive says were, right after the kill.
        seen: What verifying the archive said after one more append.
    """

    released: list[str]
    recorded: set[str]
    seen: Verification


@contextmanager
def clients(url: str, told: dict[str, Any]) -> Iterator[Connection]:
    """Clients of a server, each started by a message."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=release, args=(theirs, url, told))
    process.start()
    theirs.close()
    yield ours
    ours.send(None)
    process.join()
    assert process.exitcode == 0
    ours.close()
    process.close()


def one_round(client: Connection, path: Path, number: int) -> Round:
    """Kill a client at a moment that differs from round to round, and append once more."""
    client.send(PIECE if number % 2 else 0)
    pid = client.recv()
    released = [client.recv() for _ in range(number % 4)]
    wait_for_growth(path, 1 + (number * 389) % 4096, pid)
    os.kill(pid, signal.SIGKILL)
    released += iter(client.recv, ENDED)
    recorded = released_in(path)
    Archive(path).append(decision(path.parent))
    return Round(released, recorded, verify_archive(path))


def wait_for_growth(path: Path, octets: int, pid: int) -> None:
    """Wait until a file has grown by so many octets, while a process lives that writes it."""
    wanted = path.stat().st_size + octets
    while path.stat().st_size < wanted:
        os.kill(pid, 0)


def released_in(path: Path) -> set[str]:
    """Payload ids of the answers that an archive says were released; a torn line says nothing."""
    ids = set()
    for line in path.read_bytes().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record.get("released"):
            ids.add(record["payload_id"])
    return ids


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> list[Round]:
    """Fifty kills over one archive, each looked at before the next."""
    told = prepared(tmp_path_factory.mktemp("killed"))
    with crowded() as server, clients(server.url, told) as client:
        return [one_round(client, told["archive"], number) for number in range(ROUNDS)]


def test_no_answer_was_released_without_its_record(rounds: list[Round]) -> None:
    assert sum(len(one.released) for one in rounds) > ROUNDS
    lost = [set(one.released) - one.recorded for one in rounds]
    assert lost == [set()] * ROUNDS


def test_no_answer_was_released_twice(rounds: list[Round]) -> None:
    released = [payload_id for one in rounds for payload_id in one.released]
    assert len(set(released)) == len(released)


def test_archive_is_whole_after_the_append_that_follows_each_kill(rounds: list[Round]) -> None:
    assert [one.seen.faults for one in rounds] == [()] * ROUNDS


def test_kills_tore_lines_which_the_next_append_named(rounds: list[Round]) -> None:
    torn = [one.seen.torn for one in rounds]
    assert torn == sorted(torn)
    assert torn[-1] > 0
