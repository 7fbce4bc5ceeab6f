"""``attest report`` and ``attest export``: exit codes, files, and what is missing."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
from junitparser import JUnitXml

from attest.cli.export import FORMATS
from tests.cli.calls import ROOT, attest, environment
from tests.cli.conftest import written
from tests.cli.test_exchange import key_pem
from tests.cli.test_replay import WITHOUT
from tests.replay.making import octets
from tests.replay.reported import run_of
from tests.report.test_sarif import SCHEMA

SIGNED = ("ear", "intoto")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    rows = (octets(), octets(number=1, quoted={"magic": 0}), b"cut")
    return run_of(tmp_path, *rows).out


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return written(tmp_path / "key.pem", key_pem())


def test_a_report_lies_in_the_folder_of_the_run(out: Path) -> None:
    done = attest("report", out)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"WROTE     {out}/report.html\n"
    assert "1 of 3 responses refused" in (out / "report.html").read_text(encoding="utf-8")


def test_a_report_goes_where_it_is_told(out: Path, tmp_path: Path) -> None:
    done = attest("report", out, "-o", tmp_path / "page.html")
    assert (done.exit_code, done.stdout) == (0, f"WROTE     {tmp_path}/page.html\n")
    printed = attest("report", out, "-o", "-")
    assert (printed.exit_code, printed.stdout) == (0, (tmp_path / "page.html").read_text("utf-8"))


def test_a_report_is_the_same_each_time(out: Path) -> None:
    first, second = (attest("report", out, "-o", "-").stdout for _ in range(2))
    assert first == second


def test_a_report_in_the_folder_does_not_hinder_the_run(out: Path, tmp_path: Path) -> None:
    attest("report", out)
    assert attest("replay", "--check", out).exit_code == 0
    saved, policy = tmp_path / "saved.jsonl", tmp_path / "replayed.yaml"
    assert attest("replay", saved, "-p", policy, "-o", out).exit_code == 1


@pytest.mark.parametrize("place", ["1", "SAVED:1"])
def test_a_case_is_of_one_response(out: Path, tmp_path: Path, place: str) -> None:
    place = place.replace("SAVED", str(tmp_path / "saved.jsonl"))
    done = attest("report", out, "--case", place, "-o", tmp_path / "case.html")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "magic is 0x00000000" in (tmp_path / "case.html").read_text(encoding="utf-8")


def test_a_case_is_named_by_its_result(out: Path) -> None:
    done = attest("report", out, "--case", "1")
    (name,) = out.glob("case-*.html")
    assert done.stdout == f"WROTE     {name}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--case", "x"), "--case: 'x' is no [SOURCE:]ROW"),
        (("--case", "a:"), "--case: 'a:' is no [SOURCE:]ROW"),
        (("--case", "a:-1"), "--case: 'a:-1' is no [SOURCE:]ROW"),
        (("--case", "\u0661"), "--case: '\u0661' is no [SOURCE:]ROW"),
        (("--case", "9" * 30), f"--case: '{'9' * 30}' is no [SOURCE:]ROW"),
        (("--case", "9" * 19), None),
        (("--case", str(1 << 63)), f"--case: row {1 << 63} is too large"),
        (("--case", "a:0"), "a has no row 0"),
        (("--case", "7"), "no source has row 7"),
        (("-o", "missing/page.html"), "missing/page.html: No such file or directory"),
    ],
)
def test_a_wrong_call_of_report_is_2_on_one_line(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, said: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    done = attest("report", out, *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said is None or said in done.stderr


@pytest.mark.parametrize("command", [("report",), ("export", "--format", "sarif")])
def test_a_folder_without_a_run_is_2(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = attest(*command, tmp_path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"attest: {tmp_path}: holds no run that ended: ")


@pytest.mark.parametrize(
    ("command", "library", "extra"),
    [
        (("report",), "jinja2", "report"),
        (("report",), "pyarrow", "replay"),
        (("export", "--format", "sarif"), "pyarrow", "replay"),
    ],
)
def test_a_missing_extra_is_named(
    tmp_path: Path, command: tuple[str, ...], library: str, extra: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, library, *command, str(tmp_path)],
        capture_output=True, env=environment(), cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    named = f"attest {command[0]} needs: pip install 'tpm-attest[{extra}]'\n"
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode() == f"attest: {named}"


def test_another_missing_module_is_no_missing_extra(tmp_path: Path) -> None:
    words = ("attest.replay.published", "export", "x", "--format", "json")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words],
        capture_output=True, env=environment(), cwd=ROOT, timeout=120, check=False,
    )  # fmt: skip
    assert b"ModuleNotFoundError" in done.stderr
    assert done.returncode == 1


def exported(out: Path, form: str, key: Path) -> str:
    words = ("--key", key) if form in SIGNED else ()
    done = attest("export", out, "--format", form, *words)
    assert done.exit_code == 0
    return done.stdout


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written(out: Path, key: Path, form: str) -> None:
    assert exported(out, form, key)


@pytest.mark.parametrize("form", ["json", "jsonl", "sarif", "junit", "prometheus"])
def test_an_export_is_what_verify_writes(out: Path, tmp_path: Path, key: Path, form: str) -> None:
    if form == "prometheus":
        text = exported(out, form, key)
        assert 'tpm_attest_responses{decision="refused",assurance="none"} 2\n' in text
        return
    saved, policy = tmp_path / "saved.jsonl", tmp_path / "replayed.yaml"
    words = ("verify", saved, "-p", policy, "--at", "evidence", "--format", form)
    theirs, ours = attest(*words).stdout, exported(out, form, key)
    if form == "jsonl":
        rows = [[json.loads(line) for line in text.splitlines()] for text in (theirs, ours)]
        assert [undated(row) for row in rows[0]] == [undated(row) for row in rows[1]]
    elif form == "json":
        assert [*map(undated, json.loads(theirs))] == [*map(undated, json.loads(ours))]
    else:
        assert theirs == ours


def undated(result: dict[str, Any]) -> dict[str, Any]:
    """A result without the moment that a response without a time is judged at."""
    return {name: value for name, value in result.items() if name != "verified_at"}


def test_formats_for_machines_hold_every_row(out: Path, key: Path) -> None:
    jsonschema.validate(json.loads(exported(out, "sarif", key)), SCHEMA)
    assert JUnitXml.fromstring(exported(out, "junit", key).encode()).tests == 3
    events = [json.loads(line) for line in exported(out, "ocsf", key).splitlines()]
    assert [event["status_code"] for event in events] == ["PASS", "FAIL", "FAIL"]
    (result,) = json.loads(exported(out, "oscal", key))["assessment-results"]["results"]
    assert result["description"] == "1 responses accepted, 2 refused."
    assert len(exported(out, "ear", key).splitlines()) == 3


def test_an_export_goes_to_a_file(out: Path, tmp_path: Path) -> None:
    done = attest("export", out, "--format", "json", "--output", tmp_path / "results.json")
    assert (done.exit_code, done.stdout) == (0, "")
    assert len(json.loads((tmp_path / "results.json").read_bytes())) == 3


@pytest.mark.parametrize(
    "words",
    [
        (), ("--format", "pdf"), ("--format", "ear"), ("--format", "sarif", "--key", "key.pem"),
        ("--format", "oscal", "--ear-profile", "ietf"), ("--format", "ear", "--key", "missing"),
    ],
)  # fmt: skip
def test_a_wrong_call_of_export_is_2_on_one_line(out: Path, words: tuple[str, ...]) -> None:
    done = attest("export", out, *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("command", ["report", "export"])
def test_help_shows_examples(command: str) -> None:
    done = attest(command, "--help")
    assert (done.exit_code, f"  attest {command} out/" in done.stdout) == (0, True)
