"""Secrets wiped as far as Python allows, and a report that says how far that is."""

from __future__ import annotations

from msgspec import Struct


class MemoryProtection(Struct, frozen=True):
    """What is done about secrets in memory, and what is not.

    Attributes:
        enabled: Whether what can be overwritten is.
        overwritten: What is overwritten with zeros after its use.
        freed: What is only left to the memory's next user: Python does not let go of it otherwise.
        locked: Whether memory is kept from being swapped out; it is not.
    """

    enabled: bool
    overwritten: tuple[str, ...]
    freed: tuple[str, ...]
    locked: bool = False


_OVERWRITABLE = ("the request as it was encoded",)
_IMMUTABLE = ("the messages as the caller gave them", "AES keys", "the response as it was opened")


def protection(*, enabled: bool) -> MemoryProtection:
    """Say what is done about secrets in memory."""
    if enabled:
        return MemoryProtection(True, _OVERWRITABLE, _IMMUTABLE)
    return MemoryProtection(False, (), _OVERWRITABLE + _IMMUTABLE)


def wipe(secret: bytearray) -> None:
    """Overwrite a secret in place."""
    secret[:] = bytes(len(secret))
