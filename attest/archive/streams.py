"""Streams of an archive's files, each step bounded: raw, decompressed, and read line by line.

Whatever a file holds, no more is held of it than one row and a piece, and what cannot be read is a
``DamagedError`` with the reason. That a file can no longer be reached is an ``UnreadableError``.
"""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Any, BinaryIO

from attest.document import MAX_RESPONSE
from attest.errors import AttestError
from attest.text import shown

PIECE = 1024 * 1024
"""Octets that are read at once."""
_STEP = 64 * 1024
MAX_EXPANSION = 100
"""How many times its size a compressed file may have; responses compress to a third or a tenth."""
FREE_EXPANSION = 256 * 1024 * 1024
"""Octets that any compressed file may have."""
MAX_TABLE = 64 * 1024 * 1024
"""Octets that an archive may have read in one go: the directory of a zip file."""

CANNOT_READ = "cannot be read"
"""How each reason begins that is the system's, and not the file's."""

DAMAGE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    RuntimeError,
    ArithmeticError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)
"""What the readers of archives raise for damaged ones."""


class DamagedError(AttestError):
    """A file, or what is left of it, that no reader of its format can read."""


class UnreadableError(AttestError):
    """A file that the system would not let us read."""


def cannot_read(error: OSError) -> str:
    """Say that the system would not let us read, and why."""
    return f"{CANNOT_READ}: {error.strerror or error}"


class RawStream(io.RawIOBase):
    """A file's octets. Its own faults are told apart from those of its content."""

    def __init__(self, stream: BinaryIO, progress: Callable[[int], None]) -> None:
        """Read from a stream, which is closed with this one; tell of each octet that is read."""
        self._stream: Any = stream  # has readinto, unlike its type
        self._progress = progress
        self.taken = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io says Buffer
        """Read, and count what was read."""
        if len(buffer) > MAX_TABLE:
            raise DamagedError(f"has a table of {len(buffer)} octets, which exceed {MAX_TABLE}")
        with _reachable():
            taken: int = self._stream.readinto(buffer)
        self.taken += taken
        self._progress(taken)
        return taken

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move in the file."""
        with _reachable():
            position: int = self._stream.seek(offset, whence)
        return position

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        super().close()


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnreadableError(cannot_read(error)) from error


@contextmanager
def damage_named() -> Iterator[None]:
    """Turn what a reader of a format raises into a ``DamagedError``."""
    try:
        yield
    except DAMAGE as error:
        raise DamagedError(f"is damaged: {shown(str(error)) or type(error).__name__}") from error


class Expansion:
    """How much of a file's content was read, held against how much of the file was."""

    def __init__(self, raw: RawStream) -> None:
        """Begin with nothing."""
        self._raw = raw
        self._given = 0

    def count(self, octets: int) -> None:
        """Count octets of content; too many for the file are a fault."""
        self._given += octets
        if self._given > max(FREE_EXPANSION, MAX_EXPANSION * self._raw.taken):
            raise DamagedError(f"expands to more than {MAX_EXPANSION} times its size: not read on")


class Unpacked(io.RawIOBase):
    """What a decompressor gives, piece by piece, so that all before a damage is seen."""

    def __init__(self, read: Callable[[int], bytes], expansion: Expansion) -> None:
        """Read by a function that returns at most so many octets, and none only at the end."""
        self._read = read
        self._expansion = expansion

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io says Buffer
        """Read, and count what was read."""
        with damage_named():
            data = self._read(min(len(buffer), _STEP))
        self._expansion.count(len(data))
        buffer[: len(data)] = data
        return len(data)


def expanded(name: str, stream: BufferedReader[Any], expansion: Expansion) -> BufferedReader[Any]:
    """Decompress a stream, if its name says that it is compressed."""
    if name.endswith(".zst"):
        import pyarrow as pa  # noqa: PLC0415 - an extra, and slow to import

        read = pa.CompressedInputStream(pa.PythonFile(stream, "r"), "zstd").read
    elif name.endswith((".gz", ".tgz")):
        read = gzip.GzipFile(fileobj=stream, mode="rb").read1
    else:
        return stream
    return BufferedReader(Unpacked(read, expansion), PIECE)


def inner_name(name: str) -> str:
    """Return the name of what a compressed file holds; any other name as it is."""
    if name.endswith(".tgz"):
        return f"{name.removesuffix('.tgz')}.tar"
    return name.removesuffix(".gz").removesuffix(".zst")


def lines_of(stream: BufferedReader[Any]) -> Iterator[list[bytes | None]]:
    """Yield the lines of a stream, many at once, without those of white space alone.

    None stands for a line that is longer than any response, always the first of its list; nothing
    of it is held.

    Raises:
        DamagedError: The stream cannot be read on; all whole lines before were yielded.
    """
    held: list[bytes] = []
    size = 0
    while True:
        with damage_named():
            piece = stream.read1(PIECE)
        if not piece:
            break
        first, *others = piece.split(b"\n")
        size += len(first)
        if size <= MAX_RESPONSE:
            held.append(first)
        else:
            held.clear()
        if not others:
            continue
        lines = [_line(held, size), *others[:-1]]
        held, size = [others[-1]], len(others[-1])
        yield [line for line in lines if line is None or (line and not line.isspace())]
    last = _line(held, size)
    if last is None or (last and not last.isspace()):
        yield [last]


def _line(held: list[bytes], size: int) -> bytes | None:
    return b"".join(held) if size <= MAX_RESPONSE else None
