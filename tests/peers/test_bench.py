"""The benchmark runs and its table is whole; the figures of so small a run are judged by nobody."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import table
from benchmarks.__main__ import FULL, KEPT
from tests.peers import by_checkquote, by_keylime, by_nomyo, readings

PEERS = (by_checkquote, by_keylime, by_nomyo, readings)
"""Imported for what they need: without it the benchmark cannot run either."""


def test_figures_that_are_kept_are_of_full_runs() -> None:
    full = json.loads(json.dumps(FULL._asdict()))
    efforts = [json.loads(path.read_bytes())["effort"] for path in sorted(KEPT.glob("*.json"))]
    assert efforts
    assert [effort for effort in efforts if not effort.items() <= full.items()] == []


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where a smoke run keeps its results."""
    folder = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "benchmarks", "--quick", "--output", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout in {path.read_text() + "\n" for path in folder.glob("*.md")}
    return folder


def numbers(value: object) -> Iterator[float]:
    """All numbers in a JSON value."""
    if isinstance(value, dict):
        for member in value.values():
            yield from numbers(member)
    elif isinstance(value, list):
        for member in value:
            yield from numbers(member)
    elif isinstance(value, (int, float)):
        yield value


def test_table_has_every_row(kept: Path) -> None:
    (written,) = kept.glob("*.md")
    text = written.read_text()
    for row in (*table.SUBJECTS.values(), "start-up: ", "memory: ", *table.CHATS.values()):
        assert f"| {row}" in text


def test_every_figure_is_positive(kept: Path) -> None:
    (written,) = kept.glob("*.json")
    results = json.loads(written.read_text())
    figures = list(numbers(results))
    assert len(figures) > 20
    assert all(figure > 0 for figure in figures)


def test_every_subject_is_measured_with_each_kind_of_key_that_it_takes(kept: Path) -> None:
    (written,) = kept.glob("*.json")
    seconds = json.loads(written.read_text())["seconds_a_quote"]
    assert set(seconds) == set(table.SUBJECTS)
    lacking = {
        (name, kind) for name in seconds for kind in table.KINDS if kind not in seconds[name]
    }
    assert lacking == {("keylime", "p384")}


def test_every_client_is_measured_and_every_gate_apart(kept: Path) -> None:
    (written,) = kept.glob("*.json")
    seconds = json.loads(written.read_text())["seconds_a_request"]
    assert set(seconds) == set(table.CHATS)
    with_gate = {name for name, taken in seconds.items() if "decision" in taken}
    assert with_gate == {"gate", "gate-archive"}
