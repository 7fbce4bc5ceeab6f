"""What a test does on a machine that lacks what it needs: fails where CI=true, is skipped else."""

import os
from typing import NoReturn

import pytest


def lacks(reason: str) -> NoReturn:
    """End a test, or a module before its first, and say why."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason, allow_module_level=True)
