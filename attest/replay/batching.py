"""Rows of all inputs gathered into Arrow batches: the same inputs always give the same batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice
from typing import Any, Final

import pyarrow as pa

from attest.archive.saved import Rows
from attest.archive.stores import readable
from attest.replay.schema import ROWS

BATCH_ROWS: Final = 8192
"""Rows of a batch, and so of a part, at most."""
BATCH_OCTETS: Final = 32 * 1024 * 1024
"""Octets of a batch at most, unless one row has more."""

_BESIDE = ("payload_id", "security_tier", "requested_tier", "processed_at", "gap", "entry")


def batches_of(inputs: Iterable[tuple[str, Iterable[Rows]]]) -> Iterator[pa.RecordBatch]:
    """Number the rows of each input from 0, and gather them.

    Args:
        inputs: Names of the inputs, each with its rows; both in order.
    """
    pending = _Pending()
    for source, found in inputs:
        number = 0
        for rows in found:
            start = 0
            while start < len(rows.octets):
                taken = pending.take(source, number, rows, start)
                number += taken
                start += taken
                if pending.full:
                    yield pending.batch()
    if pending.rows:
        yield pending.batch()


def _size(octets: bytes | None) -> int:
    return 0 if octets is None else len(octets)


class _Pending:
    """The rows that are no batch yet, column by column."""

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}
        self._clear()

    def _clear(self) -> None:
        self._columns = {name: [] for name in ROWS.names}
        self.rows = 0
        self._octets = 0
        self.full = False

    def take(self, source: str, number: int, rows: Rows, start: int) -> int:
        """Take as many rows as fit, at least one; return how many."""
        octets = rows.octets[start : start + BATCH_ROWS - self.rows]
        size = sum(map(_size, octets))
        if self._octets + size > BATCH_OCTETS:
            octets = octets[: self._fitting(octets)]
            size = sum(map(_size, octets))
        count = len(octets)
        self._octets += size
        self._add("source", [source] * count)
        self._add("row", range(number, number + count))
        self._add("kind", [rows.kind] * count)
        self._add("octets", octets)
        if rows.entry is not None:
            self._add("entry", [readable(rows.entry)] * count)
        if rows.fault is not None:
            self._add("fault", [rows.fault] * count)
        for name in _BESIDE:
            if name in rows.columns:
                self._add(name, rows.columns[name][start : start + count])
        self.rows += count
        self.full = self.rows >= BATCH_ROWS or self._octets >= BATCH_OCTETS
        return count

    def _fitting(self, octets: Sequence[bytes | None]) -> int:
        """Count the first rows up to the one that fills the batch."""
        totals = accumulate(map(_size, octets), initial=self._octets)
        return 1 + sum(total < BATCH_OCTETS for total in islice(totals, 1, len(octets)))

    def _add(self, name: str, values: Iterable[Any]) -> None:
        """Add values of the rows that are being taken; rows before may have had none."""
        column = self._columns[name]
        column.extend([None] * (self.rows - len(column)))
        column.extend(values)

    def batch(self) -> pa.RecordBatch:
        """Return the rows as a batch, and begin anew."""
        arrays = []
        for field in ROWS:
            column = self._columns[field.name]
            if not column:
                arrays.append(pa.nulls(self.rows, field.type))
                continue
            column.extend([None] * (self.rows - len(column)))
            arrays.append(pa.array(column, field.type))
        self._clear()
        return pa.RecordBatch.from_arrays(arrays, schema=ROWS)
