"""The exceptions of attest: one tree, each error with its place."""

from __future__ import annotations

import os


class AttestError(Exception):
    """Whatever attest itself reports; a caller may catch this one class."""


class MalformedError(AttestError):
    """Evidence that an honest decoder cannot read.

    Attributes:
        place: Where the fault lies, such as ``TPMS_ATTEST.pcrSelect.count at octet 67``.
        fault: What is wrong there, such as ``99 exceeds 16``.
    """

    def __init__(self, place: str, fault: str) -> None:
        """Keep place and fault apart, so that a caller can put a longer path before the place."""
        super().__init__(place, fault)
        self.place = place
        self.fault = fault

    def __str__(self) -> str:
        """Write the error as one line: place, colon, fault."""
        return f"{self.place}: {self.fault}"


class PolicyError(AttestError):
    """A policy file that cannot be used.

    Attributes:
        path: The file, or the directory of a policy set.
        line: Line of the fault, counted from 1; None where the whole file is at fault.
        column: Column of the fault, counted from 1; None where the whole file is at fault.
        fault: What is wrong, with the path of the key: ``pcrs.sha256.11: expected 64 hex digits``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fault: str,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        """Point at a place in a file: line and column are given both or not at all."""
        super().__init__(os.fspath(path), fault, line, column)
        self.path = os.fspath(path)
        self.fault = fault
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """Write the error as compilers do: ``path:line:column: fault``."""
        if self.line is None:
            return f"{self.path}: {self.fault}"
        return f"{self.path}:{self.line}:{self.column}: {self.fault}"


class EvidenceWriteError(AttestError):
    """An evidence record that could not be made durable: what it vouches for must not be released.

    Attributes:
        path: The archive.
        fault: What kept the record from being written.
    """

    def __init__(self, path: str | os.PathLike[str], fault: str) -> None:
        """Name the archive and what went wrong there."""
        super().__init__(os.fspath(path), fault)
        self.path = os.fspath(path)
        self.fault = fault

    def __str__(self) -> str:
        """Write the error as one line: path, colon, fault."""
        return f"{self.path}: {self.fault}"


class SigningError(AttestError):
    """A key that does not sign: its file, its token, or the library for it.

    Attributes:
        place: The key's file, or the URI of its token.
        fault: What keeps it from signing; never a part of the key or of its password.
    """

    def __init__(self, place: str | os.PathLike[str], fault: str) -> None:
        """Name the key and what is wrong with it."""
        super().__init__(os.fspath(place), fault)
        self.place = os.fspath(place)
        self.fault = fault

    def __str__(self) -> str:
        """Write the error as one line: place, colon, fault."""
        return f"{self.place}: {self.fault}"
