"""Whether a failed attempt is made again, and when."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from msgspec import Struct

from attest.errors import AttestError
from client.errors import APIConnectionError, APIError, api_error
from client.steps import Answer

RETRIED = frozenset({429, 500, 502, 503, 504})
"""HTTP statuses after which trying again may help."""
MAX_RETRIES = 100
LONGEST_WAIT = 60.0
"""Seconds that a server may make us wait; one that wants more is asked no more."""
JITTER = 0.25
"""Share of a wait that chance adds, so that clients do not come back all at once."""
_MOST_DIGITS = 9
"""Digits of a Retry-After in seconds: three decades."""


class Failed(Struct, frozen=True):
    """An attempt that came to nothing.

    Attributes:
        error: Why.
        retry_after: Seconds that the server asks to wait, or None.
    """

    error: AttestError
    retry_after: float | None = None


def refused(answer: Answer) -> Failed:
    """Return what an answer with an HTTP status other than 200 means."""
    return Failed(api_error(answer.status, answer.body), _retry_after(answer))


def wait_before(retry: int, failed: Failed) -> float | None:
    """Return the seconds to wait before an attempt is made again; None where none is.

    Args:
        retry: Number of the retry, from 0.
        failed: What became of the attempt.
    """
    error = failed.error
    if isinstance(error, APIError):
        if error.status_code not in RETRIED:
            return None
    elif not isinstance(error, APIConnectionError):
        return None
    wait = failed.retry_after
    if wait is None:
        wait = min(float(2**retry), LONGEST_WAIT)
    if wait > LONGEST_WAIT:
        return None
    return wait * (1 + random.random() * JITTER)  # noqa: S311 - to spread, not to hide


def read_retries(max_retries: int) -> int:
    """Return a number of retries.

    Raises:
        ValueError: It is negative, or beyond MAX_RETRIES.
        TypeError: It is no whole number.
    """
    if type(max_retries) is not int:
        raise TypeError(f"max_retries is {type(max_retries).__name__}, expected int")
    if not 0 <= max_retries <= MAX_RETRIES:
        raise ValueError(f"max_retries is {max_retries}, expected 0 to {MAX_RETRIES}")
    return max_retries


def _retry_after(answer: Answer) -> float | None:
    """Read Retry-After (RFC 9110, 10.2.3): seconds, or a date; None where it says neither."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) <= _MOST_DIGITS:
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
