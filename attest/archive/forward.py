"""A stream that only moves forward, for a reader of archives that wants to seek."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from typing import Any

from attest.archive.streams import PIECE, DamagedError

_END = bytes(512)


class Forward(io.RawIOBase):
    """Octets of a stream under positions; moving on reads, and moving back is a fault.

    A reader of a header never gets more than a piece, at once or bit by bit: what a tar file calls
    a header of gigabytes is none.
    """

    def __init__(self, stream: BufferedReader[Any]) -> None:
        """Begin at the stream's next octet, as position 0."""
        self._stream = stream
        self._position = 0
        self._last = b""
        self._left: int | None = None

    @property
    def ended_well(self) -> bool:
        """Whether a block of zeros was read last: so ends a tar file that nobody cut."""
        return self._last == _END

    @contextmanager
    def header(self) -> Iterator[None]:
        """Bound what is read within, together: a header with all that belongs to it."""
        self._left = PIECE
        try:
            yield
        finally:
            self._left = None

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes: forward."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Read so many octets, fewer only at the end."""
        if size is None or size < 0:
            raise DamagedError("is no archive that says how long its parts are")
        if self._left is not None:
            if size > self._left:
                raise DamagedError(f"has a header of more than {PIECE} octets")
            self._left -= size
        return self._read(size)

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._position += len(data)
        self._last = data
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position that was not passed yet."""
        if whence != io.SEEK_SET or offset < self._position:
            raise DamagedError("is no archive that can be read from its beginning to its end")
        while self._position < offset:
            if not self._read(min(PIECE, offset - self._position)):
                break
        return self._position
