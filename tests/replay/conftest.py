"""An archive with rows of every end, and runs with small parts."""

from pathlib import Path

import pytest

from attest.replay import batching
from tests.replay.making import RESPONSES


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of three rows."""
    monkeypatch.setattr(batching, "BATCH_ROWS", 3)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "saved.jsonl"
    path.write_bytes(b"\n".join(RESPONSES))
    return path
