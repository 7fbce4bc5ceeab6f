"""Text that is not ours, made safe to print."""

from __future__ import annotations

MOST = 200
"""Characters of a server's text that a reason repeats."""


def shown(text: str, most: int = MOST) -> str:
    r"""Escape what a terminal or a log could act on, and cut what is too long.

    Control, bidirectional, unassigned and surrogate characters become ``\xNN``, ``\uNNNN`` or
    ``\UNNNNNNNN``; a backslash stays as it is.
    """
    cut = text if len(text) <= most else f"{text[:most]}..."
    if cut.isprintable():
        return cut
    return "".join(char if char.isprintable() else _escaped(char) for char in cut)


def _escaped(char: str) -> str:
    """Write one character as Python would escape it."""
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def unexpected(error: Exception) -> str:
    """Say in one line of an exception that nobody foresaw what it is."""
    return f"unexpected {type(error).__name__}: {shown(str(error))}"


def counted(count: int, what: str) -> str:
    """Say how many of what there are: ``1 row``, ``2,000 rows``."""
    return f"{int(count):,} {what}{'' if count == 1 else 's'}"
