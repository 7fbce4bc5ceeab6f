"""The extra ``ek``: what certificates need beyond the core, and what to say where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from attest.errors import AttestError


class MissingExtraError(AttestError):
    """An optional library that is not installed.

    Attributes:
        what: What needs it, such as ``attest roots import``.
        extra: The extra that brings it.
    """

    def __init__(self, what: str, extra: str) -> None:
        """Name the feature and its extra."""
        super().__init__(what, extra)
        self.what = what
        self.extra = extra

    def __str__(self) -> str:
        """Say what to install."""
        return f"{self.what} needs: pip install 'tpm-attest[{self.extra}]'"


def require(module: str, what: str, extra: str = "ek") -> None:
    """Make sure that a library is there, without importing it.

    Args:
        module: Top name of the library.
        what: What needs it.
        extra: The extra that brings it.

    Raises:
        MissingExtraError: It is not installed.
    """
    if find_spec(module) is None:
        raise MissingExtraError(what, extra)


def require_chains(what: str) -> None:
    """Make sure that chains can be validated, for whoever loads a policy that wants them.

    Raises:
        MissingExtraError: The extra ``ek`` is not installed.
    """
    require("pyhanko_certvalidator", what)
