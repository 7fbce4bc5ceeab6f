"""The chain of a gate's archive, followed line by line: before which records is one missing?"""

from __future__ import annotations

import re

from attest.archive.record import GENESIS, OPENINGS, TornRecord, digest_of, read_record
from attest.errors import MalformedError

_PREVIOUS = re.compile(rb'"previous":"([0-9a-f]{64})"')
"""RFC 8785 sorts the members, and what stands before this one escapes its quotation marks."""
_TORN = re.compile(
    rb'\{"previous":"[0-9a-f]{64}","recorded_at":"[^"]*","schema":1,"seq":\d+,"torn":'
)


def is_record(line: bytes) -> bool:
    """Tell whether a line begins as a record of a gate's archive does."""
    return line.startswith(OPENINGS)


def is_torn_record(line: bytes) -> bool:
    """Tell whether a line is a whole record of a torn line: it is about no response."""
    if _TORN.match(line) is None:
        return False
    try:
        return isinstance(read_record(line), TornRecord)
    except MalformedError:
        return False


class Chain:
    """Where a walk along an archive stands."""

    def __init__(self) -> None:
        """Stand before the first record."""
        self._last = self._before = GENESIS

    def breaks_at(self, line: bytes) -> bool | None:
        """Take the next line: does it name another record than the one before it?

        None for a line that is no record. ``attest archive verify`` says more of each break.
        """
        found = _PREVIOUS.search(line) if is_record(line) else None
        if found is None:
            return None
        previous = found[1].decode()
        # A whole record without its line's end was torn too: the next record leaps over it.
        broken = previous != self._last and not (previous == self._before and is_torn_record(line))
        self._before, self._last = self._last, digest_of(line)
        return broken
