"""``attest replay`` with two policies, and of two runs: exit codes, and what is said."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.archive.making import POSIX
from tests.cli.calls import ROOT, attest
from tests.cli.conftest import written
from tests.replay.drifted import HOSTILE, policies, policy_file, rows, saved, usual
from tests.replay.making import octets
from tests.terminals import on_terminal


def drift(folder: Path, archive: Path, *words: object, out: str = "out") -> tuple[object, ...]:
    then, now = policies(folder)
    named = ("--policy-then", then, "--policy-now", now, "-o", folder / out)
    return ("replay", archive, *named, "--processes", 1, *words)


def test_a_drift_is_told_and_lies_in_its_folder(tmp_path: Path) -> None:
    archive = saved(tmp_path / "saved")
    done = attest(*drift(tmp_path, archive))
    lines = done.stdout.splitlines()
    assert (done.exit_code, done.stderr) == (1, "")
    assert lines[:8] == [
        f"then      11 rows: 5 accepted, 5 refused, 1 malformed: {tmp_path}/out/then",
        f"now       11 rows: 6 accepted, 4 refused, 1 malformed: {tmp_path}/out/now",
        "11 rows in both; judged by another: policy",
        "  accepted -> accepted: 2",
        "  accepted -> refused: 3",
        "  malformed -> malformed: 1",
        "  refused -> accepted: 4",
        "  refused -> refused: 1",
    ]
    assert lines[8] == "newly-refused     3 rows: pcr.baseline 3"
    assert lines[9].startswith(f"  {archive} row 0: pcr.baseline: closest is release-b-again")
    assert "  and 1 more" in lines
    assert "refused-otherwise 1 row: pcr.baseline 1, quote.magic 1" in lines
    assert "other-baseline    2 rows: release-b -> release-b-again 2" in lines
    assert f"  {archive} row 3" in lines
    assert lines[-1] == "DIFFERS"
    assert json.loads((tmp_path / "out" / "drift.json").read_bytes())["rows"] == 11
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("drift.json", "now", "then")
    ]


def test_the_exit_code_is_that_of_the_run_now(tmp_path: Path) -> None:
    accepted_now = saved(tmp_path / "saved", rows()[5:9])
    assert attest(*drift(tmp_path, accepted_now, out="one")).exit_code == 0
    accepted_then = saved(tmp_path / "saved", rows()[:3])
    assert attest(*drift(tmp_path, accepted_then, out="two")).exit_code == 1


def test_a_file_that_cannot_be_read_is_2_and_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = saved(tmp_path / "saved", rows()[5:9])
    (tmp_path / "saved" / "deep").mkdir()
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    done = attest(*drift(tmp_path, archive.parent))
    assert (done.exit_code, done.stderr.count("Permission denied")) == (2, 1)
    assert "\n  malformed -> malformed: 1\n" in done.stdout


def test_two_runs_are_compared(tmp_path: Path) -> None:
    usual(tmp_path)
    then, now = tmp_path / "out" / "then", tmp_path / "out" / "now"
    done = attest("replay", "--compare", then, now, "-o", tmp_path / "found.json")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout.endswith("\nDIFFERS\n")
    assert (tmp_path / "found.json").read_bytes() == (tmp_path / "out/drift.json").read_bytes()
    same = attest("replay", "--compare", now, now)
    assert (same.exit_code, same.stdout.splitlines()[2]) == (
        0,
        "11 rows in both; judged by another: nothing",
    )
    assert same.stdout.endswith("\nSAME\n")


def test_rows_that_stand_in_one_run_alone_differ(tmp_path: Path) -> None:
    policy = policies(tmp_path)[0]
    for name in ("a", "b"):
        archive = saved(tmp_path / "saved", rows()[:5], f"{name}.jsonl")
        attest("replay", archive, "-p", policy, "-o", tmp_path / name)
    done = attest("replay", "--compare", tmp_path / "a", tmp_path / "b")
    assert done.exit_code == 1
    assert "only-then         5 rows: accepted -> none 5\n" in done.stdout
    assert "only-now          5 rows: none -> accepted 5\n" in done.stdout


def test_values_beyond_the_first_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attest.cli.drift._PAIRS", 1)
    archive = saved(tmp_path / "saved", rows()[:9])
    then = policy_file(tmp_path, "old", "a", "b", "c")
    now = policy_file(tmp_path, "new", "a:1", "b:1", "c:1")
    for name, policy in (("then", then), ("now", now)):
        attest("replay", archive, "-p", policy, "-o", tmp_path / name)
    done = attest("replay", "--compare", tmp_path / "then", tmp_path / "now")
    assert "other-baseline    9 rows: release-c -> release-c-1 4, and 2 more\n" in done.stdout


def test_a_comparison_replaces_no_file(tmp_path: Path) -> None:
    usual(tmp_path)
    mine = written(tmp_path / "mine.json", b"mine")
    words = ("replay", "--compare", tmp_path / "out" / "then", tmp_path / "out" / "now")
    done = attest(*words, "-o", mine)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"attest: {mine}: is there already\n"
    assert mine.read_bytes() == b"mine"
    missing = attest(*words, "-o", tmp_path / "missing" / "found.json")
    assert (missing.exit_code, missing.stderr) == (
        2, f"attest: {tmp_path}/missing/found.json: No such file or directory\n"
    )  # fmt: skip


def test_hostile_names_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    done = attest(*drift(tmp_path, saved(tmp_path / "saved", name=HOSTILE)))
    assert done.exit_code == 1
    assert not {"\x1b", "\u202e"} & set(done.stdout)
    assert "<script>alert(1)<img src=x onerror=alert(2)>\\u202e\\x1b[31m&\"'.jsonl row 0" in (
        done.stdout
    )


BOTH = ("--policy-then", "OLD", "--policy-now", "NEW")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("SAVED", "--policy-then", "OLD", "-o", "OUT"), "go together"),
        (("SAVED", "--policy-now", "NEW", "-o", "OUT"), "go together"),
        (("SAVED", *BOTH, "-p", "OLD", "-o", "OUT"), "without --policy and --fail-fast"),
        (("SAVED", *BOTH, "-o", "OUT", "--fail-fast"), "without --policy and --fail-fast"),
        (("SAVED", *BOTH), "needs ARCHIVE, --policy and --output"),
        ((*BOTH, "-o", "OUT"), "needs ARCHIVE, --policy and --output"),
        (("SAVED", "--policy-then", "OLD", "--policy-now", "none.yaml", "-o", "OUT"), "none.yaml"),
        (("SAVED", *BOTH, "-o", "SAVED"), "saved.jsonl"),
        (("SAVED", *BOTH, "-o", "FOLDER"), "is not empty, and holds no drift"),
        (("SAVED", *BOTH, "-o", "OUT", "--at", "noon"), "noon"),
        (("missing", *BOTH, "-o", "OUT"), "missing"),
        (("--check", "OUT", *BOTH), "--check takes everything else"),
        (("--check", "OUT", "--compare", "OUT", "OUT"), "--check takes everything else"),
        (("--compare", "OUT"), "2"),
        (("--compare", "OUT", "OUT"), "holds no run that ended"),
        (("--compare", "OUT", "OUT", "-p", "OLD"), "--compare takes two folders"),
        (("--compare", "OUT", "OUT", "--fail-fast"), "--compare takes two folders"),
        (("--compare", "OUT", "OUT", "SAVED"), "--compare takes two folders"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_2_on_one_line(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    then, now = policies(tmp_path)
    (tmp_path / "folder").mkdir()
    archive = saved(tmp_path / "folder", name="saved.jsonl")
    named = {"SAVED": archive, "OLD": then, "NEW": now, "OUT": tmp_path / "out",
             "FOLDER": tmp_path / "folder"}  # fmt: skip
    done = attest("replay", *(named.get(word, word) for word in words))
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr
    assert not list(tmp_path.rglob("manifest.json"))


def test_a_drift_is_repeated_and_compared(tmp_path: Path) -> None:
    archive = saved(tmp_path / "saved")
    attest(*drift(tmp_path, archive))
    done = attest("replay", "--check", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (0, f"SAME      {tmp_path}/out\n")
    archive.write_bytes(octets())
    done = attest("replay", "--check", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (1, f"DIFFERS   {tmp_path}/out\n")
    assert f"attest: {tmp_path}/out: now: inputs differ: {archive}\n" in done.stderr


def test_a_report_of_a_drift_tells_what_changed(tmp_path: Path) -> None:
    attest(*drift(tmp_path, saved(tmp_path / "saved")))
    done = attest("report", tmp_path / "out")
    assert (done.exit_code, done.stdout) == (0, f"WROTE     {tmp_path}/out/report.html\n")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "What changed between the policies" in page
    assert attest(*drift(tmp_path, tmp_path / "saved" / "a.jsonl")).exit_code == 1


@pytest.mark.parametrize(
    "words", [("export", "OUT", "--format", "json"), ("report", "OUT", "--case", "0"),
              ("replay", "--compare", "OUT", "OUT")]
)  # fmt: skip
def test_what_is_about_one_run_names_the_two(tmp_path: Path, words: tuple[str, ...]) -> None:
    usual(tmp_path)
    out = tmp_path / "out"
    done = attest(*(out if word == "OUT" else word for word in words))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"attest: {out}: holds two runs: name {out}/then or {out}/now\n"


def test_help_shows_how_to_compare() -> None:
    done = attest("replay", "--help")
    assert "  attest replay responses/ --policy-then old.yaml --policy-now " in done.stdout
    assert "  attest replay --compare before/ after/" in done.stdout


def test_the_example_of_the_guide_says_what_stands_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")
    (shown,) = re.findall(
        r"^\$ attest (replay .*--policy-then .*)\n([^`]*)^```$", guide, re.MULTILINE
    )
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.chdir(tmp_path)
    done = attest(*shown[0].split())
    assert (done.exit_code, done.stdout) == (1, shown[1])


@POSIX
def test_a_terminal_shows_both_runs(tmp_path: Path) -> None:
    code, shown = on_terminal(drift(tmp_path, saved(tmp_path / "saved")), "err")
    assert code == 1
    assert shown.count("100%") == 2
