"""Texts of a policy file to parameters: words, integers, octets, moments; one spelling each."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import TypeVar

from attest.policy.document import cited
from attest.policy.model import Validity
from attest.policy.section import Value

T = TypeVar("T")

MAX_SERIAL = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 8785, 3.2.2.3)."""

_INTEGER = re.compile("0|[1-9][0-9]{0,15}")
_HEX = re.compile("(?:[0-9A-Fa-f]{2})+")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
    r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories of control characters, lone surrogates and foreign line breaks."""

_BIDIRECTIONAL = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)


def text(value: Value, *, lines: bool = False) -> str:
    """Read free text that a person can see: not blank, no control characters.

    Args:
        value: Scalar, quoted or not.
        lines: Whether line breaks are allowed.
    """
    read = value.text
    if not read.strip():
        raise value.error("expected a text, found none")
    for character in read:
        if character == "\n" and lines:
            continue
        if unicodedata.category(character) in _UNSEEN or character in _BIDIRECTIONAL:
            raise value.error(f"control character U+{ord(character):04X}")
    return read


def matching(value: Value, pattern: re.Pattern[str]) -> str:
    """Read text in which only some characters may stand."""
    if not pattern.fullmatch(value.text):
        raise value.error(f"expected {pattern.pattern}, found {cited(value.text)}")
    return value.text


def word(value: Value, words: Collection[str]) -> str:
    """Read one of the words that the policy language knows here."""
    if value.text not in words:
        raise value.error(f"expected {one_of(words)}, found {cited(value.text)}")
    return value.text


def one_of(words: Collection[str]) -> str:
    """Write a choice for a message."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def integer(value: Value, least: int, most: int, why: str = "") -> int:
    """Read a canonical decimal that is not quoted.

    Args:
        value: Plain scalar.
        least: Smallest integer allowed.
        most: Largest integer allowed, below 10**16.
        why: Reason of the bounds, for the message.
    """
    canonical = _INTEGER.fullmatch(value.text) and value.plain
    if not canonical or not least <= int(value.text) <= most:
        raise value.error(f"expected an integer from {least} to {most}, not quoted{why}")
    return int(value.text)


def octets(value: Value, size: int, otherwise: str = "") -> bytes:
    """Read hex digits in quotes.

    Args:
        value: Quoted scalar, either case. Without quotes YAML would read some digests as numbers.
        size: Number of octets.
        otherwise: What else may stand here, quoted or not, for the message.
    """
    digits, wanted = value.text, f"expected {2 * size} hex digits"
    if not value.quoted:
        raise value.error(f"{wanted} in quotes{otherwise}")
    if digits[:2] in ("0x", "0X"):
        raise value.error(f"{wanted} without 0x")
    if len(digits) != 2 * size or not _HEX.fullmatch(digits):
        raise value.error(wanted)
    return bytes.fromhex(digits)


def moment(value: Value) -> datetime:
    """Read an RFC 3339 time, which has a zone, as UTC."""
    if not _TIME.fullmatch(value.text):
        raise value.error("expected a time with zone such as 2026-11-01T00:00:00Z (RFC 3339)")
    try:
        return datetime.fromisoformat(value.text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise value.error(f"no such time: {cited(value.text)}") from error


def validity(value: Value) -> Validity:
    """Read a half-open span of time with at least one end."""
    section = value.section()
    start = section.given("from", moment, None)
    end = section.given("until", moment, None)
    section.finish()
    if start and end and start >= end:
        raise section.key_error("until", "not later than from")
    return Validity(start, end)


def distinct(value: Value, read: Callable[[Value], T]) -> tuple[T, ...]:
    """Read a list of at least one item, none of them twice.

    Args:
        value: The list.
        read: What makes a parameter of an item.
    """
    seen: list[T] = []
    known: set[T] = set()
    for item in value.items():
        parameter = read(item)
        if parameter in known:
            raise item.error("stands in the list twice")
        known.add(parameter)
        seen.append(parameter)
    return tuple(seen)
