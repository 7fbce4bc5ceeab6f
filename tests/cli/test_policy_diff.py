"""``attest policy diff``: members that differ, and responses that are decided in another way."""

import json
from pathlib import Path

import pytest

from tests import build
from tests.aik import ecc_aik
from tests.cli.calls import FORGED, HONEST, attest
from tests.judging import octets_of

OTHER = {"sha256": {**build.VALUES["sha256"], 0: b"\x01" * 31 + b"\x02"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Policies of two releases, and responses of both and a forged one."""
    for name, values in (("a", build.VALUES), ("b", OTHER)):
        text = build.policy_text(values)
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    other = octets_of(build.response(ecc_aik(), values=OTHER))
    (tmp_path / "r.jsonl").write_bytes(b"\n".join((HONEST, other, FORGED)))
    (tmp_path / "r.json").write_bytes(HONEST)
    return tmp_path


def diff(folder: Path, *words: str) -> tuple[int, str, str]:
    placed = [str(folder / word) if "." in word else word for word in words]
    done = attest("policy", "diff", *placed)
    return done.exit_code, done.stdout, done.stderr


def test_no_difference_is_0_and_silent(folder: Path) -> None:
    assert diff(folder, "a.yaml", "a.yaml") == (0, "", "")


def test_differences_are_1_each_on_a_line(folder: Path) -> None:
    code, said, _ = diff(folder, "a.yaml", "b.yaml")
    old, new = build.VALUES["sha256"][0].hex(), OTHER["sha256"][0].hex()
    line = f"~ baselines.release-a.pcrs.sha256.0: {old} -> {new}\n"
    assert (code, said) == (1, line)


@pytest.mark.parametrize("words", [("r.jsonl",), ("--responses", "r.jsonl")])
def test_evidence_says_what_is_newly_accepted_and_refused(
    folder: Path, words: tuple[str, ...]
) -> None:
    code, said, _ = diff(folder, "a.yaml", "b.yaml", *words)
    lines = said.splitlines()
    assert code == 1
    assert lines[1] == f"newly accepted: {folder / 'r.jsonl'} row 1"
    assert lines[2].startswith(f"newly refused: {folder / 'r.jsonl'} row 0: pcr.baseline: ")
    assert lines[3:] == ["3 responses: 1 newly accepted, 1 newly refused"]


def test_one_policy_says_what_it_refuses(folder: Path) -> None:
    code, said, _ = diff(folder, "a.yaml", "r.jsonl")
    assert (code, said.splitlines()[-1]) == (1, "3 responses: 2 refused")
    assert diff(folder, "a.yaml", "r.json") == (0, "1 responses: 0 refused\n", "")


def test_json_has_changes_and_responses(folder: Path) -> None:
    code, said, _ = diff(folder, "a.yaml", "b.yaml", "r.jsonl", "--format", "json")
    document = json.loads(said)
    assert code == 1
    assert [change["kind"] for change in document["changes"]] == ["changed"]
    assert document["responses"]["judged"] == 3
    (accepted,) = document["responses"]["newly_accepted"]
    (refused,) = document["responses"]["newly_refused"]
    assert (accepted["row"], accepted["baseline"], accepted["refusals"]) == (1, "release-a", [])
    assert [one["id"] for one in refused["refusals"]] == ["pcr.baseline"]
    assert [one["pcr"] for one in refused["differences"]] == [0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a.yaml",), "one policy is compared with responses: there are none"),
        (("r.json",), "0 policies, expected one or two"),
        (("a.yaml", "a.yaml", "a.yaml"), "3 policies, expected one or two"),
        (("a.yaml", "none.yaml"), "cannot be read"),
        (("a.yaml", "empty.jsonl"), "no response to judge"),
        (("a.yaml", "none.json"), "none.json: No such file"),
        (("given.yaml", "r.json"), "no nonce was given"),
    ],
)
def test_a_wrong_call_is_2(folder: Path, words: tuple[str, ...], said: str) -> None:
    (folder / "empty.jsonl").write_bytes(b"\n")
    (folder / "given.yaml").write_text(build.policy_text(nonce="given"), encoding="utf-8")
    code, _, errors = diff(folder, *words)
    assert (code, said in errors) == (2, True), errors
