"""Spark 4 in this machine: the digest, the summary and the findings of the embedded engine."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from attest.policy.loader import load_policy
from attest.replay import manifest, schema, spark, spark_session
from attest.replay.batch import verify_batch
from attest.replay.check import check
from attest.replay.comparison import compare
from attest.replay.manifest import At, Run
from attest.replay.pool import ReplayError, Worker
from attest.replay.published import ended
from attest.replay.run import Options, Watch, replay
from benchmarks import responses
from tests import build
from tests.cli.calls import ROOT, environment
from tests.replay.drifted import drifted, found_in, policies, ran, rows, run_by, saved
from tests.replay.making import octets, policy, replayed, run_over

pytestmark = [ # Spark's own: it forks its JVM, and leaves sockets to the end of the process
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]  # fmt: skip
ROWS: Final = 12_100
"""Machines come again after 10,000 rows: every kind of fault is planted where it can be found."""
MAKE: Final = "import sys, pathlib, benchmarks.responses as r; r.prepare(pathlib.Path(sys.argv[1]), int(sys.argv[2]), 'p256')"  # noqa: E501 - one call
GUIDE: Final = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    with spark_session.session("local[2]") as begun:
        yield begun


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Files of one, two and three rows, the last with two that are not accepted."""
    folder = tmp_path / "saved"
    folder.mkdir()
    rows = [octets(number=number) for number in range(4)]
    rows += [octets(number=4, quoted={"magic": 0}), b"nonsense"]
    for name, start, end in (("a", 0, 1), ("b", 1, 3), ("c", 3, 6)):
        (folder / f"{name}.jsonl").write_bytes(b"\n".join(rows[start:end]))
    return folder


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task a file."""
    monkeypatch.setattr(spark, "SLICE_OCTETS", 1)


@pytest.mark.usefixtures("small_slices")
def test_spark_gives_what_the_embedded_engine_gives(session: SparkSession, tmp_path: Path) -> None:
    words = [sys.executable, "-c", MAKE, str(tmp_path), str(ROWS)]
    subprocess.run(words, cwd=ROOT, env=environment(), timeout=300, check=True)
    text = tmp_path / "policy-p256.yaml"
    archive = str(tmp_path / f"responses-p256-{ROWS}")
    run = Run((archive,), str(text), load_policy(text), At("evidence"))
    local = replay(run, tmp_path / "local", Options(0))
    outcome = replay(run, tmp_path / "spark", Options(engine=spark.Spark(session)))
    assert outcome == local
    assert outcome.summary is not None
    wanted = responses.expected(ROWS)
    counted = ("rows", "accepted", "refused", "malformed", "by_baseline")
    assert {name: outcome.summary[name] for name in counted} == {
        name: wanted[name] for name in counted
    }
    assert {one["id"]: one["count"] for one in outcome.findings if one["count"]} == {
        name: count for name, count in wanted["findings"].items() if count
    }
    assert len(wanted["findings"]) == 9
    for name in ("manifest.json", "summary.json", "findings.json"):
        assert (tmp_path / "spark" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
    assert sorted(path.name for path in (tmp_path / "spark" / "results").iterdir()) == [
        "part-00000000-00000000.parquet",
        "part-00000000-00000001.parquet",
        "part-00000001-00000000.parquet",
    ]


def test_the_example_of_the_guide_runs(session: SparkSession, tmp_path: Path) -> None:
    (example,) = re.findall(r"^```python\n(.*?judge.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    table = tmp_path / "responses.parquet"
    saved = [octets(number=number % 3).decode() for number in range(4)]
    pq.write_table(pa.table({"number": range(4), "response": saved}), table)
    (tmp_path / "policies").mkdir()
    text = tmp_path / "policies" / "one.yaml"
    text.write_text(build.policy_text(), encoding="utf-8")
    names: dict[str, Any] = {"session": session}
    exec(compile(example.replace("/data", str(tmp_path)), "replay.md", "exec"), names)  # noqa: S102 - our own guide
    run = Run((str(table),), str(text), load_policy(tmp_path / "policies"), At("evidence"))
    local = replay(run, tmp_path / "out", Options(0))
    assert (names["summary"], names["findings"]) == (local.summary, local.findings)
    assert names["summary"]["accepted"] == 4
    assert names["findings"][2]["rows"] == [[str(table), 0], [str(table), 3]]


@pytest.mark.usefixtures("small_slices")
def test_parts_that_are_there_are_not_judged_again(
    session: SparkSession, archive: Path, tmp_path: Path
) -> None:
    out, seen = tmp_path / "out", []
    watch = Watch(lambda _: None, lambda *told: seen.append(told))
    options = Options(engine=spark.Spark(session), watch=watch)
    first = replay(run_over(archive), out, options)
    parts = sorted((out / "results").iterdir())
    before = [part.stat().st_mtime_ns for part in parts]
    parts[1].unlink()
    assert replay(run_over(archive), out, options) == first == replayed(tmp_path / "o", archive)
    after = [part.stat().st_mtime_ns for part in parts]
    assert [was == now for was, now in zip(before, after, strict=True)] == [True, False, True]
    size = sum(path.stat().st_size for path in archive.iterdir())
    assert [sum(column) for column in zip(*seen, strict=True)] == [2 * size, 2 * 6]


@pytest.mark.usefixtures("small_slices")
def test_fail_fast_names_the_first_row(
    session: SparkSession, archive: Path, tmp_path: Path
) -> None:
    options = Options(fail_fast=True, engine=spark.Spark(session))
    outcome = replay(run_over(archive), tmp_path / "out", options)
    assert (outcome.summary, outcome.failed) == (None, (f"{archive}/c.jsonl", 1))


def test_names_may_have_any_characters(session: SparkSession, tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/saved"
    Path(os.fsdecode(folder)).mkdir()
    Path(os.fsdecode(folder + b"/\xff {a} %41.json")).write_bytes(octets())
    out = tmp_path / "it's a=b [c] *? {d} \\ %41 #"
    run = run_over(tmp_path / "saved")
    outcome = replay(run, out, Options(engine=spark.Spark(session)))
    assert outcome == replay(run, tmp_path / "local", Options(0))
    assert outcome.summary is not None
    assert outcome.summary["accepted"] == 1


def test_an_unreadable_file_is_named_and_the_others_are_judged(
    session: SparkSession, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive / "deep").mkdir()
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if str(path) == str(archive / "deep"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    outcome = replay(run_over(archive), tmp_path / "out", Options(engine=spark.Spark(session)))
    assert outcome.unreadable == (f"{archive}/deep/: cannot be read: Permission denied",)
    assert outcome.summary is not None
    assert (outcome.summary["rows"], outcome.summary["malformed"]) == (7, 2)


def test_parts_of_the_other_engine_are_refused(
    session: SparkSession, archive: Path, tmp_path: Path
) -> None:
    replayed(tmp_path / "out", archive)
    with pytest.raises(ReplayError, match=r"holds part-0{8}\.parquet, a part of another engine"):
        replay(run_over(archive), tmp_path / "out", Options(engine=spark.Spark(session)))


def test_a_task_that_fails_ends_the_run_on_one_line(
    session: SparkSession, archive: Path, tmp_path: Path
) -> None:
    def grow(_: int) -> None:
        (archive / "b.jsonl").write_bytes(b"{}")

    options = Options(engine=spark.Spark(session), watch=Watch(grow, lambda *_: None))
    with pytest.raises(ReplayError, match=r"saved/b\.jsonl: was changed since it was hashed$"):
        replay(run_over(archive), tmp_path / "out", options)


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ("'s' AS source, 1L AS row, 'response' AS kind", "column octets: is missing"),
        ("'s' AS source, 1L AS row, '{}' AS octet", "column octet: is none of source, row, "),
        ("'s' AS source, '1' AS row", "column row: is string, expected bigint"),
    ],
)
def test_columns_that_do_not_fit_are_refused(
    session: SparkSession, columns: str, fault: str
) -> None:
    with pytest.raises(ReplayError, match=re.escape(fault)):
        spark.judge(session.sql(f"SELECT {columns}"), policy())


def test_a_row_without_a_name_is_no_result(session: SparkSession) -> None:
    rows = session.sql(
        "SELECT CAST(NULL AS STRING) AS source, 1 AS row, 'response' AS kind, '{}' AS octets"
    )
    with pytest.raises(ReplayError, match=r"^Spark: [^\n]+$"):
        spark.sum_up(spark.judge(rows, policy()))


def test_a_view_of_the_session_is_not_replaced(session: SparkSession) -> None:
    rows = session.range(3)
    rows.createTempView("results")
    try:
        with pytest.raises(ReplayError, match="the session has a view named results"):
            spark.sum_up(rows)
        assert session.table("results").count() == 3
    finally:
        session.catalog.dropTempView("results")


def called(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "attest", "replay", *map(str, words)],
        env=environment(**variables), capture_output=True, timeout=300, check=False, text=True,
    )  # fmt: skip


def test_the_command_runs_on_spark_and_is_repeated_here(archive: Path, tmp_path: Path) -> None:
    run, out = run_over(archive), tmp_path / "out"
    words = [archive, "-p", run.policy_path, "-o", out, "--engine", "spark"]
    done = called(*words, "--master", "local[2]")
    summary = json.loads((out / "summary.json").read_bytes())
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert done.stdout.startswith("6 rows: 4 accepted, 1 refused, 1 malformed\n")
    assert done.stdout.endswith(f"digest {summary['digest']}\n")
    again = called("--check", out)
    assert (again.returncode, again.stdout) == (0, f"SAME      {out}\n")


def test_a_machine_without_java_is_2_on_one_line(archive: Path, tmp_path: Path) -> None:
    run = run_over(archive)
    words = [archive, "-p", run.policy_path, "-o", tmp_path / "out", "--engine", "spark"]
    done = called(*words, JAVA_HOME=str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "attest: Spark needs Java 17 or newer, and found none\n"
    assert not (tmp_path / "out").exists()


def test_tasks_judge_slices_and_say_what_failed(archive: Path, tmp_path: Path) -> None:
    run = run_over(archive)
    replayed(tmp_path / "out", archive)
    inputs = manifest.inputs(tmp_path / "out" / "manifest.json")
    (one,) = spark._slices(inputs, run.archives)  # noqa: SLF001 - what runs in executors
    worker = Worker(run.policy, run.at)
    batch = pa.RecordBatch.from_pydict({"slice": [spark._written(one)]})  # noqa: SLF001 - likewise
    for folder, fault in ((tmp_path, None), (tmp_path / "x", f"{tmp_path}/x/part-")):
        (done,) = spark._judge_slices([batch], run.archives, worker, str(folder))  # noqa: SLF001 - likewise
        told = json.loads(done.column(0)[0].as_py())
        assert [part["rows"] for part in told["parts"]] == ([6] if fault is None else [])
        assert (told["fault"] or "").startswith(fault or "")
        assert fault is None or told["fault"].endswith(": No such file or directory")


def test_a_batch_of_spark_is_judged_as_any_other() -> None:
    given = {name: [None] for name in schema.ROWS.names} | {
        "source": ["s"], "row": [0], "kind": ["response"], "octets": [octets()]
    }  # fmt: skip
    batch = pa.RecordBatch.from_pydict(given, pa.schema([*schema.ROWS]))
    loaded = policy()
    (results,) = spark._judged([batch], loaded, None, timed=True)  # noqa: SLF001 - runs in executors
    assert results.equals(verify_batch(batch, loaded, None))
    nameless = batch.set_column(0, pa.field("source", pa.string()), pa.nulls(1, pa.string()))
    with pytest.raises(ReplayError, match="column source: is null in a row"):
        list(spark._judged([nameless], loaded, None, timed=True))  # noqa: SLF001 - likewise


@pytest.mark.usefixtures("small_slices")
def test_the_drift_is_that_of_the_embedded_engine(session: SparkSession, tmp_path: Path) -> None:
    saved(tmp_path / "saved", rows()[:6], "a.jsonl")
    saved(tmp_path / "saved", rows()[6:], "b.jsonl")
    then, now = policies(tmp_path)
    local = drifted(tmp_path / "local", tmp_path / "saved", then, now)
    by_spark = drifted(
        tmp_path / "spark", tmp_path / "saved", then, now, engine=spark.Spark(session)
    )
    assert by_spark == local
    assert found_in(local.found)["other-baseline"] == [3, 4]
    assert len(list((tmp_path / "spark" / "now" / "results").iterdir())) == 2
    octets_of = {(tmp_path / name / "drift.json").read_bytes() for name in ("local", "spark")}
    assert len(octets_of) == 1
    assert check(tmp_path / "spark", Options(0)) == []


def test_runs_of_both_engines_are_compared_by_either(session: SparkSession, tmp_path: Path) -> None:
    archive, (then, now) = saved(tmp_path / "saved"), policies(tmp_path)
    engine = spark.Spark(session)
    before = ran(tmp_path / "before", archive, then)
    replay(run_by(now, archive), tmp_path / "after", Options(engine=engine))
    saved(tmp_path / "saved", [octets(number=77), *rows()[1:9]])
    replay(run_by(now, archive), tmp_path / "later", Options(engine=engine))
    after, later = ended(tmp_path / "after"), ended(tmp_path / "later")
    assert compare(before, after, engine) == compare(before, after)
    found = compare(before, later)
    assert compare(before, later, engine) == found
    assert found_in(found)["only-then"] == [9, 10]
    assert len(found_in(found)["other-evidence"]) == 9


def test_runs_are_compared_only_under_names_of_our_own(
    session: SparkSession, tmp_path: Path
) -> None:
    run = ran(tmp_path / "run", saved(tmp_path / "saved"), policies(tmp_path)[0])
    session.range(3).createTempView("results_now")
    try:
        with pytest.raises(ReplayError, match="the session has a view named results_now"):
            compare(run, run, spark.Spark(session))
    finally:
        session.catalog.dropTempView("results_now")
    assert compare(run, run, spark.Spark(session))["same"] is True
