"""The drift between two policies: what is counted, whose doing it is, and what is refused."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attest.replay import batching, comparison
from attest.replay.check import check
from attest.replay.comparison import compare
from attest.replay.drift import NAME, opened, report_of_drift
from attest.replay.manifest import At
from attest.replay.pool import ReplayError
from attest.replay.published import Ended, ended, rows_at
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


def test_a_run_is_the_same_as_itself(tmp_path: Path) -> None:
    run = ran(tmp_path / "run", saved(tmp_path / "saved"), policies(tmp_path)[0])
    found = compare(run, run)
    assert (found["same"], found["causes"], found_in(found)) == (True, [], {})


def told(response: bytes, **metadata: object) -> bytes:
    """The same evidence, with other members beside it."""
    whole = json.loads(response)
    return json.dumps(whole | {"_metadata": whole["_metadata"] | metadata}).encode()


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda _: octets(number=0, values=RELEASES["b"]), False),
        (lambda one: told(one, payload_id="another"), True),
        (lambda one: told(one, security_tier="high"), True),
        (lambda one: told(one, processed_at=1_795_600_000), True),
        (lambda _: b"cut", False),
    ],
    ids=["evidence", "payload id", "tier", "time", "damage"],
)
def test_another_response_is_told_apart_from_another_policy(
    tmp_path: Path, change: Callable[[bytes], bytes], kept: bool
) -> None:
    archive, (then, now) = saved(tmp_path / "saved"), policies(tmp_path)
    before = ran(tmp_path / "before", archive, then)
    first, *others = archive.read_bytes().split(b"\n")
    saved(tmp_path / "saved", [change(first), *others])
    found = compare(before, ran(tmp_path / "after", archive, now))
    assert found_in(found) == {
        "newly-refused": [1, 2],
        "newly-accepted": [5, 6, 7, 8],
        "refused-otherwise": [9],
        "other-baseline": [3, 4],
        "other-evidence": [0],
        "other-policy": list(range(1, 10)),
    }
    (example,) = change_of(found, "other-evidence")["examples"]
    digests = {example[name]["evidence_sha256"] for name in ("then", "now")}
    assert (len(digests) == 1) is kept


def test_rows_of_one_run_alone_are_counted(tmp_path: Path) -> None:
    policy = policies(tmp_path)[0]
    archive = saved(tmp_path / "saved")
    before = ran(tmp_path / "before", archive, policy)
    saved(tmp_path / "saved", rows()[:2], "b.jsonl")
    after = ran(tmp_path / "after", tmp_path / "saved" / "b.jsonl", policy)
    found = compare(before, after)
    counts = found["rows"], found["only_then"], found["only_now"], found["same"]
    assert (counts, found["transitions"]) == ((0, 11, 2, False), [])
    (first, *_) = change_of(found, "only-then")["examples"]
    assert (first["then"]["decision"], first["now"]) == ("accepted", None)
    assert change_of(found, "only-now")["pairs"] == [{"then": None, "now": "accepted", "count": 2}]


def test_what_else_judged_is_named(tmp_path: Path) -> None:
    archive, policy = saved(tmp_path / "saved"), policies(tmp_path)[0]
    before = ran(tmp_path / "before", archive, policy)
    after = ran(tmp_path / "after", archive, policy, at=At("given", START))
    head = tmp_path / "after" / "manifest.json"
    head.write_text(head.read_text("ascii").replace('"tpm-attest ', '"tpm-attest 9'), "ascii")
    assert compare(before, after)["causes"] == ["at"]
    assert compare(before, ended(tmp_path / "after"))["causes"] == ["verifier", "at"]


def test_lists_end_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("MOST_ROWS", 2), ("MOST_EXAMPLES", 1), ("MOST_PAIRS", 0)):
        monkeypatch.setattr(comparison, name, most)
    refused = change_of(usual(tmp_path).found, "newly-refused")
    assert ([row for _, row in refused["rows"]], refused["capped"]) == ([0, 1], True)
    assert (refused["count"], len(refused["examples"])) == (3, 1)
    assert (refused["pairs"], refused["pairs_left_out"]) == ([], 1)
    assert refused["by_check"] == {"pcr.baseline": 3}


def rewritten(out: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the rows of the only part."""
    (part,) = (out / "results").iterdir()
    table = pq.read_table(part)
    listed = table.to_pylist()
    change(listed)
    pq.write_table(pa.Table.from_pylist(listed, schema=table.schema), part)


def hashed(listed: list[dict[str, Any]]) -> None:
    listed[0]["result_sha256"] = bytes(32)


def decided(listed: list[dict[str, Any]]) -> None:
    listed[0]["decision"] = "refused"


def swapped(listed: list[dict[str, Any]]) -> None:
    listed[0]["decision"], listed[5]["decision"] = listed[5]["decision"], listed[0]["decision"]
    listed[0]["refused_by"], listed[5]["refused_by"] = "pcr.baseline", None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (hashed, "the digest of the parts is not that of the summary"),
        (decided, "the counts of the parts are not those of the summary"),
        (swapped, "row 0: is not the result that was hashed"),
    ],
)
@pytest.mark.parametrize("side", ["then", "now"])
def test_a_part_that_was_changed_is_refused(
    tmp_path: Path, change: Callable[[list[dict[str, Any]]], None], said: str, side: str
) -> None:
    archive, policy = saved(tmp_path / "saved"), policies(tmp_path)[0]
    for name in ("then", "now"):
        ran(tmp_path / name, archive, policy)
    rewritten(tmp_path / side, change)
    with pytest.raises(ReplayError, match=said):
        compare(ended(tmp_path / "then"), ended(tmp_path / "now"))


def test_a_part_without_a_column_is_refused_on_one_line(tmp_path: Path) -> None:
    run = ran(tmp_path / "run", saved(tmp_path / "saved"), policies(tmp_path)[0])
    (part,) = (run.out / "results").iterdir()
    pq.write_table(pq.read_table(part).drop_columns(["decision"]), part)
    with pytest.raises(ReplayError, match=r"run: [^\n]*decision[^\n]*$"):
        compare(run, run)


def test_a_part_that_is_no_table_is_an_error_of_the_row(tmp_path: Path) -> None:
    run = ran(tmp_path / "run", saved(tmp_path / "saved"), policies(tmp_path)[0])
    (part,) = (run.out / "results").iterdir()
    assert rows_at(run, ()) == {}
    assert rows_at(run, {("no such source", 0)}) == {}
    part.write_bytes(b"PAR1")
    with pytest.raises(ReplayError, match=r"part-0{8}\.parquet: cannot be read"):
        rows_at(run, {(str(tmp_path), 0)})


def test_rows_are_found_by_source_and_number_at_once(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        saved(tmp_path / "saved", rows()[:2], name)
    run = ran(tmp_path / "run", tmp_path / "saved", policies(tmp_path)[0])
    places = {
        (str(tmp_path / "saved" / name), row) for name, row in (("a.jsonl", 0), ("b.jsonl", 1))
    }
    found = rows_at(run, places)
    assert {place: judged.result["row"] for place, judged in found.items()} == {
        place: place[1] for place in places
    }


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
