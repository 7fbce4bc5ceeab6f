"""The drift between two policies: what is counted, whose doing it is, and what is refused."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from attest.replay import batching
from attest.replay.check import check
from attest.replay.drift import NAME, opened, report_of_drift
from attest.replay.manifest import At
from attest.replay.pool import ReplayError
from attest.replay.published import Ended, ended
from attest.replay.run import Options
from tests.archive.making import POSIX
from tests.cli.calls import ROOT
from tests.replay.drifted import (
    RELEASES,
    change_of,
    drifted,
    found_in,
    policies,
    policy_file,
    ran,
    rows,
    saved,
    usual,
)
from tests.replay.making import AIK, START, enrolling, octets


def told_by(out: Path) -> Any:
    return json.loads((out / NAME).read_bytes())


def test_every_row_is_of_the_kind_that_it_changed_by(tmp_path: Path) -> None:
    found = usual(tmp_path).found
    assert found_in(found) == {
        "newly-refused": [0, 1, 2],
        "newly-accepted": [5, 6, 7, 8],
        "refused-otherwise": [9],
        "other-baseline": [3, 4],
        "other-policy": list(range(10)),
    }
    assert (found["rows"], found["only_then"], found["only_now"], found["same"]) == (
        11,
        0,
        0,
        False,
    )
    assert found["transitions"] == [
        {"then": "accepted", "now": "accepted", "count": 2},
        {"then": "accepted", "now": "refused", "count": 3},
        {"then": "malformed", "now": "malformed", "count": 1},
        {"then": "refused", "now": "accepted", "count": 4},
        {"then": "refused", "now": "refused", "count": 1},
    ]
    assert found["causes"] == ["policy"]


def test_the_way_back_is_the_reverse(tmp_path: Path) -> None:
    then, now = policies(tmp_path)
    found = drifted(tmp_path / "out", saved(tmp_path / "saved"), now, then).found
    assert found_in(found) == {
        "newly-refused": [5, 6, 7, 8],
        "newly-accepted": [0, 1, 2],
        "refused-otherwise": [9],
        "other-baseline": [3, 4],
        "other-policy": list(range(10)),
    }


def test_changes_are_counted_by_check_and_by_values(tmp_path: Path) -> None:
    found = usual(tmp_path).found
    refused, accepted = change_of(found, "newly-refused"), change_of(found, "newly-accepted")
    assert (refused["by_check"], accepted["by_check"]) == ({"pcr.baseline": 3}, {"pcr.baseline": 4})
    assert refused["pairs"] == [{"then": None, "now": "pcr.baseline", "count": 3}]
    otherwise = change_of(found, "refused-otherwise")
    assert otherwise["pairs"] == [
        {"then": "quote.magic", "now": "quote.magic,pcr.baseline", "count": 1}
    ]
    assert otherwise["by_check"] == {"pcr.baseline": 1, "quote.magic": 1}
    baseline = change_of(found, "other-baseline")
    assert baseline["pairs"] == [{"then": "release-b", "now": "release-b-again", "count": 2}]
    assert baseline["by_check"] == {}


def test_the_first_rows_are_explained_with_quoted_against_golden(tmp_path: Path) -> None:
    refused = change_of(usual(tmp_path).found, "newly-refused")
    first = refused["examples"][0]
    assert (first["source"], first["row"]) == (str(tmp_path / "saved" / "a.jsonl"), 0)
    assert (first["then"]["decision"], first["then"]["baseline"]) == ("accepted", "release-a")
    assert first["then"]["refusals"] == []
    (why,) = first["now"]["refusals"]
    assert why["check"] == "pcr.baseline"
    assert first["now"]["closest_baseline"] == "release-b-again"
    assert first["now"]["differences"] == [
        {
            "bank": "sha256",
            "pcr": 0,
            "quoted": RELEASES["a"]["sha256"][0].hex(),
            "golden": [RELEASES["b"]["sha256"][0].hex()],
        }
    ]


def test_the_comparison_lies_beside_the_runs_and_names_both(tmp_path: Path) -> None:
    done = usual(tmp_path)
    told = told_by(tmp_path / "out")
    assert told == done.found
    for name, outcome in (("then", done.then), ("now", done.now)):
        side = told[name]
        assert outcome.summary is not None
        counted = ("rows", "accepted", "refused", "malformed", "digest")
        assert {one: side[one] for one in counted} == {one: outcome.summary[one] for one in counted}
        head = json.loads((tmp_path / "out" / name / "manifest.json").read_bytes())
        about = ("verifier", "archives", "policy", "policies", "policy_sha256", "at")
        assert {one: side[one] for one in about} == {one: head[one] for one in about}


@POSIX
@pytest.mark.parametrize("parts", [2, 6])
def test_a_drift_that_is_killed_goes_on_to_the_same_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    monkeypatch.setattr(batching, "BATCH_ROWS", 3)
    archive, (then, now) = saved(tmp_path / "saved"), policies(tmp_path)
    out = tmp_path / "out"
    words = (out, then, archive, parts, 0, now)
    command = [sys.executable, "-m", "tests.replay.killed", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == -9
    assert (out / "now").exists() is (parts == 6)
    assert not (out / NAME).exists()
    first = out / "then" / "results" / "part-00000000.parquet"
    kept = first.stat().st_mtime_ns
    resumed = drifted(out, archive, then, now)
    assert resumed == drifted(tmp_path / "whole", archive, then, now)
    assert (out / NAME).read_bytes() == (tmp_path / "whole" / NAME).read_bytes()
    assert first.stat().st_mtime_ns == kept


def test_a_drift_that_ended_can_be_called_again(tmp_path: Path) -> None:
    first = usual(tmp_path)
    before = (tmp_path / "out" / NAME).read_bytes()
    archive, (then, now) = tmp_path / "saved" / "a.jsonl", policies(tmp_path)
    assert drifted(tmp_path / "out", archive, then, now) == first
    assert (tmp_path / "out" / NAME).read_bytes() == before


def test_both_runs_take_the_moment_at_which_the_first_began(tmp_path: Path) -> None:
    archive, (then, now) = saved(tmp_path / "saved"), policies(tmp_path)
    ran(tmp_path / "out" / "then", archive, then, at=At("now", START))
    later = At("now", START + timedelta(days=1))
    found = drifted(tmp_path / "out", archive, then, now, at=later).found
    moments = {found[name]["at"]["moment"] for name in ("then", "now")}
    assert (moments, found["causes"]) == ({"2026-11-24T12:00:00Z"}, ["policy"])


def test_nothing_stops_a_drift_at_a_row(tmp_path: Path) -> None:
    archive, (then, now) = saved(tmp_path / "saved"), policies(tmp_path)
    assert drifted(tmp_path / "out", archive, then, now, fail_fast=True).found["rows"] == 11


@pytest.mark.parametrize("name", ["mine.txt", "results", "now", "then/mine.txt"])
def test_a_folder_with_something_else_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(ReplayError, match=r"is not empty, and holds no (drift|run)"):
        usual(tmp_path)
    assert path.read_bytes() == b"mine"
    assert not (tmp_path / "out" / NAME).exists()


def test_a_folder_with_a_run_is_refused(tmp_path: Path) -> None:
    ran(tmp_path / "out", saved(tmp_path / "saved"), policies(tmp_path)[0])
    with pytest.raises(ReplayError, match="out: is not empty, and holds no drift"):
        usual(tmp_path)


@pytest.mark.parametrize("other", [0, 1])
def test_another_policy_in_the_folder_is_refused_by_its_run(tmp_path: Path, other: int) -> None:
    usual(tmp_path)
    before = (tmp_path / "out" / NAME).read_bytes()
    named = list(policies(tmp_path))
    named[other] = policy_file(tmp_path, "other", "c")
    with pytest.raises(ReplayError, match=rf"{('then', 'now')[other]}: holds another run: policy"):
        drifted(tmp_path / "out", tmp_path / "saved" / "a.jsonl", *named)
    assert (tmp_path / "out" / NAME).read_bytes() == before


def test_a_key_that_the_policy_comes_to_know_changes_the_assurance(tmp_path: Path) -> None:
    archive = saved(tmp_path / "saved", [octets(AIK, number=0), octets(AIK, number=1)])
    then = policy_file(tmp_path, "old", "a")
    now = policy_file(tmp_path, "new", "a", **enrolling(AIK))
    found = drifted(tmp_path / "out", archive, then, now).found
    assert found_in(found) == {"other-assurance": [0, 1], "other-policy": [0, 1]}
    (pair,) = change_of(found, "other-assurance")["pairs"]
    assert pair == {"then": "self-consistent", "now": "anchored", "count": 2}


def test_another_policy_alone_ends_nothing_otherwise(tmp_path: Path) -> None:
    then, now = policy_file(tmp_path, "old", "a"), policy_file(tmp_path, "new", "a")
    found = drifted(tmp_path / "out", saved(tmp_path / "saved"), then, now).found
    assert (found["same"], list(found_in(found))) == (True, ["other-policy"])


def test_a_folder_of_two_runs_is_no_run(tmp_path: Path) -> None:
    usual(tmp_path)
    with pytest.raises(ReplayError, match=r"out: holds two runs: name \S+out/then or \S+out/now$"):
        ended(tmp_path / "out")


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", "[" * 99_999, '{"then": {}, "changes": 1}']
)
def test_a_comparison_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    usual(tmp_path)
    (tmp_path / "out" / NAME).write_text(text, encoding="utf-8")
    with pytest.raises(ReplayError, match=r"holds no drift that ended|is not what the two runs"):
        opened(tmp_path / "out")


def test_a_comparison_of_other_runs_is_refused(tmp_path: Path) -> None:
    told = usual(tmp_path).found
    change_of(told, "newly-refused")["rows"].pop()
    (tmp_path / "out" / NAME).write_text(json.dumps(told), encoding="utf-8")
    with pytest.raises(ReplayError, match=r"drift\.json is not what the two runs give"):
        report_of_drift(tmp_path / "out")
    assert check(tmp_path / "out", Options(0)) == ["drift.json differs"]


def test_a_comparison_in_other_words_is_the_same(tmp_path: Path) -> None:
    told = usual(tmp_path).found
    for change in told["changes"]:
        change["meaning"] = "in other words"
    (tmp_path / "out" / NAME).write_text(json.dumps(told), encoding="utf-8")
    now, found = opened(tmp_path / "out")
    assert isinstance(now, Ended)
    assert found["changes"] != told["changes"]


def test_a_drift_is_repeated_and_compared(tmp_path: Path) -> None:
    usual(tmp_path)
    assert check(tmp_path / "out", Options(0)) == []
    saved(tmp_path / "saved", rows()[:3])
    differences = check(tmp_path / "out", Options(0))
    source = tmp_path / "saved" / "a.jsonl"
    assert {f"{name}: inputs differ: {source}" for name in ("then", "now")} <= set(differences)


def test_a_drift_that_did_not_end_is_not_checked(tmp_path: Path) -> None:
    usual(tmp_path)
    (tmp_path / "out" / NAME).unlink()
    with pytest.raises(ReplayError, match="holds no drift that ended"):
        check(tmp_path / "out", Options(0))
