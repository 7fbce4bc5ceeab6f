"""Saved responses as rows: any file of an archive in, its rows out, in order and a few at a time.

A file that is damaged gives the rows before the damage, and then one that says what is wrong.
"""

from __future__ import annotations

import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BufferedReader
from typing import Any, BinaryIO

from msgspec import Struct

from attest.archive.chain import Chain, is_record, is_torn_record
from attest.archive.forward import Forward
from attest.archive.streams import (
    PIECE,
    DamagedError,
    Expansion,
    RawStream,
    Unpacked,
    damage_named,
    expanded,
    inner_name,
    lines_of,
)
from attest.archive.tables import read_table
from attest.document import MAX_RESPONSE

RESPONSE, ATTESTATION, RECORD, FAULT = "response", "attestation", "record", "fault"
"""What the octets of a row are: a response, a ``tpm_attestation`` member, a gate's record, none."""

_LINES = (".jsonl", ".ndjson")
_PACKED = (".zip", ".tar", ".parquet")
_PEEK = 64


class Rows(Struct, frozen=True):
    """Rows of one kind that follow each other in one file.

    Attributes:
        kind: What the octets are.
        octets: The octets of each row; None where the row is a fault.
        entry: The file inside an archive, or None.
        columns: What is known beside the octets, a value a row, by name.
        fault: Why the rows could not be read, or None.
    """

    kind: str
    octets: Sequence[bytes | None]
    entry: str | None = None
    columns: Mapping[str, Sequence[Any]] = {}
    fault: str | None = None


def fault_row(fault: str, entry: str | None = None) -> Rows:
    """Return the row that stands for what could not be read."""
    return Rows(FAULT, (None,), entry, fault=fault)


def is_one_response(name: str, beginning: bytes) -> bool:
    """Tell whether a file's octets are one response as they are: no lines, archive or records.

    Args:
        name: Name of the file, which says of which format it is.
        beginning: Its first octets.
    """
    lower = name.lower()
    several = lower.endswith((*_LINES, *_PACKED)) or inner_name(lower) != lower
    return not several and not is_record(beginning)


def _silent(_: int) -> None:
    """Show no progress."""


def read_rows(
    name: str, stream: BinaryIO, progress: Callable[[int], None] = _silent
) -> Iterator[Rows]:
    """Read the rows of a file; its name says of which format it is.

    ``.jsonl`` and ``.ndjson`` have a response, or a gate's record, a line; ``.parquet`` a row a
    response; ``.zip`` and ``.tar`` hold such files; any other file is one document. ``.gz``,
    ``.zst`` and ``.tgz`` are decompressed.

    Args:
        name: Name of the file.
        stream: Its octets; the stream can be moved.
        progress: Called with the number of octets read since the last call.

    Raises:
        UnreadableError: The system would not let us read on.
    """
    raw = RawStream(stream, progress)
    try:
        yield from _read(name.lower(), raw)
    except DamagedError as error:
        yield fault_row(str(error))


def _read(name: str, raw: RawStream) -> Iterator[Rows]:
    expansion = Expansion(raw)
    buffered = BufferedReader(raw, PIECE)
    if name.endswith(".parquet"):
        for kind, octets, columns in read_table(buffered):
            yield from _table_rows(kind, octets, columns)
    elif name.endswith(".zip"):
        yield from _zip_rows(buffered, expansion)
    elif inner_name(name).endswith(".tar"):
        yield from _tar_rows(expanded(name, buffered, expansion), expansion)
    else:
        stream = expanded(name, buffered, expansion)
        yield from _document_rows(inner_name(name), stream, None)


def _entry_rows(entry: str, stream: BufferedReader[Any], expansion: Expansion) -> Iterator[Rows]:
    """Read the rows of a file inside an archive; its damage is its own."""
    name = entry.lower()
    try:
        if inner_name(name).endswith(_PACKED):
            raise DamagedError("is an archive inside an archive: not read")
        opened = expanded(name, stream, expansion)
        yield from _document_rows(inner_name(name), opened, entry)
    except DamagedError as error:
        yield fault_row(str(error), entry)


