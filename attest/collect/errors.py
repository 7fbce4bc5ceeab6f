"""What keeps evidence from being collected: one exception, and its kind where there is no TPM."""

from __future__ import annotations

from attest.errors import AttestError


class CollectError(AttestError):
    """A TPM that cannot be reached or refuses, PCRs that do not hold still, a missing extra.

    Attributes:
        action: What was being done, such as ``TPM2_Quote of sha256:0,7,10``.
        fault: What kept it from being done, such as ``tcti:IO failure``.
    """

    def __init__(self, action: str, fault: str) -> None:
        """Name what was being done, and what went wrong."""
        super().__init__(action, fault)
        self.action = action
        self.fault = fault

    def __str__(self) -> str:
        """Write the error as one line: action, colon, fault."""
        return f"{self.action}: {self.fault}"


class UnreachableError(CollectError):
    """No TPM was reached at all: none is there, or the extra is missing."""
