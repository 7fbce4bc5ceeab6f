"""Where archives lie: files in the order of their names, links named and not followed."""

import os
from pathlib import Path

import pytest
from pyarrow import fs

from attest.archive.stores import ArrowStore, Source, sources_of, store_of
from tests.archive.making import POSIX


def names_of(*archives: object) -> list[tuple[str, str | None]]:
    found = sources_of([str(archive) for archive in archives])
    return [(source.name, source.fault) for _, _, source in found]


def made(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    return folder


NAMES = ("a.json", "a/x.json", "a/y/z.json", "a0", "b.json", "b.jsonl")


def test_files_come_in_the_order_of_their_whole_names(tmp_path: Path) -> None:
    made(tmp_path, *NAMES)
    names = [name for name, _ in names_of(tmp_path)]
    assert names == sorted(f"{tmp_path}/{name}" for name in NAMES)


def test_archives_are_merged_in_the_order_of_their_files(tmp_path: Path) -> None:
    made(tmp_path, *NAMES)
    archives = (tmp_path / "b.json", tmp_path / "a", tmp_path / "a.json", tmp_path / "a0")
    names = [name for name, _ in names_of(*archives)]
    assert names == sorted(names)
    assert len(names) == 5


def test_a_file_that_is_given_twice_is_refused(tmp_path: Path) -> None:
    made(tmp_path, "a.json")
    with pytest.raises(ValueError, match=r"a\.json: is given twice"):
        names_of(tmp_path, tmp_path / "a.json")


@POSIX
def test_links_and_pipes_in_a_folder_are_named_and_not_read(tmp_path: Path) -> None:
    made(tmp_path, "folder/a.json")
    folder = tmp_path / "folder"
    (folder / "loop").symlink_to(folder)
    (folder / "link.json").symlink_to(folder / "a.json")
    os.mkfifo(folder / "pipe")
    assert names_of(folder) == [
        (f"{folder}/a.json", None),
        (f"{folder}/link.json", "is a link: not read"),
        (f"{folder}/loop", "is a link: not read"),
        (f"{folder}/pipe", "is no regular file: not read"),
    ]


@POSIX
def test_a_link_that_is_named_is_what_it_leads_to(tmp_path: Path) -> None:
    made(tmp_path, "a.json")
    (tmp_path / "link").symlink_to(tmp_path / "a.json")
    ((_, store, source),) = sources_of([str(tmp_path / "link")])
    with store.open(source) as stream:
        assert (source.name, stream.read()) == (str(tmp_path / "link"), b"a.json")


@POSIX
def test_what_becomes_a_link_or_a_folder_later_is_not_opened(tmp_path: Path) -> None:
    made(tmp_path, "a.json", "b.json")
    (_, store, source), _ = sources_of([str(tmp_path)])
    Path(source.path).unlink()
    Path(source.path).symlink_to(tmp_path / "b.json")
    with pytest.raises(OSError, match="symbolic links"):
        store.open(source)
    Path(source.path).unlink()
    Path(source.path).mkdir()
    with pytest.raises(OSError, match="is not a regular file"):
        store.open(source)


@POSIX
def test_a_pipe_that_is_named_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="neither a regular file nor a folder"):
        names_of(tmp_path / "pipe")


@pytest.mark.parametrize("name", ["missing", "a\0b"])
def test_what_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - the system's own words
        names_of(f"{tmp_path}/{name}")


def test_policies_beside_a_gate_archive_are_no_responses(tmp_path: Path) -> None:
    made(tmp_path, "e.jsonl", "e.jsonl.policies/ab.yaml", "other.policies/x.json")
    assert [name for name, _ in names_of(tmp_path)] == [
        f"{tmp_path}/e.jsonl",
        f"{tmp_path}/other.policies/x.json",
    ]


def test_a_folder_that_goes_away_is_named(tmp_path: Path) -> None:
    made(tmp_path, "a.json", "b/c.json")
    found = sources_of([str(tmp_path)])
    next(found)
    (tmp_path / "b" / "c.json").unlink()
    (tmp_path / "b").rmdir()
    assert [source for _, _, source in found] == [
        Source(f"{tmp_path}/b/", f"{tmp_path}/b", "cannot be read: No such file or directory")
    ]


@POSIX
def test_a_name_that_is_no_text_is_escaped_and_opened(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.json"
    Path(os.fsdecode(path)).write_bytes(b"{}")
    ((_, store, source),) = sources_of([str(tmp_path)])
    with store.open(source) as stream:
        assert (source.name, stream.read()) == (f"{tmp_path}/\\udcff.json", b"{}")


def test_an_address_of_a_folder_gives_its_files(tmp_path: Path) -> None:
    made(tmp_path, *NAMES)
    address = tmp_path.as_uri()
    found = list(sources_of([f"{address}/"]))
    assert [source.name for _, _, source in found] == sorted(f"{address}/{name}" for name in NAMES)
    with found[0][1].open(found[0][2]) as stream:
        assert (stream.read(), stream.seek(0)) == (b"a.json", 0)


def test_an_address_of_a_file_gives_it(tmp_path: Path) -> None:
    made(tmp_path, "a.json")
    address = (tmp_path / "a.json").as_uri()
    assert names_of(address) == [(address, None)]


def test_a_file_system_can_be_given(tmp_path: Path) -> None:
    made(tmp_path, "a/b.json")
    store = ArrowStore(fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem()), "a", "mem://a")
    assert list(store.sources("mem://a")) == [Source("mem://a/b.json", "a/b.json")]


@pytest.mark.parametrize("address", ["nothing://x/y", "file:///not/there"])
def test_an_address_that_leads_nowhere_is_refused(address: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - pyarrow's own words
        list(store_of(address).sources(address))
