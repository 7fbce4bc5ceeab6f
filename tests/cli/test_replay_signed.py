"""``attest replay`` by signed policies: the key is demanded, kept by digest, and asked again."""

import hashlib
import json
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization

from attest.replay.case import case_of
from attest.replay.published import ended
from tests import build
from tests.cli.calls import attest
from tests.cli.conftest import written
from tests.cli.test_policy_demands import KEY, pem_of, signed
from tests.replay.making import octets

OTHER: Final = ("--policy-key", "other.pub.pem")
LEAST: Final = ("--min-serial", "7")
RUN: Final = ("replay", "saved.jsonl", "-p", "a.dsse", "-o", "out", *KEY, *LEAST)
CHECK: Final = ("replay", "--check", "out")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: saved responses, two editions of a signed policy, and keys."""
    for key in ("key", "other"):
        pem_of(tmp_path, key)
    (tmp_path / "key.pub.pem").rename(tmp_path / "pub.pem")
    signed(tmp_path, "old", build.policy_text(serial=7))
    signed(tmp_path, "a", build.policy_text(serial=8))
    rows = [*(octets(number=n) for n in range(3)), octets(number=3, quoted={"magic": 0})]
    written(tmp_path / "saved.jsonl", b"\n".join(rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def manifest_of(folder: Path) -> dict[str, Any]:
    document = json.loads((folder / "manifest.json").read_bytes())
    assert isinstance(document, dict)
    return document


def digest_of_key(folder: Path) -> str:
    """SHA-256 of the key as openssl writes it in DER."""
    key = serialization.load_pem_public_key((folder / "pub.pem").read_bytes())
    kinds = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(*kinds)).hexdigest()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_manifest_says_what_was_demanded(folder: Path, processes: str) -> None:
    done = attest(*RUN, "--processes", processes)
    manifest = manifest_of(folder / "out")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout.startswith("4 rows: 3 accepted, 1 refused, 0 malformed\n")
    assert manifest["policy_key_sha256"] == digest_of_key(folder)
    assert manifest["policy_min_serial"] == 7
    assert [one["serial"] for one in manifest["policies"]] == [8]


def test_where_nothing_was_demanded_a_manifest_says_nothing_of_it(folder: Path) -> None:
    written(folder / "plain.yaml", build.policy_text().encode())
    attest("replay", "saved.jsonl", "-p", "plain.yaml", "-o", "out")
    assert not {"policy_key_sha256", "policy_min_serial"} & set(manifest_of(folder / "out"))


def test_signed_and_plain_give_the_same_results(folder: Path) -> None:
    written(folder / "plain.yaml", build.policy_text(serial=8).encode())
    attest(*RUN)
    attest("replay", "saved.jsonl", "-p", "plain.yaml", "-o", "plain")
    one, other = ((folder / name / "summary.json").read_bytes() for name in ("out", "plain"))
    assert one == other


def test_a_run_goes_on_only_by_the_same_demands(folder: Path) -> None:
    attest(*RUN)
    same, fewer = attest(*RUN), attest(*RUN[:-2])
    assert (same.exit_code, same.stderr) == (1, "")
    assert (fewer.exit_code, fewer.stdout) == (2, "")
    assert fewer.stderr == "attest: out: holds another run: policy_min_serial differs\n"


@pytest.mark.usefixtures("folder")
def test_a_run_is_repeated_by_the_key_that_is_named_again() -> None:
    attest(*RUN)
    done = attest(*CHECK, *KEY)
    assert (done.exit_code, done.output) == (0, "SAME      out\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "a.dsse: is signed: name the key to verify it with (--policy-key)"),
        (OTHER, "a.dsse: envelope: is not signed by key"),
        (("--policy-key", "missing.pem"), "missing.pem: cannot be read"),
        ((*KEY, *LEAST), "--check takes everything else but --policy-key from the run"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_run_is_not_repeated_without_its_key(words: tuple[str, ...], said: str) -> None:
    attest(*RUN)
    done = attest(*CHECK, *words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_a_run_is_not_repeated_by_an_older_edition(folder: Path) -> None:
    attest(*RUN[:-1], "8")
    (folder / "old.dsse").replace(folder / "a.dsse")
    done = attest(*CHECK, *KEY)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "serial: 7 is an older edition, expected at least 8" in done.stderr


def test_a_run_by_another_key_or_by_none_is_another_run(folder: Path) -> None:
    attest(*RUN)
    signed(folder, "a", build.policy_text(serial=8), "other")
    resigned = attest(*CHECK, *OTHER)
    written(folder / "a.dsse", build.policy_text(serial=8).encode())
    unsigned = attest(*CHECK)
    for done in (resigned, unsigned):
        assert (done.exit_code, done.stdout) == (1, "DIFFERS   out\n")
        assert done.stderr == "attest: out: policy_key_sha256 differs\n"


DRIFT: Final = ("replay", "saved.jsonl", "--policy-then", "old.dsse", "--policy-now", "a.dsse",
                "-o", "out")  # fmt: skip


@pytest.mark.usefixtures("folder")
def test_both_policies_of_a_drift_are_signed() -> None:
    done = attest(*DRIFT, *KEY)
    assert (done.exit_code, done.stderr) == (1, "")
    assert attest(*CHECK, *KEY).output == "SAME      out\n"
    alone = attest(*CHECK)
    assert (alone.exit_code, alone.stdout, "is signed: name" in alone.stderr) == (2, "", True)


@pytest.mark.parametrize("name", ["old", "a"])
def test_a_drift_takes_no_policy_that_is_not_signed(folder: Path, name: str) -> None:
    written(folder / f"{name}.dsse", build.policy_text(serial=8).encode())
    done = attest(*DRIFT, *KEY)
    assert (done.exit_code, done.stdout, (folder / "out").exists()) == (2, "", False)
    assert f"{name}.dsse: is not signed" in done.stderr


@pytest.mark.usefixtures("folder")
def test_a_comparison_judges_by_no_policy_and_takes_no_key() -> None:
    attest(*RUN)
    assert attest("replay", "--compare", "out", "out").exit_code == 0
    for words in (KEY, LEAST):
        done = attest("replay", "--compare", "out", "out", *words)
        assert (done.exit_code, "--compare takes two folders" in done.stderr) == (2, True)


def test_a_set_of_signed_policies_is_replayed(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "a.dsse").rename(folder / "set" / "a.dsse")
    words = ("replay", "saved.jsonl", "-p", "set", "-o", "out", *KEY)
    assert attest(*words).exit_code == 1
    assert attest(*CHECK, *KEY).exit_code == 0
    case = case_of(ended(folder / "out"), None, 0)
    assert case.policy_text == build.policy_text(serial=8)


def test_a_case_shows_the_policy_that_is_inside(folder: Path) -> None:
    attest(*RUN)
    assert case_of(ended(folder / "out"), None, 0).policy_text == build.policy_text(serial=8)
    written(folder / "a.dsse", b'{"payloadType": 1}')
    assert case_of(ended(folder / "out"), None, 0).policy_text is None


def test_the_commands_of_a_case_name_the_key_and_run(folder: Path) -> None:
    attest(*RUN)
    command = case_of(ended(folder / "out"), None, 3).commands[-1]
    assert f"has the SHA-256 {digest_of_key(folder)}" in command.purpose
    (folder / "pub.pem").rename(folder / "KEY.pem")
    for line in command.line.splitlines():
        _, *words = shlex.split(line)
        done = attest(*words)
        assert done.exit_code == (1 if words[0] == "replay" else 0), done.output
    again = case_of(ended(folder / "again"), None, 3)
    assert again.result_sha256 == case_of(ended(folder / "out"), None, 3).result_sha256


@pytest.mark.parametrize("words", [RUN, (*DRIFT, *KEY, *LEAST)])
def test_the_commands_of_a_report_name_the_key_and_run(
    folder: Path, words: tuple[str, ...]
) -> None:
    attest(*words)
    attest("report", "out", "-o", "report.html")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"has the SHA-256 {digest_of_key(folder)}" in page
    (folder / "pub.pem").rename(folder / "KEY.pem")
    check = "attest replay --check out --policy-key KEY.pem"
    assert check in page
    assert attest(*check.split()[1:]).output == "SAME      out\n"
    assert " --policy-key KEY.pem --min-serial 7 --at evidence -o again/" in page
