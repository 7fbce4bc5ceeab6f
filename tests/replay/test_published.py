"""A run read back: the very results of ``attest verify``, or an error."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # ships no types
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import attest
from attest.policy.loader import load_policy
from attest.policy.schema import schema
from attest.replay.manifest import At
from attest.replay.pool import ReplayError
from attest.replay.published import Ended, ended, results, rows_named
from attest.replay.run import Options, digest_of, replay
from tests.replay.making import AIK, START, enrolling, gate_archive, octets, run_over

RESPONSES = [
    octets(AIK, number=0),
    octets(number=1, quoted={"magic": 0}),
    octets(number=2, values={"sha256": {0: b"\x07" * 32, 7: b"\x08" * 32}}),
    b"{}",
    b"nonsense",
    octets(number=5, payload_id="\u00e9\u202e<b>\U0001f600"),
]


def ran(tmp_path: Path, at: At, *responses: bytes, **members: object) -> Ended:
    path = tmp_path / "saved.jsonl"
    path.write_bytes(b"\n".join(responses))
    replay(run_over(path, at=at, **members), tmp_path / "out", Options(0))
    return ended(tmp_path / "out")


@pytest.mark.parametrize("mode", ["given", "now"])
def test_rows_are_what_verify_says(tmp_path: Path, mode: str) -> None:
    run = ran(tmp_path, At(mode, START), *RESPONSES, **enrolling(AIK))
    policy = load_policy(run.head.policy)
    source = str(tmp_path / "saved.jsonl")
    assert list(results(run)) == [
        attest.verify(response, policy, at=START).to_dict(source, row)
        for row, response in enumerate(RESPONSES)
    ]


def test_rows_fit_the_published_schema(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(schema("result"))
    for result in results(ran(tmp_path, At("evidence"), *RESPONSES)):
        validator.validate(result)


def test_a_gate_archive_is_read_back(tmp_path: Path) -> None:
    path = gate_archive(tmp_path, [octets(number=0), octets(number=1)])
    replay(run_over(path), tmp_path / "out", Options(0))
    moments = [result["verified_at"] for result in results(ended(tmp_path / "out"))]
    assert moments == ["2026-11-25T12:00:00Z", "2026-11-25T12:00:01Z"]


def rewritten(out: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the first row of the only part."""
    (part,) = (out / "results").iterdir()
    table = pq.read_table(part)
    rows = table.to_pylist()
    change(rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), part)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"decision": "refused"}, "is not the result that was hashed"),
        ({"assurance": "anchored"}, "is not the result that was hashed"),
        ({"checks": "[]"}, "is not the result that was hashed"),
        ({"row": 7}, "is not the result that was hashed"),
        ({"pcrs": "{"}, "is no result"),
        ({"pcrs": "[]"}, "is no result"),
        ({"pcrs": '{"sha256": {"a": null}}'}, "is no result"),
        ({"pcrs": '{"sha256": ' * 5000}, "is no result"),
        ({"pcrs": None}, "is not the result that was hashed"),
        ({"checks": "{}"}, "is no result"),
        ({"differences": "[1]"}, "is no result"),
        ({"differences": '[{"more": 1}]'}, "is not the result that was hashed"),
        ({"anchor": "[]"}, "is no result"),
        ({"anchor": '{"tpm": 1}'}, "is no result"),
        ({"anchor": '{"identity": 1}'}, "is no result"),
        ({"anchor": '{"identity": {"gce": "x"}}'}, "is no result"),
    ],
)
def test_a_row_that_was_changed_is_an_error(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    run = ran(tmp_path, At("evidence"), octets())
    rewritten(run.out, lambda row: row.update(change))
    with pytest.raises(ReplayError, match=said):
        list(results(ended(run.out)))


def test_parts_that_were_changed_are_an_error(tmp_path: Path) -> None:
    run = ran(tmp_path, At("evidence"), octets())
    rewritten(run.out, lambda row: row.update(result_sha256=bytes(32)))
    with pytest.raises(ReplayError, match="the digest of the parts is not that of the summary"):
        ended(run.out)


@pytest.mark.parametrize("name", ["manifest.json", "summary.json", "findings.json"])
@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '[{"id": 1}]', "{}\n\x00"])
def test_a_folder_without_a_run_that_ended_is_an_error(
    tmp_path: Path, name: str, text: str
) -> None:
    out = ran(tmp_path, At("evidence"), octets()).out
    if text == "[]" and name == "findings.json":
        text = "["
    (out / name).write_text(text, encoding="utf-8")
    with pytest.raises(ReplayError, match="holds no run that ended"):
        ended(out)


def test_a_part_that_is_no_table_is_an_error(tmp_path: Path) -> None:
    run = ran(tmp_path, At("evidence"), octets())
    (part,) = (run.out / "results").iterdir()
    part.write_bytes(b"PAR1")
    with pytest.raises(ReplayError, match="holds no run that ended"):
        ended(run.out)
    for read in (lambda: list(results(run)), lambda: rows_named(run, None, 0)):
        with pytest.raises(ReplayError, match="cannot be read"):
            read()


def test_a_digest_is_over_all_parts(tmp_path: Path) -> None:
    run = ran(tmp_path, At("evidence"), *RESPONSES)
    told = json.loads((run.out / "summary.json").read_bytes())["digest"]
    assert (run.summary.digest, digest_of(run.out)) == (told, told)


def test_rows_are_found_by_number_and_source(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"{name}.json").write_bytes(octets(payload_id=f"id-{name}"))
    replay(run_over(folder), tmp_path / "out", Options(0))
    run = ended(tmp_path / "out")
    found = rows_named(run, str(folder / "b.json"), 0)
    assert [judged.result["payload_id"] for judged in found] == ["id-b"]
    assert len(rows_named(run, None, 0)) == 2
    assert rows_named(run, str(folder / "b.json"), 1) == []
    assert rows_named(run, "' OR 1=1 --", 0) == []
