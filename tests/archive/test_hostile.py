"""``read_rows`` over damaged and hostile files: each is named, and nothing else is lost."""

import io
import random
import stat
import struct
import tarfile
import zipfile
from typing import Any, BinaryIO

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attest.archive import saved, streams
from attest.archive.forward import Forward
from attest.archive.saved import read_rows
from attest.archive.streams import DamagedError, RawStream, UnreadableError
from attest.document import MAX_RESPONSE
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

MANY = 20_000
TOO_LONG = f"exceeds {MAX_RESPONSE} octets"


def faults_of(name: str, octets: bytes) -> list[str | None]:
    return [row.fault for row in rows_of(name, octets) if row.kind == "fault"]


def noise(count: int) -> bytes:
    """Lines that do not compress, so that a cut compressed file still holds many."""
    chance = random.Random(7)  # noqa: S311 - noise
    return b"".join(b'"%s"\n' % chance.randbytes(30).hex().encode() for _ in range(count))


@pytest.mark.parametrize(
    ("name", "pack", "reason"),
    [
        ("a.jsonl.gz", gz, "is damaged: Compressed file ended before the end-of-stream marker"),
        ("a.jsonl.zst", zstd, "is damaged: Truncated compressed stream"),
    ],
)
def test_a_truncated_file_keeps_the_rows_before(name: str, pack: object, reason: str) -> None:
    assert callable(pack)
    whole = noise(MANY)
    read = rows_of(name, pack(whole)[:-100])
    assert (read[-1].kind, (read[-1].fault or "").startswith(reason)) == ("fault", True)
    assert len(read) > MANY * 0.8
    assert [row.octets for row in read[:-1]] == whole.splitlines()[: len(read) - 1]


@pytest.mark.parametrize(
    ("name", "octets", "reason"),
    [
        ("a.json.gz", b"junk", "is damaged: Not a gzipped file (b'ju')"),
        ("a.json.zst", b"junk", "is damaged: ZSTD decompress failed: Unknown frame descriptor"),
        ("a.json.gz", gz(b"{}")[:-1] + b"\1", "is damaged: Incorrect length of data produced"),
        ("a.json.gz", gz(b"{}") + b"junk", "is damaged: Not a gzipped file (b'ju')"),
        ("a.zip", b"junk", "is damaged: File is not a zip file"),
        ("a.zip", zipped({"a": b"{}"})[:-4], "is damaged: File is not a zip file"),
        ("a.tar", b"junk" * 200, "is damaged: invalid header"),
        ("a.tar", b"", "is damaged: empty file"),
        ("a.parquet", b"junk", "is damaged: Parquet file size is 4 bytes"),
        ("a.parquet", table(other=[1]), "has neither a response nor an attestation column"),
        ("a.parquet", table(response=[1.5]), "is damaged: "),
        ("a.parquet", table(attestation=["{}"], processed_at=["x"]), "is damaged: "),
    ],
)
def test_a_damaged_file_is_one_row_with_the_reason(name: str, octets: bytes, reason: str) -> None:
    (row,) = rows_of(name, octets)
    assert (row.kind, (row.fault or "")[: len(reason)]) == ("fault", reason)


@pytest.mark.parametrize("cut", [700, 1100, 1536, 2000])
def test_a_cut_tar_file_never_ends_in_silence(cut: int) -> None:
    whole = tarred({"a.json": b"{}", "b.json": b"[]"})
    read = rows_of("a.tar", whole[:cut])
    assert read[0].octets == b"{}"
    assert (read[-1].kind, "damaged" in (read[-1].fault or "")) == ("fault", True)


def test_what_follows_the_end_of_a_tar_file_is_no_silence() -> None:
    octets = tarred({"a.json": b"{}"})
    first, second = rows_of("a.tar", octets + octets)
    assert (first.octets, second.fault) == (b"{}", "has more octets after its end: not read")


def test_a_damaged_entry_leaves_the_others(tmp_path: object) -> None:
    octets = zipped({"a.json": b'{"a": "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"}', "b.json": b"{}"})
    broken = bytearray(octets)
    broken[40] ^= 0xFF
    first, second = rows_of("a.zip", bytes(broken))
    assert (first.kind, first.entry, "damaged" in (first.fault or "")) == ("fault", "a.json", True)
    assert second == Row("response", b"{}", "b.json", None)


