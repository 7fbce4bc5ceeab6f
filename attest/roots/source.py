"""What roots are imported from: a file, a folder or an archive, as named octets."""

from __future__ import annotations

from msgspec import Struct

from attest.errors import AttestError

MAX_FILES = 8192
MAX_MEMBER_OCTETS = 1 << 20
MAX_SOURCE_OCTETS = 32 << 20


class SourceError(AttestError):
    """An input that roots are not imported from.

    Attributes:
        path: The file at fault, as it stands in the input.
        fault: What is wrong with it.
    """

    def __init__(self, path: str, fault: str) -> None:
        """Name the file and the fault."""
        super().__init__(path, fault)
        self.path = path
        self.fault = fault

    def __str__(self) -> str:
        """Write the error as one line: path, colon, fault."""
        return f"{self.path}: {self.fault}"


class Member(Struct, frozen=True):
    """One file of an input.

    Attributes:
        path: Path inside the input, with slashes.
        octets: Content; None where the name is none of a file of certificates, and nobody looked.
    """

    path: str
    octets: bytes | None
