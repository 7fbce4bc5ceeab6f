"""What a caller gets: an answer joined with what was said of it, or the exception instead."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, TypeVar

from attest.result import AttestationResult

T = TypeVar("T")


class AttestedResponse(dict[str, Any]):
    """A chat completion in the OpenAI shape, as it was judged.

    Attributes:
        attestation: The attestation result; under audit it may be a refusal.
    """

    def __init__(self, content: Mapping[str, Any], attestation: AttestationResult) -> None:
        """Join an answer with what was said of it."""
        super().__init__(content)
        self.attestation = attestation

    def __reduce__(self) -> tuple[type[AttestedResponse], tuple[object, ...]]:
        """Copy and pickle both parts."""
        return type(self), (dict(self), self.attestation)


def fault_of(error: Exception) -> Exception:
    """Return an exception anew, without the frames that it came through."""
    return copy(error)


def settled(outcome: object, wanted: type[T]) -> T:
    """Return an outcome that is as wanted, and raise the exception that it is instead.

    Each caller gets an exception of its own: one that several waited for would collect the frames
    of all of them.
    """
    if isinstance(outcome, Exception):
        raise fault_of(outcome)
    if not isinstance(outcome, wanted):
        raise TypeError(f"an exchange ended in {type(outcome).__name__}")
    return outcome
