"""A run: parts, summary, digest; interrupted, resumed, repeated."""

import json
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from attest.policy.loader import load_policy
from attest.replay import batching
from attest.replay.check import check
from attest.replay.manifest import At, Run
from attest.replay.run import Options, Watch, replay
from attest.replay.schema import RESULTS
from tests import build
from tests.archive.packing import gz, table, tarred, zipped, zstd
from tests.replay.making import RESPONSES, START, contents, parts_of, replayed, run_over


def test_a_run_counts_every_row_once(archive: Path, tmp_path: Path) -> None:
    outcome = replayed(tmp_path / "out", archive)
    summary = outcome.summary
    assert summary is not None
    told = {name: summary[name] for name in ("rows", "accepted", "refused", "malformed")}
    assert told == {"rows": 8, "accepted": 6, "refused": 1, "malformed": 1}
    assert (summary["by_check"], summary["by_baseline"]) == ({"quote.magic": 1}, {"release-a": 6})
    assert json.loads((tmp_path / "out" / "summary.json").read_bytes()) == summary
    assert json.loads((tmp_path / "out" / "findings.json").read_bytes()) == outcome.findings
    assert outcome.unreadable == ()


@pytest.mark.usefixtures("small_parts")
def test_parts_hold_the_rows_in_order(archive: Path, tmp_path: Path) -> None:
    replayed(tmp_path / "out", archive)
    table = parts_of(tmp_path / "out")
    assert [path.name for path in sorted((tmp_path / "out" / "results").iterdir())] == [
        f"part-{number:08}.parquet" for number in range(3)
    ]
    assert table.column("row").to_pylist() == list(range(8))
    assert set(table.column("source").to_pylist()) == {str(archive)}
    assert table.schema.equals(RESULTS)


def test_every_form_of_the_same_rows_gives_the_same_results(tmp_path: Path) -> None:
    lines = b"\n".join(RESPONSES)
    forms = {
        "a.jsonl": lines,
        "a.jsonl.gz": gz(lines),
        "a.jsonl.zst": zstd(lines),
        "a.parquet": table(response=RESPONSES),
        "a.zip": zipped({f"{number}.json": one for number, one in enumerate(RESPONSES)}),
        "a.tar": tarred({f"{number}.json": one for number, one in enumerate(RESPONSES)}),
    }
    seen = set()
    for name, packed in forms.items():
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_bytes(packed)
        replayed(folder / "out", folder / name)
        results = parts_of(folder / "out")
        kept = results.drop_columns(["source", "entry", "result_sha256", "policy_sha256"])
        seen.add(json.dumps(kept.to_pylist(), default=str))
    assert len(seen) == 1


