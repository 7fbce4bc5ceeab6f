"""``Archive``: several appenders at once, killed appenders, full disks and forbidden folders."""

import os
import pickle
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from attest.archive import Archive, verify_archive
from attest.archive.record import MAX_LINE
from attest.errors import AttestError, EvidenceWriteError
from tests.archive.making import (
    POSIX,
    archive_of,
    decision,
    folder_with_policy,
    judged,
    lines_of,
    record_of,
)
from tests.cli.calls import ROOT, environment
from tests.judging import AT

FULL = """
import resource, sys
from pathlib import Path
from attest.archive import Archive
from attest.errors import EvidenceWriteError
from tests.archive.making import decision
one, archive = decision(Path(sys.argv[1])), Archive(sys.argv[2])
archive.append(one)
size = Path(sys.argv[2]).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + int(sys.argv[3]), resource.RLIM_INFINITY))
for _ in range(3):
    try:
        archive.append(one)
    except EvidenceWriteError as error:
        print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(archive.append(one).seq)
"""


@POSIX
@pytest.mark.parametrize("room", [0, 1, 50, 1000])
def test_a_full_disk_withholds_each_record_until_there_is_room(tmp_path: Path, room: int) -> None:
    path = folder_with_policy(tmp_path) / "evidence.jsonl"
    words = [sys.executable, "-c", FULL, str(tmp_path), str(path), str(room)]
    done = subprocess.run(words, capture_output=True, check=True, cwd=ROOT, env=environment())
    *faults, seq = done.stdout.decode().splitlines()
    assert faults == [f"{path}: File too large"] * 3
    seen = verify_archive(path)
    assert (seen.intact, seen.torn) == (True, int(room > 0)), seen.faults
    assert int(seq) == seen.records - 1 == 1 + seen.torn


FORBIDDEN = """
import os, sys
from attest.archive import Archive
from attest.errors import EvidenceWriteError
if os.geteuid() == 0:
    os.setgid(65534), os.setuid(65534)
try:
    Archive(sys.argv[1])
except EvidenceWriteError as error:
    print(error)
"""


@POSIX
def test_a_folder_that_may_not_be_written_is_an_evidence_write_error() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        path = Path(folder, "evidence.jsonl")
        words = [sys.executable, "-c", FORBIDDEN, str(path)]
        done = subprocess.run(words, capture_output=True, check=True, cwd=ROOT, env=environment())
        Path(folder).chmod(0o755)
    assert done.stdout.decode() == f"{path}: Permission denied\n"


def missing(path: Path) -> Path:
    return path / "missing" / "evidence.jsonl"


def folder(path: Path) -> Path:
    return path


def below_a_file(path: Path) -> Path:
    (path / "file").touch()
    return path / "file" / "evidence.jsonl"


def device(path: Path) -> Path:
    return Path("/dev/null")


@POSIX
@pytest.mark.parametrize("place", [missing, folder, below_a_file, device])
def test_a_place_where_no_archive_can_be_is_an_evidence_write_error(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    path = place(tmp_path)
    with pytest.raises(EvidenceWriteError) as caught:
        Archive(path)
    assert (caught.value.path, str(caught.value)) == (str(path), f"{path}: {caught.value.fault}")


def test_a_path_with_a_nul_is_an_evidence_write_error() -> None:
    with pytest.raises(EvidenceWriteError):
        Archive("a\0b")


def removed(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(b"".join(lines_of(path)[:-1]))


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def replaced(path: Path) -> None:
    other = path.with_suffix(".other")
    other.write_bytes(path.read_bytes() * 2)
    other.replace(path)


@POSIX
@pytest.mark.parametrize("spoil", [removed, cut, emptied, replaced])
def test_an_archive_that_was_cut_or_replaced_is_not_appended_to(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    archive = Archive(tmp_path / "evidence.jsonl")
    for _ in range(3):
        archive.append(decision(tmp_path))
    spoil(tmp_path / "evidence.jsonl")
    with pytest.raises(EvidenceWriteError, match="replaced or cut"):
        archive.append(decision(tmp_path))


@POSIX
def test_what_is_written_is_for_its_owner_only(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    beside = tmp_path / "evidence.jsonl.policies"
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, beside, *beside.iterdir())]
    assert modes == [0o600, 0o700, 0o600]


@POSIX
def test_every_record_is_synced_and_the_folder_with_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def watched(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        real(fd)

    monkeypatch.setattr(os, "fsync", watched)
    one = decision(tmp_path)
    archive = Archive(tmp_path / "evidence.jsonl")
    archive.append(one)
    archive.append(one)
    assert synced.count("evidence.jsonl") == 2
    assert synced.count(tmp_path.name) >= 2
    assert any(name.endswith(".partial") for name in synced)
    assert "evidence.jsonl.policies" in synced


@POSIX
def test_a_record_that_cannot_be_synced_is_an_evidence_write_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, one = Archive(tmp_path / "evidence.jsonl"), decision(tmp_path)
    archive.append(one)

    def failing(fd: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", failing)
        with pytest.raises(EvidenceWriteError, match="Input/output error"):
            archive.append(one)
    assert archive.append(one).seq == 2
    assert verify_archive(archive.path).intact


def test_a_record_longer_than_any_line_is_withheld(tmp_path: Path) -> None:
    one = decision(tmp_path, result=replace(judged(tmp_path), payload_id="a" * MAX_LINE))
    archive = Archive(tmp_path / "evidence.jsonl")
    with pytest.raises(EvidenceWriteError, match="exceed"):
        archive.append(one)
    assert (tmp_path / "evidence.jsonl").read_bytes() == b""


def test_a_record_that_utf_8_cannot_write_is_withheld(tmp_path: Path) -> None:
    one = decision(tmp_path, result=replace(judged(tmp_path), payload_id="\ud800"))
    with pytest.raises(EvidenceWriteError, match="UTF-8"):
        Archive(tmp_path / "evidence.jsonl").append(one)
    assert (tmp_path / "evidence.jsonl").read_bytes() == b""


def test_the_moment_of_a_record_is_now_or_the_callers(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "evidence.jsonl")
    begin = datetime.now(UTC)
    archive.append(decision(tmp_path))
    archive.append(decision(tmp_path), at=AT)
    moments = [record_of(line)["recorded_at"] for line in lines_of(tmp_path / "evidence.jsonl")]
    assert begin <= datetime.fromisoformat(moments[0]) <= datetime.now(UTC)
    assert moments[1] == "2026-11-24T12:00:00Z"
    with pytest.raises(ValueError, match="no time zone"):
        archive.append(decision(tmp_path), at=AT.replace(tzinfo=None))


def test_an_evidence_write_error_is_no_error_that_retries_catch() -> None:
    error = EvidenceWriteError("evidence.jsonl", "No space left on device")
    assert isinstance(error, AttestError)
    assert not isinstance(error, (OSError, TimeoutError, ConnectionError))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.path, again.fault) == (
        "evidence.jsonl: No space left on device",
        "evidence.jsonl",
        "No space left on device",
    )