def test_an_encrypted_entry_is_named() -> None:
    octets = bytearray(zipped({"a.json": b"{}"}))
    for place in (6, octets.index(b"PK\1\2") + 8):
        octets[place] |= 1
    (row,) = rows_of("a.zip", bytes(octets))
    assert row.entry == "a.json"
    assert "is encrypted, password required" in (row.fault or "")


@pytest.mark.parametrize("inner", ["b.zip", "b.tar", "b.tar.gz", "b.tgz", "b.parquet"])
def test_an_archive_inside_an_archive_is_named(inner: str) -> None:
    expected = [Row("fault", None, inner, "is an archive inside an archive: not read")]
    assert rows_of("a.zip", zipped({inner: b""})) == expected
    assert rows_of("a.tar", tarred({inner: b""})) == expected


def test_links_inside_archives_are_not_followed() -> None:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert rows_of("a.tar", tarred({}, [link])) == [
        Row("fault", None, "link", "is no regular file: not read")
    ]
    assert rows_of("a.zip", sink.getvalue()) == [Row("fault", None, "link", "is a link: not read")]


def test_names_with_control_characters_are_entries_like_others() -> None:
    assert rows_of("a.tar", tarred({"\x1b[31m\u202e.json": b"{}"})) == [
        Row("response", b"{}", "\x1b[31m\u202e.json", None)
    ]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json.gz", "a.tar.gz"])
def test_a_bomb_is_not_read_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FREE_EXPANSION", 1024 * 1024)
    bomb = gz(bytes(64 * 1024 * 1024))
    assert faults_of(name, bomb) == ["expands to more than 100 times its size: not read on"]


def test_a_bomb_in_a_zip_file_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FREE_EXPANSION", 1024 * 1024)
    (row,) = rows_of("a.zip", zipped({"a.jsonl": bytes(64 * 1024 * 1024)}))
    assert row.fault == "expands to more than 100 times its size: not read on"


def test_a_line_longer_than_any_response_is_passed_over() -> None:
    long = bytes(MAX_RESPONSE + 5)
    read = rows_of("a.jsonl", lines(1) + long + b"\n" + lines(1, 1) + long)
    assert read == [
        Row("response", documents(1)[0], None, None),
        Row("fault", None, None, f"response: {TOO_LONG}"),
        Row("response", documents(1, 1)[0], None, None),
        Row("fault", None, None, f"response: {TOO_LONG}"),
    ]


def test_a_document_and_a_value_longer_than_any_response_are_named() -> None:
    long = bytes(MAX_RESPONSE + 1)
    assert faults_of("a.json", long) == [f"response: {TOO_LONG}"]
    assert faults_of("a.parquet", table(response=[long])) == [f"response: {TOO_LONG}"]


def test_a_record_longer_than_any_is_named_among_the_others() -> None:
    record = b'{"attestation":1}\n'
    octets = record + b'{"attestation":"' + bytes(MAX_RESPONSE) + b"\n" + record
    read = rows_of("evidence.jsonl", octets)
    assert [row.kind for row in read] == ["record", "fault", "record"]
    assert read[1].fault == f"record: {TOO_LONG}"


def test_a_long_record_at_the_beginning_is_named() -> None:
    octets = b'{"attestation":"' + bytes(MAX_RESPONSE) + b"\n" + b'{"attestation":1}\n'
    assert [row.kind for row in rows_of("evidence.jsonl", octets)] == ["fault", "record"]


def tar_member(name: str, octets: bytes) -> bytes:
    """A member of a tar file, without what ends the file."""
    info = tarfile.TarInfo(name)
    info.size = len(octets)
    return info.tobuf(tarfile.GNU_FORMAT) + octets + bytes(-len(octets) % 512)


@pytest.mark.parametrize(
    "before", [b"", tar_member("a.json", b"{}"), tar_member("b.json", b'"%s"' % (b"b" * 3_000_000))]
)
@pytest.mark.parametrize("size", [(1 << 20) + 1, 1 << 33])
def test_a_tar_header_of_megabytes_is_refused(before: bytes, size: int) -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, size
    octets = before + info.tobuf(tarfile.GNU_FORMAT) + bytes(2 * 1024 * 1024)
    faults = [row.fault for row in rows_of("a.tar", octets)]
    assert faults == [None] * bool(before) + ["has a header of more than 1048576 octets"]


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.zip"])
def test_a_document_of_megabytes_in_an_archive_is_read_whole(name: str) -> None:
    document = b'{"a": "%s"}' % (b"a" * 3_000_000)
    members = {"a.json": document, "b.jsonl": document + b"\n" + document}
    octets = zipped(members) if name == "a.zip" else tarred(members)
    read = rows_of(name, gz(octets) if name == "a.tgz" else octets)
    assert [row.octets for row in read] == [document] * 3


