"""What the server sends back, as a value: status, headers, and a body whole or in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

JSON = ("Content-Type", "application/json")
OCTETS = ("Content-Type", "application/octet-stream")


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer.

    Attributes:
        status: HTTP status.
        body: The body, unless it comes in pieces.
        headers: Names and values beside Content-Length, in order.
        pieces: Makes the pieces of a body that is too large to hold, or None.
        cut: Whether the connection closes in the middle of the body.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    pieces: Callable[[], Iterator[bytes]] | None = None
    cut: bool = False


def fault(status: int, detail: str, *headers: tuple[str, str]) -> Reply:
    """Return an error as the server words it: a JSON object with ``detail``."""
    return Reply(status, msgspec.json.encode({"detail": detail}), (JSON, *headers))
