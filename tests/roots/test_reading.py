"""Inputs of an import: files, folders and archives; links, pipes and floods are refused by name."""

import os
from pathlib import Path

import pytest

from attest.roots import reading
from attest.roots.source import MAX_FILES, MAX_MEMBER_OCTETS, MAX_SOURCE_OCTETS, SourceError
from tests.roots.cabinets import cabinet


def read(path: Path) -> dict[str, bytes | None]:
    return {member.path: member.octets for member in reading.read_members(path)}


def refused(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        read(path)
    return str(caught.value)


def written(path: Path, octets: bytes = b"octets") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)
    return path


def test_a_file_is_one_member_whatever_its_name(tmp_path: Path) -> None:
    assert read(written(tmp_path / "roots.txt")) == {"roots.txt": b"octets"}


def test_a_folder_is_read_in_order_and_files_of_other_names_are_not_looked_at(
    tmp_path: Path,
) -> None:
    for name in ("b/c.PEM", "a.cer", "b/a.crt", "b/readme.txt", "d.der"):
        written(tmp_path / name)

    seen = read(tmp_path)

    assert list(seen) == ["a.cer", "b/a.crt", "b/c.PEM", "b/readme.txt", "d.der"]
    assert (seen["b/c.PEM"], seen["b/readme.txt"]) == (b"octets", None)


def test_an_archive_is_read_like_a_folder(tmp_path: Path) -> None:
    path = written(tmp_path / "a.cab", cabinet({"x\\a.cer": b"octets", "setup.cmd": b"no"}))

    assert read(path) == {"x/a.cer": b"octets", "setup.cmd": None}


def test_the_input_itself_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written(tmp_path / "a.cer"))

    assert read(tmp_path / "link") == {"link": b"octets"}


def test_refuses_links_in_a_folder(tmp_path: Path) -> None:
    written(tmp_path / "in/a.cer")
    (tmp_path / "in/b").mkdir()
    (tmp_path / "in/b/link.cer").symlink_to(tmp_path / "in/a.cer")

    assert refused(tmp_path / "in") == "b/link.cer: is a link"


def test_refuses_a_link_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)

    assert refused(tmp_path) == "loop: is a link"


def test_refuses_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cer")

    assert refused(tmp_path) == "pipe.cer: is no regular file"
    assert refused(tmp_path / "pipe.cer") == "pipe.cer: is no regular file"


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_refuses_huge_files(tmp_path: Path) -> None:
    alone = sparse(tmp_path / "huge.cer", MAX_SOURCE_OCTETS + 1)

    assert refused(alone) == f"huge.cer: larger than {MAX_SOURCE_OCTETS} octets"
    assert refused(tmp_path) == f"huge.cer: larger than {MAX_MEMBER_OCTETS} octets"


def test_refuses_more_octets_than_an_input_may_have(tmp_path: Path) -> None:
    for number in range(MAX_SOURCE_OCTETS // MAX_MEMBER_OCTETS + 1):
        sparse(tmp_path / f"{number}.cer", MAX_MEMBER_OCTETS)

    assert refused(tmp_path) == f"{tmp_path.name}: more than {MAX_SOURCE_OCTETS} octets"


def test_refuses_more_files_than_an_input_may_have(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 1):
        (tmp_path / str(number)).touch()

    assert refused(tmp_path) == f"{tmp_path.name}: more than {MAX_FILES} files"


def test_refuses_folders_without_end(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*"abcdefghijklmnopq")
    written(deep / "a.cer")

    assert refused(tmp_path) == "a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/: more than 16 folders deep"


def test_what_is_not_there_is_the_systems_to_say(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