def test_the_digest_depends_on_results_and_not_on_parts(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = replayed(tmp_path / "whole", archive).summary
    monkeypatch.setattr(batching, "BATCH_ROWS", 2)
    parted = replayed(tmp_path / "parted", archive).summary
    monkeypatch.setattr(batching, "BATCH_ROWS", 100)
    monkeypatch.setattr(batching, "BATCH_OCTETS", 4000)
    sized = replayed(tmp_path / "sized", archive).summary
    assert whole == parted == sized
    assert len(list((tmp_path / "sized" / "results").iterdir())) == 3
    archive.write_bytes(b"\n".join(RESPONSES[:-1]))
    other = replayed(tmp_path / "other", archive).summary
    assert whole is not None
    assert other is not None
    assert whole["digest"] != other["digest"]


def test_the_manifest_names_inputs_policy_and_moment(archive: Path, tmp_path: Path) -> None:
    replayed(tmp_path / "out", archive)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    assert manifest["at"] == {"mode": "evidence", "moment": None}
    assert manifest["policies"] == [
        {"name": "golden", "serial": None, "sha256": manifest["policy_sha256"]}
    ]
    (one,) = manifest["inputs"]
    assert (one["source"], one["octets"]) == (str(archive), archive.stat().st_size)
    assert len(one["sha256"]) == 64


@pytest.mark.usefixtures("small_parts")
def test_a_part_of_another_length_is_judged_again(archive: Path, tmp_path: Path) -> None:
    whole = replayed(tmp_path / "out", archive)
    part = tmp_path / "out" / "results" / "part-00000001.parquet"
    pq.write_table(pq.read_table(part).slice(0, 1), part)
    assert replayed(tmp_path / "out", archive) == whole


def test_a_run_that_ended_can_be_called_again(archive: Path, tmp_path: Path) -> None:
    first = replayed(tmp_path / "out", archive)
    before = contents(tmp_path / "out")
    assert replayed(tmp_path / "out", archive) == first
    assert contents(tmp_path / "out") == before


def test_a_run_by_the_clock_keeps_its_moment(archive: Path, tmp_path: Path) -> None:
    first = replayed(tmp_path / "out", archive, at=At("now", START))
    before = contents(tmp_path / "out")
    later = replayed(tmp_path / "out", archive, at=At("now", START + timedelta(days=1)))
    assert (later, contents(tmp_path / "out")) == (first, before)


def test_the_clock_of_a_run_is_no_part_of_its_digest(archive: Path, tmp_path: Path) -> None:
    digests = {
        (
            replayed(tmp_path / str(days), archive, at=At("now", START + timedelta(days))).summary
            or {}
        )["digest"]
        for days in (0, 1)
    }
    assert len(digests) == 1


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("processes", [0, 2])
def test_fail_fast_stops_and_can_go_on(archive: Path, tmp_path: Path, processes: int) -> None:
    out, run = tmp_path / "out", run_over(archive)
    stopped = replay(run, out, Options(processes, fail_fast=True))
    assert (stopped.summary, stopped.failed) == (None, (str(archive), 5))
    assert not list(out.rglob("*.partial"))
    assert not (out / "summary.json").exists()
    again = replay(run, out, Options(processes, fail_fast=True))
    assert again.failed == stopped.failed
    assert replay(run, out, Options(processes)) == replayed(tmp_path / "whole", archive)


def test_fail_fast_goes_through_where_all_are_accepted(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(RESPONSES[0])
    outcome = replay(run_over(archive), tmp_path / "out", Options(0, fail_fast=True))
    assert outcome.summary is not None
    assert (outcome.summary["accepted"], outcome.failed) == (1, None)


def test_progress_tells_of_octets_and_rows(archive: Path, tmp_path: Path) -> None:
    total: list[int] = []
    seen: list[tuple[int, int]] = []
    watch = Watch(total.append, lambda octets, rows: seen.append((octets, rows)))
    replay(run_over(archive), tmp_path / "out", Options(0, watch=watch))
    assert total == [archive.stat().st_size]
    assert (sum(octets for octets, _ in seen), sum(rows for _, rows in seen)) == (total[0], 8)


def test_a_policy_set_judges_each_row_by_the_policy_of_its_time(tmp_path: Path) -> None:
    folder, archive = tmp_path / "policies", tmp_path / "a.jsonl"
    folder.mkdir()
    change = (START + timedelta(seconds=2)).isoformat().replace("+00:00", "Z")
    for name, valid in (("before", {"until": change}), ("after", {"from": change})):
        text = build.policy_text(name=name, valid=valid)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    archive.write_bytes(b"\n".join(RESPONSES[:4]))
    policies = load_policy(folder)
    replay(
        Run((str(archive),), str(folder), policies, At("evidence")), tmp_path / "out", Options(0)
    )
    table = parts_of(tmp_path / "out")
    assert table.column("policy_name").to_pylist() == ["before", "before", "after", "after"]
    assert set(table.column("decision").to_pylist()) == {"accepted"}
    assert check(tmp_path / "out", Options(0)) == []


def test_a_repeated_run_is_the_same(archive: Path, tmp_path: Path) -> None:
    replayed(tmp_path / "out", archive, at=At("now", START))
    assert check(tmp_path / "out", Options(0)) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "out",
        "replayed.yaml",
        "saved.jsonl",
    ]


def test_a_repeated_run_names_what_differs(archive: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    replayed(out, archive)
    summary = json.loads((out / "summary.json").read_bytes())
    findings = json.loads((out / "findings.json").read_bytes())
    findings[0]["count"] = 5
    (out / "findings.json").write_text(json.dumps(findings), encoding="ascii")
    (out / "summary.json").write_text(json.dumps({**summary, "digest": "x"}), encoding="ascii")
    archive.write_bytes(RESPONSES[0])
    assert check(out, Options(0)) == [
        "the digest of the parts is not that of the summary",
        f"inputs differ: {archive}",
        *[difference for difference in check(out, Options(0)) if "summary.json" in difference],
        "findings.json differs",
    ]
    assert any("rows was 8, is 1" in difference for difference in check(out, Options(0)))


def test_a_path_with_the_characters_of_a_pattern_is_itself(archive: Path, tmp_path: Path) -> None:
    outcome = replayed(tmp_path / "it's [a] *?", archive)
    assert outcome.summary is not None
    assert outcome.summary["rows"] == 8
