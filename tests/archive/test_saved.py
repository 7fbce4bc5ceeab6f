"""``read_rows``: every form of file gives its rows in order."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

from attest.archive.saved import read_rows
from tests.archive.making import archive_of, lines_of
from tests.archive.packing import (
    Row,
    documents,
    gz,
    lines,
    rows_of,
    table,
    tarred,
    zipped,
    zstd,
)


def responses(octets: list[bytes], entry: str | None = None) -> list[Row]:
    return [Row("response", one, entry, None) for one in octets]


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("a.jsonl", lines(3)),
        ("A.JSONL", lines(3)),
        ("a.ndjson", lines(3)),
        ("a.jsonl", lines(3)[:-1]),
        ("a.jsonl", b"\n \r\n" + lines(3).replace(b"\n", b"\n\t\n")),
        ("a.jsonl.gz", gz(lines(3))),
        ("a.jsonl.gz", gz(lines(1)) + gz(lines(2, 1))),
        ("a.jsonl.zst", zstd(lines(3))),
        ("a.jsonl.zst", zstd(lines(1)) + zstd(lines(2, 1))),
        ("a.parquet", table(response=documents(3))),
        ("a.parquet", table(response=[one.decode() for one in documents(3)])),
        ("a.parquet", table(response=pa.array(documents(3), pa.large_binary()))),
        ("a.parquet", table(response=pa.array(documents(3)).dictionary_encode())),
    ],
)
def test_lines_and_tables_have_a_row_each(name: str, octets: bytes) -> None:
    assert rows_of(name, octets) == responses(documents(3))


@pytest.mark.parametrize("name", ["a.json", "saved", "a.txt", "a.json.gz", "a.json.zst"])
def test_any_other_file_is_one_document(name: str) -> None:
    octets = lines(2)
    packed = gz(octets) if name.endswith(".gz") else octets
    packed = zstd(octets) if name.endswith(".zst") else packed
    assert rows_of(name, packed) == responses([octets])


def test_an_empty_file_is_an_empty_document_and_no_line() -> None:
    assert rows_of("a.json", b"") == responses([b""])
    assert rows_of("a.jsonl", b"") == []


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("a.zip", zipped),
        ("a.tar", tarred),
        ("a.tgz", lambda members: gz(tarred(members))),
        ("a.tar.gz", lambda members: gz(tarred(members))),
        ("a.tar.zst", lambda members: zstd(tarred(members))),
    ],
)
def test_archives_hold_such_files_in_their_own_order(name: str, pack: object) -> None:
    assert callable(pack)
    packed = pack({"b/x.json": b"{}", "a.jsonl": lines(2), "c.jsonl.gz": gz(lines(1))})
    assert rows_of(name, packed) == [
        *responses([b"{}"], "b/x.json"),
        *responses(documents(2), "a.jsonl"),
        *responses(documents(1), "c.jsonl.gz"),
    ]


def test_folders_in_archives_are_no_rows() -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.mkdir("folder")
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    assert rows_of("a.zip", sink.getvalue()) == []
    assert rows_of("a.tar", tarred({}, [folder])) == []


def test_a_table_of_attestations_says_what_stood_beside_them() -> None:
    octets = table(
        attestation=['{"is_available": false}'],
        payload_id=["id"],
        security_tier=["high"],
        requested_tier=["maximum"],
        processed_at=pa.array([7], pa.int32()),
        prompt=["is not read"],
    )
    (rows,) = read_rows("a.parquet", io.BytesIO(octets))
    assert (rows.kind, list(rows.octets)) == ("attestation", [b'{"is_available": false}'])
    assert rows.columns == {
        "payload_id": ["id"],
        "security_tier": ["high"],
        "requested_tier": ["maximum"],
        "processed_at": [7],
    }


def test_a_response_column_wins_over_an_attestation_column() -> None:
    octets = table(attestation=["{}"], response=['{"number": 0}'], requested_tier=["high"])
    (rows,) = read_rows("a.parquet", io.BytesIO(octets))
    assert (rows.kind, rows.columns) == ("response", {"requested_tier": ["high"]})


def test_a_null_in_a_table_is_a_fault_among_its_neighbours() -> None:
    octets = table(response=[b"{}", None, b"[]"])
    assert rows_of("a.parquet", octets) == [
        *responses([b"{}"]),
        Row("fault", None, None, "response: is null"),
        *responses([b"[]"]),
    ]


@pytest.mark.parametrize("name", ["evidence.jsonl", "evidence", "evidence.json"])
def test_a_gate_archive_is_known_by_its_records(tmp_path: Path, name: str) -> None:
    octets = archive_of(tmp_path, 3).read_bytes()
    (rows,) = read_rows(name, io.BytesIO(octets))
    assert (rows.kind, list(rows.octets)) == ("record", octets.splitlines())
    assert rows.columns == {"gap": (False, False, False)}


@pytest.mark.parametrize(
    ("order", "gaps"),
    [
        ([1, 2, 3], [True, False, False]),
        ([0, 2, 3], [False, True, False]),
        ([0, 2, 1], [False, True, True]),
        ([0, 0, 1], [False, True, False]),
    ],
)
def test_a_record_that_is_missing_is_a_gap(
    tmp_path: Path, order: list[int], gaps: list[bool]
) -> None:
    kept = lines_of(archive_of(tmp_path, 4))
    octets = b"".join(kept[number] + b"\n" for number in order)
    (rows,) = read_rows("evidence.jsonl", io.BytesIO(octets))
    assert rows.columns == {"gap": tuple(gaps)}


def test_a_changed_record_is_a_gap_before_the_next(tmp_path: Path) -> None:
    kept = lines_of(archive_of(tmp_path, 3))
    changed = kept[0].replace(b'"released":true', b'"released":false')
    octets = b"\n".join([changed, *kept[1:]])
    (rows,) = read_rows("evidence.jsonl", io.BytesIO(octets))
    assert rows.columns == {"gap": (False, True, False)}


@pytest.mark.parametrize("whole", [False, True])
def test_a_torn_line_that_is_accounted_for_is_no_gap(tmp_path: Path, whole: bool) -> None:
    path = archive_of(tmp_path, 3)
    octets = path.read_bytes()
    path.write_bytes(octets[: -1 if whole else -40])
    archive_of(tmp_path, 2)  # appends, after a record of the torn line
    read = list(read_rows("evidence.jsonl", io.BytesIO(path.read_bytes())))
    gaps = [gap for rows in read for gap in rows.columns["gap"]]
    assert sum(map(len, (rows.octets for rows in read))) == 5
    assert gaps == [False] * 5
    assert not any(b'"torn"' in (octets or b"") for rows in read for octets in rows.octets)


def test_what_only_looks_like_a_record_of_a_torn_line_stays_a_row(tmp_path: Path) -> None:
    record = archive_of(tmp_path, 1).read_bytes()
    looks = b'{"previous":"%s","recorded_at":"x","schema":1,"seq":1,"torn":"' % (b"0" * 64)
    read = rows_of("evidence.jsonl", record + looks + b'"}\n')
    assert [row.kind for row in read] == ["record", "record"]


def test_progress_tells_of_every_octet() -> None:
    seen: list[int] = []
    octets = json.dumps(["x" * 5000]).encode()
    list(read_rows("a.json", io.BytesIO(octets), seen.append))
    assert sum(seen) == len(octets)
