"""``attest archive``: chains verified, heads printed, and exit codes."""

import json
from pathlib import Path

import pytest

from tests.archive.making import GENESIS, archive_of, hash_of, lines_of, written
from tests.cli.calls import attest, run


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return archive_of(tmp_path)


def broken(path: Path) -> Path:
    return written(path, lines_of(path)[:2] + lines_of(path)[3:])


def test_an_intact_archive_is_0_and_says_what_does_not_show(archive: Path) -> None:
    done = attest("archive", "verify", archive)
    last = hash_of(lines_of(archive)[-1])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        f"INTACT    {archive}  5 records, 0 torn lines\n"
        f"          head {last}; without --head, records cut off the end and a rewritten whole do "
        "not show\n"
    )


def test_a_broken_chain_is_1_with_the_line(archive: Path) -> None:
    done = attest("archive", "verify", broken(archive))
    lines = done.stdout.splitlines()
    assert (done.exit_code, done.stderr) == (1, "")
    assert lines[0] == f"BROKEN    {archive}  4 records, 0 torn lines"
    assert lines[1] == "          line 3: seq is 3, expected 2"
    assert lines[2].startswith("          line 3: previous is ")


def test_many_faults_are_summed_up(archive: Path) -> None:
    done = attest("archive", "verify", written(archive, lines_of(archive) * 100))
    assert done.stdout.splitlines()[-1] == "          and 98 more"


def test_policies_that_are_not_there_are_named(archive: Path, tmp_path: Path) -> None:
    done = attest("archive", "verify", written(tmp_path / "copy.jsonl", lines_of(archive)))
    last = done.stdout.splitlines()[-1]
    assert (done.exit_code, "policies that are not beside the archive: " in last) == (0, True)


def test_the_head_is_printed_and_found(archive: Path) -> None:
    done = attest("archive", "head", archive)
    assert (done.exit_code, done.stdout) == (0, hash_of(lines_of(archive)[-1]) + "\n")
    for spelled in (done.stdout.strip(), done.stdout.strip().upper()):
        again = attest("archive", "verify", archive, "--head", spelled)
        assert (again.exit_code, again.stdout.splitlines()[1].strip()) == (
            0,
            f"head {spelled.lower()}",
        )


def test_a_head_followed_by_records_says_so(archive: Path) -> None:
    kept = hash_of(lines_of(archive)[2])
    done = attest("archive", "verify", archive, "--head", kept)
    assert (done.exit_code, "2 records after it" in done.stdout) == (0, True)


def test_truncation_is_1_with_the_head_and_0_without(archive: Path) -> None:
    kept = attest("archive", "head", archive).stdout.strip()
    written(archive, lines_of(archive)[:-1])
    assert attest("archive", "verify", archive).exit_code == 0
    done = attest("archive", "verify", archive, "--head", kept)
    assert (done.exit_code, f"head {kept} is not in the chain" in done.stdout) == (1, True)


def test_the_head_of_an_empty_archive_is_zeros(tmp_path: Path) -> None:
    assert attest("archive", "head", archive_of(tmp_path, 0)).stdout == GENESIS + "\n"


def test_the_head_of_a_foreign_file_is_1(honest: Path) -> None:
    done = attest("archive", "head", honest)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)


def test_json_is_always_an_array(archive: Path) -> None:
    done = attest("archive", "verify", archive, "--format", "json")
    (row,) = json.loads(done.stdout)
    assert (done.exit_code, row["archive"], row["intact"]) == (0, str(archive), True)
    assert (row["records"], row["faults"]) == (5, [])


def test_several_archives_are_each_verified(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    second = broken(archive_of(tmp_path / "b"))
    done = attest("archive", "verify", archive, second, "--format", "json")
    rows = json.loads(done.stdout)
    assert (done.exit_code, [row["intact"] for row in rows]) == (1, [True, False])
    assert rows[1]["faults"][0]["line"] == 3


@pytest.mark.parametrize("name", ["missing", ".", "a\0b"])
def test_what_cannot_be_read_is_2_on_one_line(archive: Path, name: str) -> None:
    path = f"{archive.parent}/{name}"
    done = attest("archive", "head", path)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    done = attest("archive", "verify", path, broken(archive))
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "line 3" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("verify",), ("head",), ("head", "a", "b"), ("verify", "a", "--head", "zz"),
        ("verify", "a", "--head", "00"), ("verify", "a", "--head", ""),
        ("verify", "a", "b", "--head", GENESIS), ("verify", "a", "--format", "xml"), ("judge",),
    ],
)  # fmt: skip
def test_a_wrong_call_is_2(words: tuple[str, ...]) -> None:
    done = attest("archive", *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("words", [(), ("verify",), ("head",)])
def test_help_shows_examples(words: tuple[str, ...]) -> None:
    done = attest("archive", *words, "--help")
    assert (done.exit_code, "attest archive" in done.stdout.partition("Examples:")[2]) == (0, True)


def test_a_process_leaves_with_the_exit_code(archive: Path) -> None:
    assert run("archive", "verify", archive).returncode == 0
    assert run("archive", "verify", broken(archive)).returncode == 1


def test_the_schema_of_records_is_printed() -> None:
    done = attest("policy", "schema", "record")
    assert (done.exit_code, json.loads(done.stdout)["title"]) == (0, "tpm-attest record")
