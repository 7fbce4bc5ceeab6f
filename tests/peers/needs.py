"""What a comparison needs of the machine: missing, it fails in CI and is skipped elsewhere."""

import importlib
from types import ModuleType

from tests.lacking import lacks

LEFT_OUT = "nothing is compared with it here"


def need(found: object, what: str) -> None:
    """Go on only where it was found; a skip or a failure names what is missing."""
    if not found:
        lacks(f"{what} is missing: {LEFT_OUT} (./scripts/test installs it)")


def module(name: str, package: str) -> ModuleType:
    """Import an optional module."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        need(None, f"{package} ({error})")
        raise