def test_tar_headers_that_go_on_and_on_are_refused() -> None:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 512 * 1024
    header = info.tobuf(tarfile.GNU_FORMAT) + bytes(512 * 1024)
    assert faults_of("a.tar", 3 * header) == ["has a header of more than 1048576 octets"]


def test_a_zip_directory_of_gigabytes_is_refused() -> None:
    octets = zipped({"a": b"{}"})
    end = octets.rindex(b"PK\5\6")
    lie = bytearray(bytes(2 * streams.MAX_TABLE) + octets[:end] + octets[end:])
    size = streams.MAX_TABLE + 2 * streams.PIECE
    struct.pack_into("<I", lie, len(lie) - 22 + 12, size)
    struct.pack_into("<I", lie, len(lie) - 22 + 16, len(lie) - 22 - size)
    (fault,) = faults_of("a.zip", bytes(lie))
    assert fault is not None
    assert "octets, which exceed" in fault


def test_a_small_table_of_one_large_value_stays_small() -> None:
    value = pa.array([b"x" * 1_000_000])
    octets = table(response=pa.DictionaryArray.from_arrays([0] * 2000, value))
    read = [rows.octets for rows in read_rows("a.parquet", io.BytesIO(octets))]
    assert sum(map(len, read)) == 2000
    assert all(one is rows[0] for rows in read for one in rows)


class Gone(io.BytesIO):
    """A file whose store goes away after some octets."""

    def readinto(self, buffer: Any, /) -> int:
        if self.tell() > 0:
            raise OSError(5, "gone")
        return super().readinto(memoryview(buffer)[:100])


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.tar.gz"])
def test_a_file_that_goes_away_is_no_damage(name: str) -> None:
    octets = lines(1000)
    packed = {"gz": gz, "st": zstd}.get(name[-2:], bytes)(octets)
    gone: BinaryIO = Gone(packed)
    with pytest.raises(UnreadableError, match="cannot be read: gone"):
        list(read_rows(name, gone))


def test_a_forward_stream_refuses_to_go_back() -> None:
    raw = io.BufferedReader(RawStream(io.BytesIO(b"abc"), lambda octets: None))
    stream = Forward(raw)
    assert (stream.readable(), stream.seekable(), stream.read(2), stream.tell()) == (
        True,
        True,
        b"ab",
        2,
    )
    with pytest.raises(DamagedError, match="from its beginning to its end"):
        stream.seek(1)
    with pytest.raises(DamagedError, match="how long its parts are"):
        stream.read(-1)
    assert stream.seek(9) == 3


@given(octets=st.binary(max_size=300), suffix=st.sampled_from(
    ["json", "jsonl", "jsonl.gz", "jsonl.zst", "zip", "tar", "tgz", "parquet"]))  # fmt: skip
def test_any_octets_give_rows(octets: bytes, suffix: str) -> None:
    for row in rows_of(f"a.{suffix}", octets):
        assert (row.octets is None) is (row.kind == saved.FAULT)


@given(data=st.data(), kind=st.sampled_from(["zip", "tar", "tgz", "parquet", "jsonl.zst"]))
def test_any_change_of_an_archive_gives_rows(data: st.DataObject, kind: str) -> None:
    members = {"a.json": b"{}", "b.jsonl": lines(3)}
    whole = {
        "zip": zipped(members),
        "tar": tarred(members),
        "tgz": gz(tarred(members)),
        "parquet": table(response=documents(3)),
        "jsonl.zst": zstd(lines(3)),
    }[kind]
    begin, end = sorted(data.draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    lie = whole[:begin] + data.draw(st.binary(max_size=20)) + whole[end:]
    for row in rows_of(f"a.{kind}", lie):
        assert (row.octets is None) is (row.kind == saved.FAULT)
