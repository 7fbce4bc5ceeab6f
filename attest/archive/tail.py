"""The end of an archive: its last record, and what a crash left after it."""

from __future__ import annotations

import os
from typing import BinaryIO

from msgspec import Struct

from attest.archive.lock import locked
from attest.archive.record import (
    GENESIS,
    MAX_LINE,
    OPENINGS,
    Record,
    TornRecord,
    digest_of,
    read_record,
)
from attest.archive.regular import open_regular
from attest.errors import MalformedError

_FIRST = 64 * 1024
_GROWTH = 4
MAX_TAIL = 2 * MAX_LINE
"""Octets from the end in which the last record must lie: its line, and a torn one after it."""


class Tail(Struct, frozen=True):
    """Where an archive ends.

    Attributes:
        seq: Number of the last record; -1 where there is none.
        digest: Its hash; ``GENESIS`` where there is none.
        torn: SHA-256 of what follows it and is no record; None where nothing does.
        ended: Whether the last octet ends a line; true of no octets.
    """

    seq: int = -1
    digest: str = GENESIS
    torn: str | None = None
    ended: bool = True


def head(path: str | os.PathLike[str]) -> str:
    """Return the hash of the last record of an archive, to be kept elsewhere.

    The chain before it is not looked at: ``verify_archive`` does that. What a crash left after the
    last record is no record.

    Returns:
        SHA-256 in lower-case hex; 64 zeros for an archive without records.

    Raises:
        OSError: The archive cannot be read.
        MalformedError: It does not end as an archive does.
    """
    with open_regular(path) as stream:
        return read_tail(stream, settled_size(stream)).digest


def settled_size(stream: BinaryIO) -> int:
    """Return the size of an archive at a moment at which nobody is in the middle of an append."""
    fd = stream.fileno()
    try:
        with locked(fd):
            return os.fstat(fd).st_size
    except OSError:  # a file system without locks, or one that may only be read
        return os.fstat(fd).st_size


def read_tail(stream: BinaryIO, size: int) -> Tail:
    """Find the last record among the first ``size`` octets, reading from their end.

    Raises:
        OSError: They cannot be read.
        MalformedError: What lies there was not written by an appender.
    """
    span = _FIRST
    while True:
        start = max(0, size - span)
        stream.seek(start)
        tail = _in_block(stream.read(size - start), whole=start == 0)
        if tail is not None:
            return tail
        if span > MAX_TAIL:
            raise MalformedError("archive", f"no record in its last {MAX_TAIL} octets")
        span *= _GROWTH


def _in_block(block: bytes, *, whole: bool) -> Tail | None:
    """Find the last record in the end of an archive; None where that lies further back."""
    stop = block.rfind(b"\n")
    while stop >= 0:
        begin = block.rfind(b"\n", 0, stop) + 1
        if begin == 0 and not whole:
            return None
        line = block[begin:stop]
        record = _record(line)
        if record is not None:
            return _after(Tail(record.seq, digest_of(line)), block[stop + 1 :])
        _refuse_foreign(line)
        stop = begin - 1
    return _after(Tail(), block) if whole else None


def _after(last: Tail, rest: bytes) -> Tail:
    """Judge what follows the last record: nothing, or what crashes left there."""
    if not rest:
        return last
    for line in rest.split(b"\n"):
        _refuse_foreign(line)
    if rest.endswith(b"\n"):
        return Tail(last.seq, last.digest, digest_of(rest[:-1]))
    region, separator, line = rest.rpartition(b"\n")
    record = _record(line)
    if (
        separator
        and isinstance(record, TornRecord)
        and (record.torn, record.previous) == (digest_of(region), last.digest)
    ):
        # Whole but for the end of its line, which a crash kept back: it is in force.
        return Tail(record.seq, digest_of(line), ended=False)
    return Tail(last.seq, last.digest, digest_of(rest), ended=False)


def _record(line: bytes) -> Record | None:
    try:
        return read_record(line)
    except MalformedError:
        return None


def _refuse_foreign(line: bytes) -> None:
    """Refuse a line that is not the beginning of a record; a power cut may leave zeros instead."""
    if not line.strip(b"\0"):
        return
    if not any(line[: len(start)] == start[: len(line)] for start in OPENINGS):
        raise MalformedError("archive", "its last line is not the beginning of a record")
