"""docs/policy-life.md: every example runs as it stands, and gives what the guide says."""

from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.calls import ROOT
from tests.live.test_formats_guide import blocks_of, executed, typed

GUIDE: Final = (ROOT / "docs" / "policy-life.md").read_text(encoding="utf-8")


def test_every_example_gives_what_the_guide_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = list(blocks_of(GUIDE))
    for block in blocks:
        if block.kind == "console":
            typed(block.text, tmp_path)
        else:
            assert executed(block.text, names) == block.output
    assert [block.kind for block in blocks] == ["console"] * 5 + ["python"]
