"""A run: parts, summary, digest; interrupted, resumed, refused, repeated."""

import gc
import io
import json
import os
import subprocess
import sys
from collections import deque
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from attest.archive.saved import read_rows
from attest.archive.stores import sources_of
from attest.policy.loader import load_policy
from attest.replay import batching, pool
from attest.replay import run as running
from attest.replay.check import check
from attest.replay.manifest import At, Run
from attest.replay.pool import ReplayError
from attest.replay.run import Options, Watch, replay
from attest.replay.schema import RESULTS
from tests import build
from tests.archive.making import POSIX
from tests.archive.packing import gz, table, tarred, zipped, zstd
from tests.cli.calls import ROOT
from tests.replay.making import START, octets, parts_of, replayed, run_over

RESPONSES = [
    *(octets(number=number) for number in range(5)),
    octets(number=5, quoted={"magic": 0}),
    b"nonsense",
    octets(number=6),
]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of three rows."""
    monkeypatch.setattr(batching, "BATCH_ROWS", 3)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "saved.jsonl"
    path.write_bytes(b"\n".join(RESPONSES))
    return path


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


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


@pytest.mark.usefixtures("small_parts")
def test_processes_give_the_same_as_one(archive: Path, tmp_path: Path) -> None:
    alone = replayed(tmp_path / "alone", archive)
    shared = replay(run_over(archive), tmp_path / "shared", Options(2))
    assert shared == alone


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


@POSIX
@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("processes", [0, 2])
def test_a_run_that_is_killed_goes_on_to_the_same_end(
    archive: Path, tmp_path: Path, processes: int
) -> None:
    run, out = run_over(archive), tmp_path / "out"
    words = (out, run.policy_path, archive, 2, processes)
    command = [sys.executable, "-m", "tests.replay.killed", *map(str, words)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert done.returncode == -9  # and its output has ended, so no process of it is left
    results = out / "results"
    first = results / "part-00000000.parquet"
    kept = first.stat().st_mtime_ns
    assert not (out / "summary.json").exists()
    (results / "part-00000002.parquet.1.partial").write_bytes(b"half")
    resumed = replay(run, out, Options(0))
    assert resumed == replayed(tmp_path / "whole", archive)
    assert first.stat().st_mtime_ns == kept
    assert not list(out.rglob("*.partial"))


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


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"at": At("now", START)}, "at differs"),
        ({"at": At("given", START)}, "at differs"),
        ({"clock": {"safe": "required"}}, "policies differs"),
    ],
)
def test_another_run_in_the_folder_is_refused(
    archive: Path, tmp_path: Path, members: dict[str, object], reason: str
) -> None:
    replayed(tmp_path / "out", archive)
    before = contents(tmp_path / "out")
    with pytest.raises(ReplayError, match=f"holds another run: {reason}"):
        replayed(tmp_path / "out", archive, **members)
    assert contents(tmp_path / "out") == before


def test_another_verifier_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replayed(tmp_path / "out", archive)
    monkeypatch.setattr("attest.replay.manifest.VERIFIER", "tpm-attest 9")
    with pytest.raises(ReplayError, match="holds another run: verifier differs"):
        replayed(tmp_path / "out", archive)


@pytest.mark.parametrize("change", ["more", "fewer", "other"])
def test_other_inputs_are_refused_by_name(archive: Path, tmp_path: Path, change: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    archive.rename(folder / "a.jsonl")
    (folder / "b.jsonl").write_bytes(b"{}")
    replayed(tmp_path / "out", folder)
    if change == "more":
        (folder / "c.jsonl").write_bytes(b"{}")
    elif change == "fewer":
        (folder / "b.jsonl").unlink()
    else:
        (folder / "b.jsonl").write_bytes(b"{ }")
    name = "c" if change == "more" else "b"
    with pytest.raises(ReplayError, match=rf"inputs differ: .*{name}\.jsonl"):
        replayed(tmp_path / "out", folder)


@pytest.mark.parametrize("name", ["foreign.txt", "results/foreign.txt"])
def test_a_folder_with_something_else_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(ReplayError, match="is not empty, and holds no run"):
        replayed(tmp_path / "out", archive)
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("text", ["", "{}", '{\n "schema": 9,\n "inputs": [\n ]\n}\n'])
def test_a_manifest_that_is_none_is_refused(archive: Path, tmp_path: Path, text: str) -> None:
    replayed(tmp_path / "out", archive)
    (tmp_path / "out" / "manifest.json").write_text(text, encoding="ascii")
    with pytest.raises(ReplayError):
        replayed(tmp_path / "out", archive, at=At("now", START))
    with pytest.raises(ReplayError):
        check(tmp_path / "out", Options(0))


def test_no_file_and_no_row_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ReplayError, match="no file to read"):
        replayed(tmp_path / "out", folder)
    (folder / "a.jsonl").write_bytes(b"\n")
    with pytest.raises(ReplayError, match="no row to judge"):
        replayed(tmp_path / "out2", folder)


def test_a_file_that_is_given_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="is given twice"):
        replayed(tmp_path / "out", archive, archive)


def test_a_file_that_changes_meanwhile_ends_the_run(archive: Path, tmp_path: Path) -> None:
    run = run_over(archive)

    def begin(_: int) -> None:
        archive.write_bytes(b"{}")

    watch = Watch(begin, lambda octets, rows: None)
    with pytest.raises(ReplayError, match="was changed since it was hashed"):
        replay(run, tmp_path / "out", Options(0, watch=watch))


def test_a_file_that_goes_away_meanwhile_is_named_and_counted(
    archive: Path, tmp_path: Path
) -> None:
    run = run_over(archive)
    watch = Watch(lambda _: archive.unlink(), lambda octets, rows: None)
    outcome = replay(run, tmp_path / "out", Options(0, watch=watch))
    assert outcome.unreadable == (f"{archive}: cannot be read: No such file or directory",)
    assert outcome.summary is not None
    assert (outcome.summary["rows"], outcome.summary["malformed"]) == (1, 1)


@POSIX
def test_a_link_in_a_folder_is_a_malformed_row(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "loop").symlink_to(folder)
    outcome = replayed(tmp_path / "out", folder)
    (row,) = parts_of(tmp_path / "out").to_pylist()
    assert (row["decision"], row["reason"], outcome.unreadable) == (
        "malformed",
        "is a link: not read",
        (),
    )


def test_an_unreadable_file_is_counted_when_it_is_hashed(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    archive.rename(folder / "a.jsonl")
    (folder / "b.jsonl").write_bytes(b"{}")
    found = list(sources_of([str(folder)]))
    Path(found[0][2].path).unlink()
    monkeypatch.setattr(running, "sources_of", lambda archives: iter(found))
    outcome = replayed(tmp_path / "out", folder)
    assert outcome.unreadable == (f"{folder}/a.jsonl: cannot be read: No such file or directory",)
    assert outcome.summary is not None
    assert (outcome.summary["refused"], outcome.summary["malformed"]) == (1, 1)


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


def test_a_folder_inside_an_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"out: lies in the archive"):
        replayed(tmp_path / "x" / "out", tmp_path)
    assert not (tmp_path / "x").exists()


class Dying(pool.Worker):
    """A process that the system kills."""

    def judge(self, task: pool.Task) -> pool.Part:  # noqa: ARG002 - dies of any
        os._exit(1)


def test_a_process_that_is_killed_ends_the_run(archive: Path) -> None:
    run = run_over(archive)
    tasks = [pool.Task(Path(name), None) for name in ("a", "b")]
    with pytest.raises(ReplayError, match="a process was killed"):
        list(pool.judge_all(tasks, Dying(run.policy, run.at), 1))


def test_a_path_with_the_characters_of_a_pattern_is_itself(archive: Path, tmp_path: Path) -> None:
    outcome = replayed(tmp_path / "it's [a] *?", archive)
    assert outcome.summary is not None
    assert outcome.summary["rows"] == 8


def test_a_process_judges_by_what_it_was_begun_with(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_worker", None)
    part, rows = tmp_path / "part.parquet", tmp_path / "part.rows.partial"
    again = pool._Sent(part, None)  # noqa: SLF001 - the way into a process
    with pytest.raises(RuntimeError, match="was not begun"):
        pool._judge(again)  # noqa: SLF001 - likewise
    run = run_over(archive)
    collects = gc.isenabled()
    try:
        pool._begin(pool.Worker(run.policy, run.at))  # noqa: SLF001 - likewise
        (batch,) = batching.batches_of(
            [("a", read_rows("a.jsonl", io.BytesIO(archive.read_bytes())))]
        )
        sent = pool._sent(pool.Task(part, batch), deque())  # noqa: SLF001 - likewise
        assert (sent.rows, rows.exists()) == (rows, True)
        judged = pool._judge(sent)  # noqa: SLF001 - likewise
        assert judged == pool._judge(again) == pool.Part(8, ("a", 5))  # noqa: SLF001 - likewise
    finally:
        gc.unfreeze()
        if collects:
            gc.enable()
    assert not rows.exists()


def test_a_process_that_is_killed_leaves_no_rows_behind(archive: Path, tmp_path: Path) -> None:
    run = run_over(archive)
    (batch,) = batching.batches_of([("a", read_rows("a.jsonl", io.BytesIO(archive.read_bytes())))])
    tasks = [pool.Task(tmp_path / f"part-{number}.parquet", batch) for number in range(4)]
    with pytest.raises(ReplayError, match="a process was killed"):
        list(pool.judge_all(tasks, Dying(run.policy, run.at), 1))
    assert not list(tmp_path.glob("part-*"))
