"""The lines of an archive, one at a time, each with its hash and bounded in length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct

from attest.archive.record import MAX_LINE

_PIECE = 1024 * 1024


class Line(Struct, frozen=True):
    """One line.

    Attributes:
        number: Its number, from 1.
        octets: It, without its end; None where it is longer than any record.
        ended: Whether its end is there.
    """

    number: int
    octets: bytes | None
    ended: bool


def read_lines(stream: BinaryIO, size: int) -> Iterator[Line]:
    """Read the lines of the first ``size`` octets.

    Raises:
        OSError: They cannot be read.
    """
    number, rest = 0, size
    while rest > 0:
        number += 1
        line = stream.readline(min(MAX_LINE + 1, rest))
        rest -= len(line)
        if not line:
            return
        ended = line.endswith(b"\n")
        if ended or len(line) <= MAX_LINE:
            yield Line(number, line.removesuffix(b"\n"), ended)
            continue
        while rest > 0 and not ended and (piece := stream.readline(min(_PIECE, rest))):
            rest -= len(piece)
            ended = piece.endswith(b"\n")
        yield Line(number, None, ended)
