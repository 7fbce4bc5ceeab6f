"""What only a head kept elsewhere shows, and what ``head`` reads."""

from pathlib import Path

import pytest

from attest.archive import Archive, head, verify_archive
from attest.errors import MalformedError
from tests.archive.making import archive_of, decision, lines_of, places, written
from tests.judging import AT


@pytest.mark.parametrize("left", range(5))
def test_truncation_shows_only_with_the_head(tmp_path: Path, left: int) -> None:
    path = archive_of(tmp_path)
    kept = head(path)
    written(path, lines_of(path)[:left])
    with_head = verify_archive(path, kept)
    assert (verify_archive(path).intact, with_head.intact) == (True, False)
    assert (places(with_head), kept in str(with_head.faults[0])) == ({None}, True)


def test_whole_rewriting_shows_only_with_the_head(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    kept = head(path)
    path.unlink()
    archive = Archive(path)
    for _ in range(5):
        archive.append(decision(tmp_path, released=False), at=AT)
    assert (verify_archive(path).intact, verify_archive(path, kept).intact) == (True, False)


@pytest.mark.parametrize("count", range(4))
def test_a_head_vouches_for_what_was_there_and_not_for_what_followed(
    tmp_path: Path, count: int
) -> None:
    path = archive_of(tmp_path)
    kept = head(path)
    for _ in range(count):
        Archive(path).append(decision(tmp_path))
    seen = verify_archive(path, kept)
    assert (seen.intact, seen.after_head) == (True, count)


def test_a_head_ignores_what_a_crash_left(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    kept = head(path)
    path.write_bytes(path.read_bytes() + lines_of(path)[0][:50])
    assert head(path) == kept


@pytest.mark.parametrize("octets", [b"x\n", b"x", b"\n\nhello", b"[]\n", b'{"a":1}\n'])
def test_a_foreign_file_has_no_head(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "foreign"
    path.write_bytes(octets)
    with pytest.raises(MalformedError):
        head(path)


@pytest.mark.parametrize("name", ["missing", ".", "missing/evidence.jsonl"])
def test_what_cannot_be_read_raises(tmp_path: Path, name: str) -> None:
    for call in (verify_archive, head):
        with pytest.raises(OSError, match=r"directory|denied|regular"):
            call(tmp_path / name)


def test_a_device_is_no_archive() -> None:
    for call in (verify_archive, head):
        with pytest.raises(OSError, match="regular"):
            call("/dev/null")
