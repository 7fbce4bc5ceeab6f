"""Packing: shards that replay as their files do, and that an interrupted call goes on with."""

import hashlib
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from attest.archive import packing
from attest.archive.packing import Packed, PackError, pack
from attest.archive.saved import FAULT, is_one_response
from tests.archive.making import POSIX, archive_of
from tests.archive.packing import gz, rows_of, table
from tests.cli.calls import attest
from tests.replay.making import octets, parts_of, replayed

RESPONSES = {f"{number}/a.json": octets(number=number) for number in range(5)} | {
    "5.json": octets(number=5, quoted={"magic": 0}),
    "6": b"nonsense",
    "7.json": b"",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in RESPONSES.items():
        path = tmp_path / "responses" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "responses"


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of three files."""
    monkeypatch.setattr(packing, "SHARD_ROWS", 3)


def packed(folder: Path, out: Path) -> tuple[Packed, list[str]]:
    told: list[str] = []
    return pack([str(folder)], out, told.append), told


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.mark.usefixtures("small_shards")
def test_a_shard_holds_octets_path_and_hash_in_order(folder: Path, tmp_path: Path) -> None:
    assert packed(folder, tmp_path / "out") == (Packed(8, 3, 0, 0), [])
    rows = parts_of_shards(tmp_path / "out")
    names = sorted(str(folder / name) for name in RESPONSES)
    assert [row["path"] for row in rows] == names
    for row in rows:
        content = Path(row["path"]).read_bytes()
        assert row["response"] == content
        assert row["sha256"] == hashlib.sha256(content).hexdigest()


def parts_of_shards(out: Path) -> list[dict[str, Any]]:
    shards = sorted(out.iterdir())
    assert [shard.name for shard in shards] == [
        f"part-{number:08}.parquet" for number in range(len(shards))
    ]
    return [row for shard in shards for row in pq.read_table(shard).to_pylist()]


@pytest.mark.usefixtures("small_shards")
def test_shards_replay_as_their_files_but_for_the_names(folder: Path, tmp_path: Path) -> None:
    packed(folder, tmp_path / "shards")
    named = ["source", "row", "entry", "result_sha256", "policy_sha256"]
    replayed(tmp_path / "plain", folder)
    replayed(tmp_path / "packed", tmp_path / "shards")
    plain, shards = parts_of(tmp_path / "plain"), parts_of(tmp_path / "packed")
    assert shards.drop_columns(named).equals(plain.drop_columns(named))
    assert shards["entry"].to_pylist() == plain["source"].to_pylist()
    assert shards["row"].to_pylist() == [0, 1, 2, 0, 1, 2, 0, 1]


@pytest.mark.usefixtures("small_shards")
def test_an_interrupted_pack_goes_on_to_the_same_end(folder: Path, tmp_path: Path) -> None:
    packed(folder, tmp_path / "whole")
    out = tmp_path / "out"
    packed(folder, out)
    for number in (1, 2):
        (out / f"part-{number:08}.parquet").unlink()
    (out / "part-00000001.parquet.7.partial").write_bytes(b"half")
    kept = (out / "part-00000000.parquet").stat().st_mtime_ns
    assert packed(folder, out)[0] == Packed(8, 3, 0, 0)
    assert contents(out) == contents(tmp_path / "whole")
    assert (out / "part-00000000.parquet").stat().st_mtime_ns == kept


def test_shards_are_bounded_by_octets_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_OCTETS", 10)
    assert packed(folder, tmp_path / "out")[0].shards == 7


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("changed", r"part-00000002.parquet: holds another pack: has not .*/6 as it is now"),
        ("more", r"part-00000002.parquet: holds another pack: has another number of files"),
        ("fewer", r"holds another pack: part-00000002.parquet is one too many"),
    ],
)
def test_other_files_than_those_packed_are_refused(
    folder: Path, tmp_path: Path, change: str, reason: str
) -> None:
    packed(folder, tmp_path / "out")
    if change == "changed":
        (folder / "6").write_bytes(b"{}")
    elif change == "more":
        (folder / "8.json").write_bytes(b"{}")
    else:
        (folder / "6").unlink()
        (folder / "7.json").unlink()
    before = contents(tmp_path / "out")
    with pytest.raises(PackError, match=reason):
        packed(folder, tmp_path / "out")
    assert contents(tmp_path / "out") == before


@pytest.mark.parametrize("content", [b"nonsense", table(response=[b"{}"])])
def test_what_is_no_shard_is_refused(folder: Path, tmp_path: Path, content: bytes) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "part-00000000.parquet").write_bytes(content)
    with pytest.raises(PackError, match="is no shard of a pack"):
        packed(folder, out)


def test_a_table_that_was_not_packed_is_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    made = table(response=[b"{}"], path=["a"], sha256=["b"])
    (out / "part-00000000.parquet").write_bytes(made)
    with pytest.raises(PackError, match="was not packed by this version"):
        packed(folder, out)
    assert rows_of("a.parquet", made)[0].entry is None


def test_a_folder_with_something_else_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="is not empty, and holds no pack"):
        packed(folder, tmp_path)
    with pytest.raises(PackError, match="lies in the archive"):
        packed(folder, folder / "out")


def test_no_file_and_a_file_given_twice_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="is given twice"):
        pack([str(folder), str(folder / "6")], tmp_path / "out", print)
    (tmp_path / "empty").mkdir()
    with pytest.raises(PackError, match="no file to pack"):
        packed(tmp_path / "empty", tmp_path / "none")


@POSIX
def test_what_holds_no_single_response_is_named_and_left_out(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MAX_RESPONSE", 100_000)
    archive_of(tmp_path).rename(folder / "gate.json")
    (folder / "a.jsonl").write_bytes(b"{}")
    (folder / "b.json.gz").write_bytes(gz(b"{}"))
    (folder / "link.json").symlink_to(folder / "6")
    (folder / "long.json").write_bytes(bytes(100_001))
    seen, told = packed(folder, tmp_path / "out")
    assert seen == Packed(8, 1, 5, 0)
    assert told == [
        f"{folder}/a.jsonl: does not hold one response as it is: not packed",
        f"{folder}/b.json.gz: does not hold one response as it is: not packed",
        f"{folder}/gate.json: does not hold one response as it is: not packed",
        f"{folder}/link.json: is a link: not read: not packed",
        f"{folder}/long.json: exceeds 100000 octets: not packed",
    ]


def test_a_file_that_goes_away_is_named_and_counted(folder: Path, tmp_path: Path) -> None:
    (folder / "a.jsonl").write_bytes(b"")
    told: list[str] = []

    def tell(message: str) -> None:
        told.append(message)
        (folder / "b.json").unlink(missing_ok=True)

    (folder / "b.json").write_bytes(b"{}")
    assert pack([str(folder)], tmp_path / "out", tell) == Packed(8, 1, 1, 1)
    assert told[1] == f"{folder}/b.json: cannot be read: No such file or directory"


@pytest.mark.parametrize(
    ("name", "single"),
    [("a.json", True), ("a", True), ("A.JSONL", False), ("a.tgz", False), ("a.json.zst", False)],
)
def test_a_name_says_whether_a_file_is_one_response(name: str, single: bool) -> None:
    assert is_one_response(name, b"{}") is single


def test_a_null_in_a_shard_is_a_fault_with_its_path() -> None:
    made = pa.table({"response": [b"{}", None], "path": ["a", "b"], "sha256": ["", ""]})
    sink = io.BytesIO()
    pq.write_table(made.replace_schema_metadata({"tpm-attest.pack": "1"}), sink)
    assert [(row.kind, row.fault) for row in rows_of("a.parquet", sink.getvalue())] == [
        ("response", None),
        (FAULT, "response: is null"),
    ]
    assert rows_of("a.parquet", sink.getvalue())[1].entry == "b"


def test_the_command_says_what_was_packed(folder: Path, tmp_path: Path) -> None:
    done = attest("archive", "pack", folder, "-o", tmp_path / "out")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "8 files in 1 shards\n", "")
    (folder / "a.jsonl").write_bytes(b"")
    done = attest("archive", "pack", folder, "-o", tmp_path / "out")
    assert (done.exit_code, done.stderr) == (
        1,
        f"attest: {folder}/a.jsonl: does not hold one response as it is: not packed\n",
    )
    (folder / "6").write_bytes(b"other")
    done = attest("archive", "pack", folder, "-o", tmp_path / "out")
    assert (done.exit_code, "holds another pack" in done.stderr) == (2, True)
    done = attest("archive", "pack", tmp_path / "missing", "-o", tmp_path / "new")
    assert (done.exit_code, "missing: No such file or directory" in done.stderr) == (2, True)
