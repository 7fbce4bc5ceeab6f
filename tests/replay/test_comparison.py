"""Two runs compared: what differs, rows of one run alone, and parts that were changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attest.replay import comparison
from attest.replay.comparison import compare
from attest.replay.manifest import At
from attest.replay.pool import ReplayError
from attest.replay.published import ended, rows_at
from tests.replay.drifted import (
    RELEASES,
    change_of,
    found_in,
    policies,
    ran,
    rows,
    saved,
    usual,
)
from tests.replay.making import START, octets


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
