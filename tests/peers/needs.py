"""What a comparison needs of the machine: missing, it fails in CI and is skipped elsewhere."""

import importlib
import os
from types import ModuleType

import pytest

LEFT_OUT = "nothing is compared with it here"


def need(found: object, what: str) -> None:
    """Go on only where it was found; a skip or a failure names what is missing."""
    if found:
        return
    reason = f"{what} is missing: {LEFT_OUT} (./scripts/test installs it)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def module(name: str, package: str) -> ModuleType:
    """Import an optional module."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        need(None, f"{package} ({error})")
        raise
