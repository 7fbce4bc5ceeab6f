"""The chain of an archive, walked from its first line to its last in constant memory."""

from __future__ import annotations

import functools
import hashlib
import os
from typing import Any

from msgspec import Struct

from attest.archive.contents import content_faults
from attest.archive.lines import Line, read_lines
from attest.archive.policies import is_kept, policy_fault
from attest.archive.record import (
    GENESIS,
    MAX_LINE,
    DecisionRecord,
    Record,
    TornRecord,
    digest_of,
    read_record,
)
from attest.archive.regular import open_regular
from attest.archive.tail import settled_size
from attest.errors import MalformedError

MOST_FAULTS = 100
"""Faults that are kept; the others are counted."""
_POLICIES = 1024


class Fault(Struct, frozen=True):
    """One thing that is wrong with an archive.

    Attributes:
        line: Number of the line, from 1; None where the whole archive is at fault.
        reason: What is wrong there; safe to print.
    """

    line: int | None
    reason: str

    def __str__(self) -> str:
        """Write place and reason."""
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


class Verification(Struct, frozen=True, kw_only=True):
    """What the chain of an archive says.

    Attributes:
        records: Records in the chain, those that name torn lines among them.
        torn: Torn places that are accounted for.
        head: Hash of the last record; ``GENESIS`` where there is none.
        after_head: Records after the given head, for which it does not vouch; None where none was
            given, or where it is not in the chain.
        faults: The first ``MOST_FAULTS`` of what is wrong.
        more_faults: How many there are beyond these.
        missing_policies: Digests of policies that are not beside the archive, up to
            ``MOST_FAULTS``: the chain is whole, but their results cannot be judged again from it.
    """

    records: int
    torn: int
    head: str
    after_head: int | None
    faults: tuple[Fault, ...]
    more_faults: int
    missing_policies: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """Return the verification as JSON has it."""
        return {
            "intact": self.intact,
            "records": self.records,
            "torn": self.torn,
            "head": self.head,
            "after_head": self.after_head,
            "faults": [{"line": fault.line, "reason": fault.reason} for fault in self.faults],
            "more_faults": self.more_faults,
            "missing_policies": list(self.missing_policies),
        }


def verify_archive(path: str | os.PathLike[str], head: str | None = None) -> Verification:
    """Verify an archive: every edit, deletion, insertion and reorder inside its chain.

    Whatever the archive holds, the answer is a verification. That records were cut from its end, or
    that the whole of it was written anew, only a head from elsewhere can tell.

    Args:
        path: The archive; its policies lie beside it.
        head: Hash that ``head()`` returned before and that was kept elsewhere. It must be in the
            chain; records after it are counted.

    Raises:
        OSError: The archive cannot be read.
    """
    walk = _Walk(os.fspath(path), head)
    with open_regular(path) as stream:
        for line in read_lines(stream, settled_size(stream)):
            walk.take(line)
    return walk.ended()


class _Region:
    """Lines that are no records, until the record that names them."""

    def __init__(self, line: Line, reason: str) -> None:
        """Begin with the first of them."""
        self.line = line.number
        self.reason = reason
        self.bounded = line.octets is not None
        self._hash = hashlib.sha256(line.octets or b"")

    def add(self, line: Line) -> None:
        """Add one more."""
        self.bounded = self.bounded and line.octets is not None
        self._hash.update(b"\n" + (line.octets or b""))

    @property
    def torn(self) -> str | None:
        """SHA-256 of them, or None where one is longer than any torn line."""
        return self._hash.hexdigest() if self.bounded else None


