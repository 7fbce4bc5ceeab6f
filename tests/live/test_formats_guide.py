"""docs/formats.md: every example runs as it stands, and gives what the guide says."""

import contextlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from attest.cli.export import FORMATS
from tests.cli.calls import ROOT

GUIDE: Final = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
KINDS: Final = ("console", "python")


class Block(NamedTuple):
    """A fenced block, and the output that stands in the one behind it."""

    kind: str
    text: str
    output: str


def blocks_of(guide: str) -> Iterator[Block]:
    """The blocks that run, in order."""
    fenced = re.findall(r"^```(\w+)\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    for (kind, text), (following, output) in zip(fenced, [*fenced[1:], ("", "")], strict=True):
        if kind in KINDS:
            yield Block(kind, text, output if following == "text" else "")


def typed(console: str, folder: Path) -> None:
    """Type each command of a console, and hold what it prints against the lines below it."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, wanted = part.partition("\n")
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (command, done.stdout, done.stderr) == (command, wanted, "")


def executed(text: str, names: dict[str, Any]) -> str:
    """Run Python, and return what it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "formats.md", "exec"), names)  # noqa: S102 - our own guide
    return printed.getvalue()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like a checkout, and takes the files that examples write."""
    for name in ("fixtures", "policies"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_example_gives_what_the_guide_says(checkout: Path) -> None:
    names: dict[str, Any] = {}
    blocks = list(blocks_of(GUIDE))
    for block in blocks:
        if block.kind == "console":
            typed(block.text, checkout)
        else:
            assert executed(block.text, names) == block.output
    assert [block.kind for block in blocks].count("console") == 6
    assert [block.kind for block in blocks].count("python") == 4


def test_every_format_of_an_export_has_an_example() -> None:
    (loops,) = [block.text for block in blocks_of(GUIDE) if "attest export" in block.text]
    named = " ".join(re.findall(r"^\$ for form in ([a-z ]+);", loops, re.MULTILINE)).split()
    assert sorted(named) == sorted(FORMATS)


@pytest.mark.parametrize("form", ["SARIF", "JUnit XML", "EAR", "in-toto statement"])
def test_every_format_has_an_example(form: str) -> None:
    (section,) = re.findall(rf"^## {form}\n(.*?)(?=^## )", GUIDE, re.MULTILINE | re.DOTALL)
    assert f"--format {form.split(maxsplit=1)[0].lower().replace('-', '')} " in section
