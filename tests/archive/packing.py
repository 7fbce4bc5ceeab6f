"""Files of responses as an auditor may find them: compressed, packed, in tables."""

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from attest.archive.saved import Rows, read_rows


class Row(NamedTuple):
    """One row, taken out of its ``Rows``."""

    kind: str
    octets: bytes | None
    entry: str | None
    fault: str | None


def rows_of(name: str, octets: bytes) -> list[Row]:
    """Read a file, and take its rows apart."""
    return [row for rows in read_rows(name, io.BytesIO(octets)) for row in apart(rows)]


def apart(rows: Rows) -> list[Row]:
    return [Row(rows.kind, octets, rows.entry, rows.fault) for octets in rows.octets]


def lines(count: int, start: int = 0) -> bytes:
    return b"".join(b"%s\n" % one for one in documents(count, start))


def documents(count: int, start: int = 0) -> list[bytes]:
    return [json.dumps({"number": number}).encode() for number in range(start, start + count)]


def zstd(octets: bytes) -> bytes:
    """Compress as one frame of unknown size, as a stream is."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(octets)
    return bytes(sink.getvalue())


def gz(octets: bytes) -> bytes:
    return gzip.compress(octets, mtime=0)


def zipped(members: Mapping[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in members.items():
            archive.writestr(name, octets)
    return sink.getvalue()


def tarred(members: Mapping[str, bytes], extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, octets in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(octets)
            archive.addfile(info, io.BytesIO(octets))
        for info in extra:
            archive.addfile(info)
    return sink.getvalue()


def table(**columns: Any) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), sink)
    return bytes(sink.getvalue())
