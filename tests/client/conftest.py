"""A directory with a key in it; the two faces of the client."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from client.keys import save_key
from tests.client.gating import Face, face_of
from tests.client.keeping import KEY


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A directory in which a key was saved."""
    save_key(KEY, tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture(params=["sync", "async"])
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    """Each face of the client in turn."""
    with face_of(request.param) as face:
        yield face
