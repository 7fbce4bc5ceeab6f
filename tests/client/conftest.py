"""A directory with a key in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from client.keys import save_key
from tests.client.keeping import KEY


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A directory in which a key was saved."""
    save_key(KEY, tmp_path / "keys")
    return tmp_path / "keys"