def _document_rows(name: str, stream: BufferedReader[Any], entry: str | None) -> Iterator[Rows]:
    """Read one document, or a document a line."""
    with damage_named():
        beginning = stream.peek(_PEEK)
    if is_record(beginning):
        yield from _record_rows(stream, entry)
    elif name.endswith(_LINES):
        for lines in lines_of(stream):
            yield from _line_rows(lines, entry)
    else:
        with damage_named():
            octets = stream.read(MAX_RESPONSE + 1)
        yield from _line_rows([octets if len(octets) <= MAX_RESPONSE else None], entry)


def _line_rows(lines: list[bytes | None], entry: str | None) -> Iterator[Rows]:
    """Return lines as responses; one that is too long stands first, and alone."""
    if None in lines[:1]:
        yield fault_row(f"response: exceeds {MAX_RESPONSE} octets", entry)
        lines = lines[1:]
    if lines:
        yield Rows(RESPONSE, lines, entry)


def _table_rows(
    kind: str, octets: Sequence[bytes | None], columns: Mapping[str, Sequence[Any]]
) -> Iterator[Rows]:
    """Return rows of a table; those without octets, or with too many, are faults."""
    if all(one is not None and len(one) <= MAX_RESPONSE for one in octets):
        yield Rows(kind, octets, columns=columns)
        return
    entries = columns.get("entry") or [None] * len(octets)
    for place, one in enumerate(octets):
        if one is None:
            yield fault_row(f"{kind}: is null", entries[place])
        elif len(one) > MAX_RESPONSE:
            yield fault_row(f"{kind}: exceeds {MAX_RESPONSE} octets", entries[place])
        else:
            beside = {name: values[place : place + 1] for name, values in columns.items()}
            yield Rows(kind, (one,), columns=beside)


def _record_rows(stream: BufferedReader[Any], entry: str | None) -> Iterator[Rows]:
    """Read a gate's archive; records of torn lines are about no response, and no rows."""
    chain = Chain()
    for lines in lines_of(stream):
        if None in lines[:1]:
            yield fault_row(f"record: exceeds {MAX_RESPONSE} octets", entry)
        records = [line for line in lines if line is not None]
        gaps = [chain.breaks_at(line) for line in records]
        told = [
            (line, gap) for line, gap in zip(records, gaps, strict=True) if not is_torn_record(line)
        ]
        if told:
            octets, known = zip(*told, strict=True)
            yield Rows(RECORD, octets, entry, {"gap": known})


def _zip_rows(stream: BufferedReader[Any], expansion: Expansion) -> Iterator[Rows]:
    with damage_named():
        archive: Any = zipfile.ZipFile(stream)  # what it opens has read1, unlike its type
        entries = archive.infolist()
    for info in entries:
        entry = info.filename
        if info.is_dir():
            continue
        if stat.S_ISLNK(info.external_attr >> 16):
            yield fault_row("is a link: not read", entry)
            continue
        try:
            with damage_named():
                member = archive.open(info)
        except DamagedError as error:
            yield fault_row(str(error), entry)
            continue
        unpacked = BufferedReader(Unpacked(member.read1, expansion), PIECE)
        yield from _entry_rows(entry, unpacked, expansion)


def _tar_rows(stream: BufferedReader[Any], expansion: Expansion) -> Iterator[Rows]:
    forward = Forward(stream)
    with forward.header(), damage_named():
        archive: Any = tarfile.TarFile(fileobj=forward)  # its list of members has no type
    while True:
        with forward.header(), damage_named():
            info = archive.next()
        if info is None:
            break
        archive.members = []  # else it remembers each of millions
        if info.isdir():
            continue
        if not info.isreg() or info.issparse():
            yield fault_row("is no regular file: not read", info.name)
            continue
        yield from _entry_rows(info.name, archive.extractfile(info), expansion)
    if not forward.ended_well:
        raise DamagedError("is damaged: ends before its end")
    while piece := stream.read1(PIECE):
        if piece.strip(b"\0"):
            raise DamagedError("has more octets after its end: not read")
