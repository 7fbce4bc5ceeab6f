"""``attest replay``: exit codes, what is said, and what is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.archive.making import POSIX
from tests.cli.calls import ROOT, attest, environment, run
from tests.cli.conftest import written
from tests.replay.making import OTHER, START, octets
from tests.terminals import on_terminal

WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None
from attest.cli import main
main()
"""
"""The command where a library is not installed."""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return written(tmp_path / "saved.jsonl", b"\n".join(octets(number=n) for n in range(3)))


def test_accepted_rows_are_0_and_summed_up(saved: Path, policy: Path, tmp_path: Path) -> None:
    done = attest("replay", saved, "-p", policy, "-o", tmp_path / "out")
    lines = done.stdout.splitlines()
    summary = json.loads((tmp_path / "out" / "summary.json").read_bytes())
    assert (done.exit_code, done.stderr) == (0, "")
    assert lines[0] == "3 rows: 3 accepted, 0 refused, 0 malformed"
    assert "  nonce.reused       no" in lines
    assert "  clock.backwards    not judged" in lines
    assert lines[-1] == f"digest {summary['digest']}"


@pytest.mark.parametrize("row", [b"nonsense", b"{}"])
def test_a_row_that_is_not_accepted_is_1(
    saved: Path, policy: Path, tmp_path: Path, row: bytes
) -> None:
    with saved.open("ab") as file:
        file.write(b"\n" + row)
    done = attest("replay", saved, "-p", policy, "-o", tmp_path / "out")
    assert (done.exit_code, done.stderr) == (1, "")
    assert ("  evidence.present   1 refused" in done.stdout) is (row == b"{}")


def test_findings_alone_do_not_change_the_exit_code(
    saved: Path, policy: Path, tmp_path: Path
) -> None:
    saved.write_bytes(saved.read_bytes() + b"\n" + saved.read_bytes())
    done = attest("replay", saved, "-p", policy, "-o", tmp_path / "out")
    assert (done.exit_code, "  quote.replayed     6 rows" in done.stdout) == (0, True)


def test_fail_fast_says_where_it_stopped(policy: Path, tmp_path: Path) -> None:
    name = tmp_path / "\x1b[31m.json"
    written(name, b"{}")
    done = attest("replay", name, "-p", policy, "-o", tmp_path / "out", "--fail-fast")
    assert done.exit_code == 1
    assert done.stdout == f"stopped at {tmp_path}/\\x1b[31m.json, row 0: not accepted\n"


def test_an_unreadable_folder_is_2_and_the_others_are_judged(
    saved: Path, policy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "folder" / "deep"
    deep.mkdir(parents=True)
    saved.rename(tmp_path / "folder" / "a.jsonl")
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path) == str(deep):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    done = attest("replay", tmp_path / "folder", "-p", policy, "-o", tmp_path / "out")
    assert done.exit_code == 2
    assert done.stderr == f"attest: {deep}/: cannot be read: Permission denied\n"
    assert done.stdout.startswith("4 rows: 3 accepted, 0 refused, 1 malformed\n")


@pytest.mark.parametrize("at", ["now", START.isoformat()])
def test_one_moment_for_all_rows(saved: Path, policy: Path, tmp_path: Path, at: str) -> None:
    done = attest("replay", saved, "-p", policy, "-o", tmp_path / "out", "--at", at)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert (done.exit_code, manifest["at"]["mode"]) == (0, "now" if at == "now" else "given")
    if at != "now":
        assert manifest["at"]["moment"] == "2026-11-24T12:00:00Z"


def test_another_run_in_the_folder_is_2(saved: Path, policy: Path, tmp_path: Path) -> None:
    attest("replay", saved, "-p", policy, "-o", tmp_path / "out")
    done = attest("replay", saved, "-p", policy, "-o", tmp_path / "out", "--at", "now")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"attest: {tmp_path}/out: holds another run: at differs\n"


