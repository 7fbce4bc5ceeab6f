"""Saved responses as rows: files and standard input, read in bounded pieces."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from attest.document import MAX_RESPONSE

STANDARD_INPUT = "-"
_PIECE = 1024 * 1024


def ignore(_: int) -> None:
    """Show no progress."""


class Row(Struct, frozen=True):
    """One saved response.

    Attributes:
        source: The file, as it was named.
        number: Row in the source, from 0; blank lines are no rows.
        alone: Whether the source is one document, not lines.
        octets: The response; of one that is too long only so much that this is seen.
    """

    source: str
    number: int
    alone: bool
    octets: bytes


Progress = Callable[[int], None]
"""Called with the number of octets read since the last call."""


def has_lines(source: str, *, lines: bool) -> bool:
    """Tell whether a source has a response on each line."""
    return lines or source.endswith(".jsonl")


def read_rows(source: str, *, lines: bool, progress: Progress) -> Iterator[Row]:
    """Read a source row by row.

    Raises:
        OSError: The source cannot be read, at its start or later.
    """
    if source == STANDARD_INPUT:
        yield from _rows(sys.stdin.buffer, source, lines=lines, progress=progress)
        return
    with Path(source).open("rb") as stream:
        yield from _rows(stream, source, lines=lines, progress=progress)


def _rows(stream: BinaryIO, source: str, *, lines: bool, progress: Progress) -> Iterator[Row]:
    """Read one document, or a document on each line."""
    if not has_lines(source, lines=lines):
        octets = stream.read(MAX_RESPONSE + 1)
        progress(len(octets))
        yield Row(source, 0, True, octets)
        return
    number = 0
    for line in _bounded_lines(stream, progress):
        if len(line) > MAX_RESPONSE or line.strip():
            yield Row(source, number, False, line)
            number += 1


def _bounded_lines(stream: BinaryIO, progress: Progress) -> Iterator[bytes]:
    """Yield lines; of one over the cap yield its beginning, and pass over its rest."""
    while line := stream.readline(MAX_RESPONSE + 2):
        progress(len(line))
        rest = line
        while len(rest) >= _PIECE and not rest.endswith(b"\n"):
            rest = stream.readline(_PIECE)
            progress(len(rest))
        yield line.removesuffix(b"\n").removesuffix(b"\r")


def total_octets(sources: tuple[str, ...]) -> int | None:
    """Add up the sizes of regular files; None where one is a stream or cannot be seen."""
    total = 0
    for source in sources:
        try:
            path = Path(source)
            if source == STANDARD_INPUT or not path.is_file():
                return None
            total += path.stat().st_size
        except OSError:
            return None
    return total
