"""Misbehaviour on the wire: statuses, bodies without end or sense, closed connections."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from functools import cache
from http import HTTPStatus

from msgspec.structs import replace

from client.demo.reply import JSON, OCTETS, Reply, fault
from client.envelope import MAX_WIRE

BOMB_OCTETS = 1024**3
"""Octets that the gzip bomb decodes to; on the wire it is a thousandth of that."""
ENDLESS_OCTETS = 2 * MAX_WIRE
"""Octets after which even the endless body ends."""
ELSEWHERE = "/elsewhere"
"""Where the redirect points: a path that answers 404, and is counted."""

_BLOCK = 16 * 1024 * 1024
_BOMB_CRC = 0x5B64C2B0
"""CRC-32 of BOMB_OCTETS zeros."""
_PIECE = 64 * 1024
_RETRIED = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_NOISE = (
    ("Server", "attested/1.0"),
    ("X-Attestation", "accepted"),
    ("X-Payload-ID", "00000000-0000-4000-8000-000000000000"),
    ("X-Security-Tier", "maximum"),
    ("Set-Cookie", "session=of-another; Path=/"),
    ("Set-Cookie", "session=twice"),
    ("X-Noise", "\xff\xfe \x1b[2K\u00e9"),
    ("X-Long", "n" * 8192),
)


def status(code: int) -> Callable[[int], Reply]:
    """Return what answers with a status; 429 and 503 say when to ask again."""

    def answer(retry_after: int) -> Reply:
        retry = (("Retry-After", str(retry_after)),) if code in _RETRIED else ()
        return fault(code, "misbehaviour that was asked for", *retry)

    return answer


def junk(_retry_after: int) -> Reply:
    """Answer 200 with octets that are no JSON."""
    return Reply(200, b"\x00\xff\xfe{]" * 64, (OCTETS,))


def gzip_bomb(_retry_after: int) -> Reply:
    """Answer with a MiB that decodes to a GiB."""
    return Reply(200, headers=(JSON, ("Content-Encoding", "gzip")), pieces=_bomb)


def endless_body(_retry_after: int) -> Reply:
    """Answer with a body that goes on long after every cap."""
    return Reply(200, headers=(JSON,), pieces=_endless)


def redirect(_retry_after: int) -> Reply:
    """Answer 307: the same request to another path."""
    return fault(307, "misbehaviour that was asked for", ("Location", ELSEWHERE))


def cut_off(reply: Reply) -> Reply:
    """Close the connection in the middle of the body."""
    return replace(reply, cut=True)


def server_header_noise(reply: Reply) -> Reply:
    """Add headers that claim things, stand twice, are long or hold odd octets."""
    return replace(reply, headers=(*reply.headers, *_NOISE))


def _bomb() -> Iterator[bytes]:
    """Yield one gzip member (RFC 1952): the same blocks of zeros again and again."""
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
    for _ in range(BOMB_OCTETS // _BLOCK):
        yield _zeros()
    yield b"\x03\x00"  # the last block, empty
    yield _BOMB_CRC.to_bytes(4, "little") + (BOMB_OCTETS % 2**32).to_bytes(4, "little")


@cache
def _zeros() -> bytes:
    """Deflate _BLOCK zeros so that they end on an octet, and refer to nothing before."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return deflate.compress(bytes(_BLOCK)) + deflate.flush(zlib.Z_FULL_FLUSH)


def _endless() -> Iterator[bytes]:
    yield b'{"version":"1.0","algorithm":"'
    for _ in range(ENDLESS_OCTETS // _PIECE):
        yield b"a" * _PIECE
