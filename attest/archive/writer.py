"""The appender of an archive: one durable line a decision, in one chain among all processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from attest.archive.decision import Decision, recorded
from attest.archive.durable import sync, sync_folder, write_all
from attest.archive.lock import locked
from attest.archive.policies import keep
from attest.archive.record import MAX_LINE, SCHEMA, Record, TornRecord, canonical, digest_of
from attest.archive.regular import regular
from attest.archive.tail import Tail, read_tail
from attest.errors import EvidenceWriteError, MalformedError
from attest.policy.model import Policy, PolicySet, policies_of
from attest.result import timestamp
from attest.verify import check_moment

_FLAGS = (
    os.O_RDWR
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


class Receipt(Struct, frozen=True):
    """Proof for the caller that a record was appended.

    Attributes:
        seq: Number of the record.
        sha256: Its hash: the head of the archive at that moment.
    """

    seq: int
    sha256: str


class _Seen(Struct, frozen=True):
    """The archive as this object left it: which file, how long, and where it ends."""

    file: tuple[int, int]
    size: int
    tail: Tail


class Archive:
    """An evidence archive that is appended to.

    Several objects, threads and processes of one machine may append to one file. The file is opened
    anew for each record, and is created with mode 0600.
    """

    def __init__(self, path: str | os.PathLike[str], *, durable: bool = True) -> None:
        """Open an archive, or create it; its folder must be there.

        Args:
            path: The archive; policies go to ``<path>.policies/``.
            durable: Whether to wait for the disk. False is for tests and benchmarks: a record may
                then be lost by a power cut after its content was released.

        Raises:
            EvidenceWriteError: It cannot be written, or is no archive.
        """
        self._path = os.fspath(path)
        self._durable = durable
        self._seen: _Seen | None = None
        self._kept: frozenset[str] = frozenset()
        with self._opened() as fd, locked(fd):
            self._remember(fd, self._tail(fd))

    @property
    def path(self) -> str:
        """The archive's file, as it was named."""
        return self._path

    def append(self, decision: Decision, *, at: datetime | None = None) -> Receipt:
        """Append the record of a decision, and return when it is durable.

        Args:
            decision: What was decided. Release nothing before this returns.
            at: Moment of the record, with time zone; now by default.

        Raises:
            EvidenceWriteError: The record is not durable, for whatever reason.
            ValueError: ``at`` has no time zone.
        """
        if at is None:
            at = datetime.now(UTC)
        else:
            check_moment(at)
        with self._opened() as fd:
            with locked(fd):
                tail = self._settled(fd, at)
                if decision.result.policy is not None:
                    self._keep(decision.result.policy)
                added = self._add(fd, recorded(decision, tail.seq + 1, tail.digest, at))
            # The disk is waited for without the lock, so that several appenders wait at once.
            sync(fd, durable=self._durable)
        return Receipt(added.seq, added.digest)

    def keep_policy(self, policy: Policy | PolicySet) -> None:
        """Keep a policy's file, or each of a set, beside the archive before it is first needed.

        Raises:
            EvidenceWriteError: It cannot be kept, or its file is no longer what was loaded.
        """
        with self._opened() as fd, locked(fd):
            for one in policies_of(policy):
                self._keep(one)

    @contextmanager
    def _opened(self) -> Iterator[int]:
        """Open the archive; whatever goes wrong with it is one kind of error."""
        if "\0" in self._path:
            raise EvidenceWriteError(self._path, "a path has no NUL")
        try:
            fd = os.open(self._path, _FLAGS, 0o600)
            try:
                yield fd
            finally:
                os.close(fd)
        except OSError as error:
            raise EvidenceWriteError(self._path, error.strerror or str(error)) from error
        except MalformedError as error:
            raise EvidenceWriteError(self._path, str(error)) from error

    def _keep(self, policy: Policy) -> None:
        if policy.sha256 not in self._kept:
            keep(self._path, policy, durable=self._durable)
            self._kept |= {policy.sha256}

    def _tail(self, fd: int) -> Tail:
        """Find where the archive ends, and that it still holds what this object wrote."""
        status = os.fstat(fd)
        if not regular(status):
            raise MalformedError("archive", "is not a regular file")
        if status.st_nlink == 0:
            raise MalformedError("archive", "was removed while it was opened")
        file, seen = (status.st_dev, status.st_ino), self._seen
        if seen is not None:
            if file != seen.file or status.st_size < seen.size:
                raise MalformedError("archive", "was replaced or cut since the last record")
            if status.st_size == seen.size:
                return seen.tail
        if status.st_size == 0:
            sync_folder(Path(self._path), durable=self._durable)
        with open(fd, "rb", closefd=False) as stream:
            return read_tail(stream, status.st_size)

    def _settled(self, fd: int, at: datetime) -> Tail:
        """Find where the archive ends, after a record of what a crash left there."""
        tail = self._tail(fd)
        opening = b"" if tail.ended else b"\n"
        if tail.torn is None:
            write_all(fd, opening)
            return tail
        record = TornRecord(
            schema=SCHEMA,
            seq=tail.seq + 1,
            recorded_at=timestamp(at),
            torn=tail.torn,
            previous=tail.digest,
        )
        return self._add(fd, record, opening)

    def _add(self, fd: int, record: Record, opening: bytes = b"") -> Tail:
        """Write a record as the last line, and remember it as the archive's end."""
        try:
            line = canonical(record)
        except ValueError as error:
            raise MalformedError("record", "has text that UTF-8 cannot write") from error
        if len(line) > MAX_LINE:
            raise MalformedError("record", f"has {len(line)} octets, which exceed {MAX_LINE}")
        write_all(fd, opening + line + b"\n")
        return self._remember(fd, Tail(record.seq, digest_of(line)))

    def _remember(self, fd: int, tail: Tail) -> Tail:
        """Remember how the archive is left; what is cut or replaced after this is noticed."""
        status = os.fstat(fd)
        self._seen = _Seen((status.st_dev, status.st_ino), status.st_size, tail)
        return tail
