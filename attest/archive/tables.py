"""Saved responses in Parquet tables: a column ``response`` or ``attestation`` and more; shards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import BufferedReader
from pathlib import Path
from typing import Any

from msgspec import Struct

from attest.archive.durable import write_whole
from attest.archive.streams import DamagedError, damage_named

_ROWS = 1024
_OCTETS = ("response", "attestation")
_KNOWN = {
    "response": ("requested_tier",),
    "attestation": ("payload_id", "security_tier", "requested_tier", "processed_at"),
}
"""Columns that are read beside the octets, where a table has them."""
_NUMBERS = ("processed_at",)
_PATH, _ENTRY = "path", "entry"
"""The column of a shard that names a packed file, and what rows call it."""
_PACK = b"tpm-attest.pack"
"""What the metadata of a shard has, and no other table; its value is the version of the shard."""
_VERSION = b"1"
_GROUP = 8192

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
        schema = pq.read_schema(stream)
        names = schema.names
        stream.seek(0)
    column = next((name for name in _OCTETS if name in names), None)
    if column is None:
        raise DamagedError("has neither a response nor an attestation column")
    beside = [name for name in _KNOWN[column] if name in names]
    if _PACK in (schema.metadata or {}):
        beside.append(_PATH)
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
                _ENTRY if name == _PATH else name: batch.column(name)
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


class PackedFile(Struct, frozen=True, gc=False):
    """One file of a shard.

    Attributes:
        path: Its name, as results have it when it is not packed.
        octets: It, as it is.
        sha256: SHA-256 of it, in hex.
    """

    path: str
    octets: bytes
    sha256: str


def write_shard(path: Path, files: Sequence[PackedFile]) -> None:
    """Write files as a table with the columns ``response``, ``path`` and ``sha256``.

    Raises:
        OSError: It cannot be written.
    """
    import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pa.table(
        {
            "response": pa.array([file.octets for file in files], pa.binary()),
            _PATH: pa.array([file.path for file in files], pa.string()),
            "sha256": pa.array([file.sha256 for file in files], pa.string()),
        }
    ).replace_schema_metadata({_PACK: _VERSION})
    options = {"compression": "zstd", "use_dictionary": False, "row_group_size": _GROUP}
    write_whole(path, lambda file: pq.write_table(table, file, **options))


def read_shard(path: Path) -> list[tuple[str, str]]:
    """Read path and SHA-256 of the files of a shard.

    Raises:
        OSError, ValueError, LookupError: It is no shard, or cannot be read.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra, and slow to import

    table = pq.read_table(path, columns=[_PATH, "sha256"])
    if (table.schema.metadata or {}).get(_PACK) != _VERSION:
        raise ValueError("was not packed by this version")
    return list(zip(table[_PATH].to_pylist(), table["sha256"].to_pylist(), strict=True))
