"""The one exception of what keeps a key from being enrolled."""

from __future__ import annotations

from attest.errors import AttestError


class EnrolmentError(AttestError):
    """Well-formed, and refused: a key of the wrong kind, an answer to another challenge.

    Attributes:
        place: What is refused, such as ``ak_pubkey_b64``.
        fault: Why.
    """

    def __init__(self, place: str, fault: str) -> None:
        """Name what is refused, and why."""
        super().__init__(place, fault)
        self.place = place
        self.fault = fault

    def __str__(self) -> str:
        """Write the error as one line: place, colon, fault."""
        return f"{self.place}: {self.fault}"