class _Walk:
    """Where a verification stands: the chain so far, and what was wrong with it."""

    def __init__(self, archive: str, head: str | None) -> None:
        self._head = head
        self._records = self._torn = self._more = 0
        self._faults: list[Fault] = []
        self._seq, self._digest, self._before = -1, GENESIS, GENESIS
        self._last: Record | None = None
        self._region: _Region | None = None
        self._found = 0 if head == GENESIS else None
        self._line = 0
        self._archive = archive
        self._missing: list[str] = []
        self._policy_fault = functools.lru_cache(_POLICIES)(self._look_up)

    def take(self, line: Line) -> None:
        """Take the next line."""
        try:
            record = self._read(line)
        except MalformedError as error:
            self._no_record(line, str(error))
            return
        if isinstance(record, TornRecord):
            self._account(line.number, record)
        self._close_region()
        self._link(line.number, record)
        self._records += 1
        self._before = self._digest
        self._seq, self._digest, self._last = record.seq, digest_of(line.octets or b""), record
        self._line = line.number
        if self._digest == self._head:
            self._found = self._records
        self._judge(line.number, record)

    def ended(self) -> Verification:
        """Say what was seen, after the last line."""
        self._close_region()
        if self._head is not None and self._found is None:
            lost = "records were cut off, or the whole was rewritten"
            self._fault(None, f"head {self._head} is not in the chain: {lost}")
        return Verification(
            records=self._records,
            torn=self._torn,
            head=self._digest,
            after_head=None if self._found is None else self._records - self._found,
            faults=tuple(self._faults),
            more_faults=self._more,
            missing_policies=tuple(self._missing),
        )

    def _read(self, line: Line) -> Record:
        if line.octets is None:
            raise MalformedError("record", f"is longer than {MAX_LINE} octets")
        if not line.ended:
            raise MalformedError("torn", "the line has no end; the next append adds its record")
        return read_record(line.octets)

    def _no_record(self, line: Line, reason: str) -> None:
        if self._region is None:
            self._region = _Region(line, reason)
        else:
            self._region.add(line)

    def _account(self, number: int, record: TornRecord) -> None:
        """Hold a record of a torn line against what stands right before it."""
        if self._region is not None:
            if record.torn == self._region.torn:
                self._region = None
                self._torn += 1
                return
        elif self._was_torn(record):
            # The line before is a whole record but for its end, when the appender found it.
            if self._found == self._records:
                self._found = None
            self._records -= 1
            self._torn += 1
            self._seq, self._digest, self._last = record.seq - 1, self._before, None
            return
        self._close_region()
        self._fault(number, f"names a torn line {record.torn} that is not right before it")

    def _was_torn(self, record: TornRecord) -> bool:
        return (
            isinstance(self._last, DecisionRecord)
            and (record.torn, record.previous) == (self._digest, self._before)
            and record.seq == self._seq
        )

    def _close_region(self) -> None:
        """Report lines that are no records and that no record names."""
        if self._region is not None:
            self._fault(self._region.line, self._region.reason)
            self._region = None

    def _link(self, number: int, record: Record) -> None:
        """Hold a record against the one before it, and go on from it either way."""
        if record.seq != self._seq + 1:
            self._fault(number, f"seq is {record.seq}, expected {self._seq + 1}")
        if record.previous != self._digest:
            before = f"line {self._line} hashes to" if self._line else "expected"
            self._fault(number, f"previous is {record.previous}, {before} {self._digest}")

    def _judge(self, number: int, record: Record) -> None:
        for reason in content_faults(record):
            self._fault(number, reason)
        if isinstance(record, DecisionRecord) and record.policy_sha256 is not None:
            fault = self._policy_fault(record.policy_sha256)
            if fault is not None:
                self._fault(number, fault)

    def _look_up(self, sha256: str) -> str | None:
        """Hold a kept policy against its digest; one that is not there breaks no chain."""
        if is_kept(self._archive, sha256):
            return policy_fault(self._archive, sha256)
        if len(self._missing) < MOST_FAULTS and sha256 not in self._missing:
            self._missing.append(sha256)
        return None

    def _fault(self, line: int | None, reason: str) -> None:
        if len(self._faults) < MOST_FAULTS:
            self._faults.append(Fault(line, reason))
        else:
            self._more += 1
