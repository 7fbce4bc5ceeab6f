"""Saved responses in a Parquet table: a column ``response``, or ``attestation`` and more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader
from typing import Any

from attest.archive.streams import DamagedError, damage_named

_ROWS = 1024
_OCTETS = ("response", "attestation")
_KNOWN = {
    "response": ("requested_tier",),
    "attestation": ("payload_id", "security_tier", "requested_tier", "processed_at"),
}
"""Columns that are read beside the octets, where a table has them."""
_NUMBERS = ("processed_at",)

Batch = tuple[str, Sequence[bytes | None], Mapping[str, Sequence[Any]]]
"""Which column the octets come from, they, and the other columns."""


def read_table(stream: BufferedReader[Any]) -> Iterator[Batch]:
    """Read the rows of a Parquet file, some at a time.

    A value that stands many times in a file is held once: a small table cannot become a large one.

    Raises:
        DamagedError: It is no Parquet file, has neither column, or one of another type.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415

    with damage_named():
        names = pq.read_schema(stream).names
        stream.seek(0)
    column = next((name for name in _OCTETS if name in names), None)
    if column is None:
        raise DamagedError("has neither a response nor an attestation column")
    beside = [name for name in _KNOWN[column] if name in names]
    with damage_named():
        table = pq.ParquetFile(stream, read_dictionary=[column], pre_buffer=False)
        batches = table.iter_batches(_ROWS, columns=[column, *beside], use_threads=False)
    while True:
        with damage_named():
            batch = next(batches, None)
            if batch is None:
                return
            octets = _octets(batch.column(0), pa)
            others = {
                name: batch.column(name)
                .cast(pa.int64() if name in _NUMBERS else pa.string())
                .to_pylist()
                for name in beside
            }
        yield column, octets, others


def _octets(column: Any, pa: Any) -> list[bytes | None]:
    """Return a column of text or octets as octets; equal values are one object."""
    if not pa.types.is_dictionary(column.type):
        return _plain(column, pa)
    values = _plain(column.dictionary, pa)
    return [None if index is None else values[index] for index in column.indices.to_pylist()]


def _plain(column: Any, pa: Any) -> list[bytes | None]:
    octets: list[bytes | None] = column.cast(pa.binary()).to_pylist()
    return octets
