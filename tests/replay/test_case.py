"""One response of a run: its result, what judged it, and commands that check it."""

import hashlib
import shlex
from pathlib import Path

import pytest

from attest.replay.case import case_of
from attest.replay.manifest import At
from attest.replay.pool import ReplayError
from attest.replay.published import ended
from attest.replay.run import Options, replay
from tests import build
from tests.archive.making import POSIX
from tests.archive.packing import zipped
from tests.replay.making import START, octets, run_over
from tests.replay.reported import run_of, unjudged, usual


def test_a_case_names_input_policy_and_run(tmp_path: Path) -> None:
    run = usual(tmp_path)
    case = case_of(run, str(tmp_path / "saved.jsonl"), 14)
    saved = (tmp_path / "saved.jsonl").read_bytes()
    assert (case.input_sha256, case.input_octets) == (
        hashlib.sha256(saved).hexdigest(),
        len(saved),
    )
    assert case.policy_text == (tmp_path / "replayed.yaml").read_text(encoding="utf-8")
    assert (case.refused_by, case.moment_source) == (("pcr.baseline",), "claimed")
    assert (case.digest, case.without) == (run.summary.digest, ("verifier",))


def test_its_commands_give_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.cli.calls import attest  # noqa: PLC0415 - the command, as the case names it

    case = case_of(usual(tmp_path), None, 14)
    monkeypatch.chdir(tmp_path)
    for line in case.commands[-1].line.splitlines():
        program, *words = shlex.split(line)
        assert (program, attest(*words).exit_code) in (("attest", 0), ("attest", 1))
    again = case_of(ended(tmp_path / "again"), None, 14)
    assert again.result_sha256 == case.result_sha256


@pytest.mark.parametrize("mode", ["now", "given"])
def test_one_moment_for_all_is_named(tmp_path: Path, mode: str) -> None:
    case = case_of(run_of(tmp_path, octets(), at=At(mode, START)), None, 0)
    assert "--at 2026-11-24T12:00:00Z" in case.commands[-1].line
    assert ("verified_at" in case.without) is (mode == "now")


def test_a_policy_that_was_changed_is_not_shown(tmp_path: Path) -> None:
    run = run_of(tmp_path, octets())
    path = tmp_path / "replayed.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    assert case_of(run, None, 0).policy_text is None
    path.unlink()
    assert case_of(run, None, 0).policy_text is None


def test_a_policy_is_found_in_its_set(tmp_path: Path) -> None:
    saved = tmp_path / "saved.jsonl"
    saved.write_bytes(octets())
    run = run_over(saved)
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.yaml").write_text("# none of it\n", encoding="utf-8")
    (folder / "b.yaml").write_bytes((tmp_path / "replayed.yaml").read_bytes())
    replay(run, tmp_path / "out", Options(0))
    path = tmp_path / "out" / "manifest.json"
    name = f'"{tmp_path / "replayed.yaml"}"'
    path.write_text(path.read_text().replace(name, f'"{folder}"'))
    text = case_of(ended(tmp_path / "out"), None, 0).policy_text
    assert text == (folder / "b.yaml").read_text(encoding="utf-8")


def test_an_entry_of_an_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "saved.zip"
    path.write_bytes(zipped({"inner/a.json": octets()}))
    replay(run_over(path), tmp_path / "out", Options(0))
    case = case_of(ended(tmp_path / "out"), None, 0)
    assert case.entry == "inner/a.json"
    assert "row 0, in inner/a.json" in case.commands[-1].purpose


@POSIX
def test_a_row_of_an_input_that_was_not_read_has_no_hash(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "b").symlink_to(folder)
    (folder / "a.json").write_bytes(octets())
    replay(run_over(folder), tmp_path / "out", Options(0))
    case = case_of(ended(tmp_path / "out"), str(folder / "b"), 0)
    assert (case.input_sha256, len(case.commands)) == (None, 2)


def test_an_input_that_the_manifest_does_not_name_has_no_hash(tmp_path: Path) -> None:
    run = run_of(tmp_path, octets())
    path = run.out / "manifest.json"
    path.write_text(path.read_text().replace('"source": "', '"source": "x'))
    assert case_of(run, None, 0).input_octets is None


def test_a_row_that_no_policy_judged_has_no_policy(tmp_path: Path) -> None:
    case = case_of(unjudged(tmp_path), None, 0)
    assert (case.result["policy"], case.policy_text) == (None, None)


@pytest.mark.parametrize(
    ("source", "row", "said"),
    [(None, 99, "no source has row 99"), ("elsewhere", 0, "elsewhere has no row 0")],
)
def test_a_row_that_is_not_there_is_an_error(
    tmp_path: Path, source: str | None, row: int, said: str
) -> None:
    with pytest.raises(ReplayError, match=said):
        case_of(run_of(tmp_path, octets()), source, row)


def test_a_number_that_several_sources_have_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.json", "b.json"):
        (folder / name).write_bytes(octets(payload_id=name))
    replay(run_over(folder), tmp_path / "out", Options(0))
    with pytest.raises(ReplayError, match="several sources have row 0: name one, as SOURCE:0"):
        case_of(ended(tmp_path / "out"), None, 0)


def test_values_are_those_of_the_build(tmp_path: Path) -> None:
    pcrs = case_of(run_of(tmp_path, octets()), None, 0).result["pcrs"]
    assert pcrs["sha256"]["7"] == build.VALUES["sha256"][7].hex()
