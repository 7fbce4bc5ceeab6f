"""Torn lines: what a crash leaves is named by the next appender, and accepted there only."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from attest.archive import Archive, head, verify_archive
from attest.errors import EvidenceWriteError
from tests.archive.making import (
    GENESIS,
    archive_of,
    decision,
    hash_of,
    judged,
    line_of,
    lines_of,
    record_of,
    written,
)

STEP = 97
"""Cuts between are alike: a line is one JSON text."""


def cuts(line: bytes) -> list[int]:
    """Where a line may be cut: near its ends at each octet, and often in between."""
    last = len(line) - 1
    return sorted({*range(1, 60), *range(60, last, STEP), *range(last - 60, last + 1)})


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_a_line_cut_at_any_octet_is_named_by_the_next_appender(tmp_path: Path, whole: int) -> None:
    path = archive_of(tmp_path, whole + 1)
    lines = lines_of(path)
    one = decision(tmp_path)
    kept = hash_of(lines[whole - 1]) if whole else GENESIS
    for cut in cuts(lines[whole]):
        written(path, [*lines[:whole], lines[whole][:cut]])
        before = verify_archive(path)
        assert [fault.line for fault in before.faults] == [whole + 1], cut
        assert head(path) == kept
        receipt = Archive(path, durable=False).append(one)
        seen = verify_archive(path, None if whole == 0 else kept)
        assert (seen.intact, seen.records, seen.torn) == (True, whole + 2, 1), (cut, seen.faults)
        assert (receipt.seq, receipt.sha256) == (whole + 1, seen.head)
        torn = record_of(lines_of(path)[whole + 1])
        assert torn["torn"] == hash_of(lines[whole][:cut])
        assert (torn["seq"], torn["previous"]) == (whole, kept)


def test_a_line_of_every_octet_is_found_torn(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 2)
    octets, first = path.read_bytes(), len(lines_of(path)[0])
    for cut in range(first + 1, len(octets), 11):
        path.write_bytes(octets[:cut])
        assert [fault.line for fault in verify_archive(path).faults] == [2], cut


def test_a_crash_at_any_octet_of_a_repair_is_repaired_too(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 2)
    lines = lines_of(path)
    written(path, [lines[0], lines[1][:100]])
    one = decision(tmp_path)
    Archive(path, durable=False).append(one)
    octets, start = path.read_bytes(), len(lines[0]) + 100
    repair = len(lines_of(path)[2])
    for crash in range(1, repair + 30):
        path.write_bytes(octets[: start + crash])
        for _ in range(2):
            Archive(path, durable=False).append(one)
        seen = verify_archive(path)
        # Once its last octet is there, the record of the repair is in force; the next is torn too.
        torn = 2 if crash > 1 + repair else 1
        assert (seen.intact, seen.torn) == (True, torn), (crash, seen.faults)


@pytest.mark.parametrize("crashes", [1, 2, 5])
def test_repairs_that_crash_again_and_again_end_in_one_record(tmp_path: Path, crashes: int) -> None:
    path = archive_of(tmp_path, 2)
    lines = lines_of(path)
    written(path, [lines[0], lines[1][:100]])
    for _ in range(crashes):
        size = path.stat().st_size
        Archive(path, durable=False).append(decision(tmp_path))
        path.write_bytes(path.read_bytes()[: size + 50])
    Archive(path, durable=False).append(decision(tmp_path))
    seen = verify_archive(path)
    assert (seen.intact, seen.torn, seen.records) == (True, 1, 3)


@pytest.mark.parametrize("left", [b"\0" * 40, b'{"attestation":"{\0\0\0\0', b"\0\n\0\0"])
def test_zeros_of_a_power_cut_are_named(tmp_path: Path, left: bytes) -> None:
    path = archive_of(tmp_path)
    path.write_bytes(path.read_bytes() + left)
    Archive(path).append(decision(tmp_path))
    assert (verify_archive(path).intact, verify_archive(path).torn) == (True, 1)


def test_an_appender_that_is_running_finds_the_torn_line_of_another(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 1)
    archive = Archive(path)
    archive.append(decision(tmp_path))
    with path.open("ab") as stream:
        stream.write(b'{"attest')
    archive.append(decision(tmp_path))
    archive.append(decision(tmp_path))
    seen = verify_archive(path)
    assert (seen.intact, seen.records, seen.torn) == (True, 5, 1)


def repaired(folder: Path) -> tuple[Path, list[bytes]]:
    """An archive of record, torn line, its record, and two records."""
    path = archive_of(folder, 2)
    lines = lines_of(path)
    written(path, [lines[0], lines[1][:100]])
    for _ in range(2):
        Archive(path).append(decision(folder))
    assert verify_archive(path).intact
    return path, lines_of(path)


@pytest.mark.parametrize("order", [(0, 1, 3, 4), (0, 2, 3, 4), (0, 2, 1, 3, 4), (0, 1, 3, 2, 4),
                                   (0, 1, 2, 2, 3, 4), (0, 1, 1, 2, 3, 4), (1, 2, 3, 4),
                                   (0, 1, 2, 4), (0, 1, 2, 1, 3, 4)])  # fmt: skip
def test_a_torn_line_is_accepted_right_before_its_record_only(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    path, lines = repaired(tmp_path)
    assert not verify_archive(written(path, [lines[at] for at in order])).intact


def test_a_torn_line_that_was_changed_is_found(tmp_path: Path) -> None:
    path, lines = repaired(tmp_path)
    lines[1] = lines[1].replace(b"attestation", b"Attestation")
    assert verify_archive(written(path, lines)).faults[0].line == 2


@pytest.mark.parametrize("member", ["seq", "recorded_at", "torn", "previous"])
def test_each_changed_member_of_a_torn_record_is_found(tmp_path: Path, member: str) -> None:
    path, lines = repaired(tmp_path)
    lies = {"seq": 7, "recorded_at": "2026-11-24T12:00:01Z"}
    lines[2] = line_of({**record_of(lines[2]), member: lies.get(member, "cd" * 32)})
    assert not verify_archive(written(path, lines)).intact


def test_a_whole_record_cannot_be_passed_off_as_torn(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    lines = lines_of(path)
    record = record_of(lines[2])
    claim = {name: record[name] for name in ("schema", "seq", "recorded_at", "previous")}
    lines.insert(3, line_of({**claim, "torn": hash_of(lines[2])}))
    assert 5 in {fault.line for fault in verify_archive(written(path, lines)).faults}


@pytest.mark.parametrize("foreign", [b"x\n", b"hello", b"{}\n", b"\n\nx", b"[1]\n" * 1000])
def test_a_foreign_file_is_not_appended_to(tmp_path: Path, foreign: bytes) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(foreign)
    with pytest.raises(EvidenceWriteError, match="beginning of a record"):
        Archive(path)
    assert path.read_bytes() == foreign


def test_the_last_record_is_found_behind_a_long_line(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    with path.open("ab") as stream:
        stream.write(b'{"attestation":"' + b"a" * 1_000_000)
    Archive(path).append(decision(tmp_path))
    assert verify_archive(path).intact


def test_the_last_record_is_found_where_lines_are_long(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    long = replace(judged(tmp_path), payload_id="a" * 200_000)
    for _ in range(3):
        Archive(path).append(decision(tmp_path, result=long))
    seen = verify_archive(path)
    assert (seen.intact, seen.records) == (True, 3), seen.faults


def test_a_head_is_not_that_of_a_line_that_turned_out_torn(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 2)
    unended = head(path)
    path.write_bytes(path.read_bytes()[:-1])
    Archive(path).append(decision(tmp_path))
    assert (verify_archive(path).intact, verify_archive(path, unended).intact) == (True, False)