@pytest.mark.parametrize(
    "words",
    [
        (), ("SAVED",), ("SAVED", "-p", "POLICY"), ("-p", "POLICY", "-o", "OUT"),
        ("SAVED", "-p", "POLICY", "-o", "OUT", "--at", "noon"),
        ("SAVED", "-p", "POLICY", "-o", "OUT", "--at", "2026-11-24T12:00:00"),
        ("SAVED", "-p", "missing.yaml", "-o", "OUT"), ("missing", "-p", "POLICY", "-o", "OUT"),
        ("SAVED", "-p", "POLICY", "-o", "SAVED"), ("--check", "OUT"), ("--check", "OUT", "SAVED"),
        ("SAVED", "-p", "GIVEN", "-o", "OUT"), ("nothing://x", "-p", "POLICY", "-o", "OUT"),
        ("SAVED", "-p", "POLICY", "-o", "OUT", "--processes", "0"),
        ("SAVED", "-p", "POLICY", "-o", "OUT", "--master", "local[2]"),
        ("SAVED", "-p", "POLICY", "-o", "OUT", "--engine", "spark", "--master", "local",
         "--processes", "2"),
        ("--engine", "spark"), ("SAVED", "-p", "POLICY", "-o", "OUT", "--engine", "flink"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_2_on_one_line(
    saved: Path, policy: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    given = policy.read_text(encoding="utf-8") + "nonce: given\n"
    (tmp_path / "given.yaml").write_text(given, encoding="utf-8")
    named = {"SAVED": saved, "POLICY": policy, "OUT": tmp_path / "out",
             "GIVEN": tmp_path / "given.yaml"}  # fmt: skip
    done = attest("replay", *(named.get(word, word) for word in words))
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


def test_a_run_is_repeated_and_compared(saved: Path, policy: Path, tmp_path: Path) -> None:
    attest("replay", saved, "-p", policy, "-o", tmp_path / "out")
    done = attest("replay", "--check", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (0, f"SAME      {tmp_path}/out\n")
    saved.write_bytes(octets())
    done = attest("replay", "--check", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (1, f"DIFFERS   {tmp_path}/out\n")
    assert f"attest: {tmp_path}/out: inputs differ: {saved}\n" in done.stderr


@pytest.mark.parametrize("library", ["pyarrow", "duckdb"])
def test_a_missing_extra_is_2_and_says_what_to_install(
    saved: Path, policy: Path, tmp_path: Path, library: str
) -> None:
    words = ["replay", saved, "-p", policy, "-o", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, library, *map(str, words)],
        cwd=ROOT, env=environment(), capture_output=True, timeout=120, check=False, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "attest: attest replay needs: pip install 'tpm-attest[replay]'\n"


@pytest.mark.parametrize("library", ["pandas", "py4j", "pyspark"])
def test_a_missing_spark_is_2_and_says_what_to_install(
    saved: Path, policy: Path, tmp_path: Path, library: str
) -> None:
    words = ["replay", saved, "-p", policy, "-o", tmp_path / "out", "--engine", "spark"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, library, *map(str, words)],
        cwd=ROOT, env=environment(), capture_output=True, timeout=120, check=False, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "attest: attest replay --engine spark needs: pip install 'tpm-attest[spark]'\n"
    )


def test_no_other_command_imports_the_extra(honest: Path, policy: Path) -> None:
    source = (
        "import sys\nfrom attest.cli import main\n"
        "try: main()\n"
        "finally: print(sorted({'pyarrow', 'duckdb'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", source, "verify", str(honest), "-p", str(policy)],
        cwd=ROOT, env=environment(), capture_output=True, timeout=120, check=False, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "[]")


def test_help_shows_examples() -> None:
    done = attest("replay", "--help")
    assert (done.exit_code, "attest replay responses/" in done.stdout) == (0, True)


def test_a_process_leaves_with_the_exit_code(saved: Path, policy: Path, tmp_path: Path) -> None:
    done = run("replay", saved, "-p", policy, "-o", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, b"")


@POSIX
def test_a_terminal_shows_rate_and_remaining_time(
    saved: Path, policy: Path, tmp_path: Path
) -> None:
    saved.write_bytes(b"\n".join(octets(OTHER, number=number) for number in range(300)))
    words = ("replay", saved, "-p", policy, "-o", tmp_path / "out", "--processes", "1")
    code, shown = on_terminal(words, "err")
    assert code == 0
    assert "judging" in shown
    assert "rows/s" in shown
