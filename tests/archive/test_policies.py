"""The policies of an archive: kept beside it by digest, or no record is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import attest
from attest.archive import Archive, head, verify_archive
from attest.errors import EvidenceWriteError
from attest.policy.loader import parse_policy
from tests import build
from tests.archive.making import (
    POSIX,
    archive_of,
    decision,
    lines_of,
    record_of,
    response,
)
from tests.judging import AT, policy_of

# --- the policy beside the archive -----------------------------------------------------------


def test_the_policy_is_kept_beside_the_archive_by_digest(tmp_path: Path) -> None:
    path = archive_of(tmp_path)
    digest = record_of(lines_of(path)[0])["policy_sha256"]
    (kept,) = (tmp_path / "evidence.jsonl.policies").iterdir()
    assert kept.name == f"{digest}.yaml"
    assert kept.read_bytes() == (tmp_path / "policy.yaml").read_bytes()
    assert attest.load_policy(kept).sha256 == digest  # type: ignore[union-attr] # one file


def test_a_policy_kept_early_may_change_on_disk_afterwards(tmp_path: Path) -> None:
    told = decision(tmp_path)
    policy = told.result.policy
    assert policy is not None
    archive = Archive(tmp_path / "e.jsonl")
    archive.keep_policy(attest.PolicySet((policy,), "set"))
    (tmp_path / "policy.yaml").write_text("changed", encoding="utf-8")
    assert archive.append(told).seq == 0


def changed(folder: Path) -> None:
    (folder / "policy.yaml").write_text("changed", encoding="utf-8")


def gone(folder: Path) -> None:
    (folder / "policy.yaml").unlink()


def squatted(folder: Path) -> None:
    archive_of(folder, 1)
    (kept,) = (folder / "evidence.jsonl.policies").iterdir()
    kept.write_text("squatted", encoding="utf-8")


@pytest.mark.parametrize("spoil", [changed, gone, squatted])
def test_a_policy_that_cannot_be_kept_withholds_the_record(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    told = decision(tmp_path)
    spoil(tmp_path)
    path = tmp_path / "evidence.jsonl"
    before = path.read_bytes() if path.exists() else b""
    with pytest.raises(EvidenceWriteError, match="polic"):
        Archive(path).append(told)
    assert path.read_bytes() == before


def test_a_half_written_policy_of_a_crash_is_written_anew(tmp_path: Path) -> None:
    told = decision(tmp_path)
    folder = tmp_path / "e.jsonl.policies"
    folder.mkdir()
    policy = told.result.policy
    assert policy is not None
    (folder / f"{policy.sha256}.partial").write_bytes(b"schema")
    Archive(tmp_path / "e.jsonl").append(told)
    assert [path.name for path in folder.iterdir()] == [f"{policy.sha256}.yaml"]


def test_a_policy_without_a_file_cannot_be_kept(tmp_path: Path) -> None:
    result = attest.verify(response(), policy_of(), payload_id=build.PAYLOAD_ID, at=AT)
    with pytest.raises(EvidenceWriteError, match="policy"):
        Archive(tmp_path / "e.jsonl").append(decision(tmp_path, result=result))
    assert parse_policy(build.policy_text().encode(), "p").sha256 == policy_of().sha256


@POSIX
def test_a_pipe_in_the_place_of_a_policy_holds_nobody_up(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 1)
    (kept,) = (tmp_path / "evidence.jsonl.policies").iterdir()
    kept.unlink()
    os.mkfifo(kept)
    (fault,) = verify_archive(path).faults
    assert (fault.line, fault.reason.endswith("is not a regular file")) == (1, True)


@POSIX
def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for call in (verify_archive, head):
        with pytest.raises(OSError, match="regular"):
            call(tmp_path / "pipe")
    with pytest.raises(EvidenceWriteError, match="regular"):
        Archive(tmp_path / "pipe")
