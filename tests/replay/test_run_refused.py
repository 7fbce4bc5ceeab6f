"""A run that cannot begin or go on, and inputs that are not what they were."""

from pathlib import Path

import pytest

from attest.archive.stores import sources_of
from attest.replay import run as running
from attest.replay.check import check
from attest.replay.manifest import At
from attest.replay.pool import ReplayError
from attest.replay.run import Options, Watch, replay
from tests.archive.making import POSIX
from tests.replay.making import START, contents, parts_of, replayed, run_over


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"at": At("now", START)}, "at differs"),
        ({"at": At("given", START)}, "at differs"),
        ({"clock": {"safe": "required"}}, "policies differs"),
    ],
)
def test_another_run_in_the_folder_is_refused(
    archive: Path, tmp_path: Path, members: dict[str, object], reason: str
) -> None:
    replayed(tmp_path / "out", archive)
    before = contents(tmp_path / "out")
    with pytest.raises(ReplayError, match=f"holds another run: {reason}"):
        replayed(tmp_path / "out", archive, **members)
    assert contents(tmp_path / "out") == before


def test_another_verifier_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replayed(tmp_path / "out", archive)
    monkeypatch.setattr("attest.replay.manifest.VERIFIER", "tpm-attest 9")
    with pytest.raises(ReplayError, match="holds another run: verifier differs"):
        replayed(tmp_path / "out", archive)


@pytest.mark.parametrize("change", ["more", "fewer", "other"])
def test_other_inputs_are_refused_by_name(archive: Path, tmp_path: Path, change: str) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    archive.rename(folder / "a.jsonl")
    (folder / "b.jsonl").write_bytes(b"{}")
    replayed(tmp_path / "out", folder)
    if change == "more":
        (folder / "c.jsonl").write_bytes(b"{}")
    elif change == "fewer":
        (folder / "b.jsonl").unlink()
    else:
        (folder / "b.jsonl").write_bytes(b"{ }")
    name = "c" if change == "more" else "b"
    with pytest.raises(ReplayError, match=rf"inputs differ: .*{name}\.jsonl"):
        replayed(tmp_path / "out", folder)


@pytest.mark.parametrize("name", ["foreign.txt", "results/foreign.txt"])
def test_a_folder_with_something_else_is_refused(archive: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "out" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(b"mine")
    with pytest.raises(ReplayError, match="is not empty, and holds no run"):
        replayed(tmp_path / "out", archive)
    assert path.read_bytes() == b"mine"


@pytest.mark.parametrize("text", ["", "{}", '{\n "schema": 9,\n "inputs": [\n ]\n}\n'])
def test_a_manifest_that_is_none_is_refused(archive: Path, tmp_path: Path, text: str) -> None:
    replayed(tmp_path / "out", archive)
    (tmp_path / "out" / "manifest.json").write_text(text, encoding="ascii")
    with pytest.raises(ReplayError):
        replayed(tmp_path / "out", archive, at=At("now", START))
    with pytest.raises(ReplayError):
        check(tmp_path / "out", Options(0))


def test_no_file_and_no_row_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(ReplayError, match="no file to read"):
        replayed(tmp_path / "out", folder)
    (folder / "a.jsonl").write_bytes(b"\n")
    with pytest.raises(ReplayError, match="no row to judge"):
        replayed(tmp_path / "out2", folder)


def test_a_file_that_is_given_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="is given twice"):
        replayed(tmp_path / "out", archive, archive)


def test_a_file_that_changes_meanwhile_ends_the_run(archive: Path, tmp_path: Path) -> None:
    run = run_over(archive)

    def begin(_: int) -> None:
        archive.write_bytes(b"{}")

    watch = Watch(begin, lambda octets, rows: None)
    with pytest.raises(ReplayError, match="was changed since it was hashed"):
        replay(run, tmp_path / "out", Options(0, watch=watch))


def test_a_file_that_goes_away_meanwhile_is_named_and_counted(
    archive: Path, tmp_path: Path
) -> None:
    run = run_over(archive)
    watch = Watch(lambda _: archive.unlink(), lambda octets, rows: None)
    outcome = replay(run, tmp_path / "out", Options(0, watch=watch))
    assert outcome.unreadable == (f"{archive}: cannot be read: No such file or directory",)
    assert outcome.summary is not None
    assert (outcome.summary["rows"], outcome.summary["malformed"]) == (1, 1)


@POSIX
def test_a_link_in_a_folder_is_a_malformed_row(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "loop").symlink_to(folder)
    outcome = replayed(tmp_path / "out", folder)
    (row,) = parts_of(tmp_path / "out").to_pylist()
    assert (row["decision"], row["reason"], outcome.unreadable) == (
        "malformed",
        "is a link: not read",
        (),
    )


def test_an_unreadable_file_is_counted_when_it_is_hashed(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    archive.rename(folder / "a.jsonl")
    (folder / "b.jsonl").write_bytes(b"{}")
    found = list(sources_of([str(folder)]))
    Path(found[0][2].path).unlink()
    monkeypatch.setattr(running, "sources_of", lambda archives: iter(found))
    outcome = replayed(tmp_path / "out", folder)
    assert outcome.unreadable == (f"{folder}/a.jsonl: cannot be read: No such file or directory",)
    assert outcome.summary is not None
    assert (outcome.summary["refused"], outcome.summary["malformed"]) == (1, 1)


def test_a_folder_inside_an_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"out: lies in the archive"):
        replayed(tmp_path / "x" / "out", tmp_path)
    assert not (tmp_path / "x").exists()
