"""``attest inspect``: decodes for a person, judges nothing."""

import json
from pathlib import Path

import pytest

from attest.evidence import read_evidence
from attest.report.inspection import inspect_evidence, render, to_dict
from tests.cli.calls import FORGED, HONEST, attest, run


@pytest.mark.parametrize("octets", [HONEST, FORGED, b"{}", b'{"_metadata": []}'])
def test_inspect_shows_what_was_decoded_and_judges_nothing(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(octets)
    done = attest("inspect", path)
    shown = render(inspect_evidence(read_evidence(octets)))
    assert (done.exit_code, done.stdout, done.stderr) == (0, shown + "\n", "")


@pytest.mark.parametrize("octets", [HONEST, FORGED])
def test_inspect_writes_json(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(octets)
    done = attest("inspect", path, "--format", "json")
    decoded = to_dict(inspect_evidence(read_evidence(octets)))
    assert (done.exit_code, json.loads(done.stdout)) == (0, decoded)


def test_inspect_reads_standard_input() -> None:
    done = attest("inspect", "-", stdin=HONEST)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "response")


@pytest.mark.parametrize("octets", [b"", b"no JSON", b"[]", b"\xff", HONEST + HONEST])
def test_inspect_of_no_json_object_is_2_on_one_line(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(octets)
    done = attest("inspect", path)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attest: {path}: response: is ")


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_inspect_of_what_cannot_be_read_is_2_on_one_line(tmp_path: Path, name: str) -> None:
    done = attest("inspect", tmp_path / name)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attest: {tmp_path / name}: ")


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_inspect_of_lines_never_ends_in_a_traceback(tmp_path: Path, rows: int) -> None:
    path = tmp_path / "many.jsonl"
    path.write_bytes((HONEST + b"\n") * rows)
    done = run("inspect", path)
    assert (done.returncode, b"Traceback" in done.stderr) == (0 if rows == 1 else 2, False)


@pytest.mark.parametrize("words", [(), ("a", "b"), ("a", "--format", "yaml")])
def test_inspect_called_wrongly_is_2(words: tuple[str, ...]) -> None:
    assert attest("inspect", *words).exit_code == 2


def test_inspect_reaches_every_line_of_a_hostile_response_safely(tmp_path: Path) -> None:
    odd = json.dumps("\x1b[2J\u202e").encode()
    path = tmp_path / "a.json"
    path.write_bytes(b'{"_metadata": {"payload_id": %b, "security_tier": %b}}' % (odd, odd))
    assert attest("inspect", path).stdout.replace("\n", "").isprintable()
