"""``attest policy test``: cases as fixtures are, and exit codes for continuous integration."""

import json
from pathlib import Path
from typing import Any

import pytest
from junitparser import JUnitXml

from tests import build
from tests.aik import ecc_aik
from tests.cli.calls import FORGED, HONEST, ROOT, attest

ACCEPTED = {"decision": "accepted", "baseline": "release-a", "assurance": "self-consistent"}
REFUSED = {"decision": "refused", "checks": {"quote.magic": "fail"}}


def case(folder: Path, name: str, response: bytes, expected: object) -> Path:
    path = folder / name
    path.mkdir()
    (path / "response.json").write_bytes(response)
    text = expected if isinstance(expected, str) else json.dumps(expected)
    (path / "expected.json").write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one policy for two cases that pass."""
    (tmp_path / "policy.yaml").write_text(build.policy_text(), encoding="utf-8")
    case(tmp_path, "forged", FORGED, REFUSED)
    case(tmp_path, "honest", HONEST, ACCEPTED)
    return tmp_path


def run(*words: object) -> tuple[int, list[str]]:
    done = attest("policy", "test", *words)
    return done.exit_code, (done.stdout + done.stderr).splitlines()


def test_all_as_expected_is_0(folder: Path) -> None:
    lines = ["PASS  forged", "PASS  honest", "2 passed, 0 failed"]
    assert run(folder) == (0, lines)
    assert run(folder / "policy.yaml", folder) == (0, lines)


def test_our_fixtures_are_such_a_folder() -> None:
    code, lines = run(ROOT / "fixtures")
    assert (code, lines[-1].endswith(" passed, 0 failed")) == (0, True)


def test_a_case_may_have_its_own_policy(folder: Path) -> None:
    own = build.policy_text(baselines=[{"name": "release-b", "pcrs": {"sha256": {0: bytes(32)}}}])
    (folder / "honest" / "policy.yaml").write_text(own, encoding="utf-8")
    code, lines = run(folder)
    assert (code, lines[-1]) == (1, "1 passed, 1 failed")
    assert lines[1].startswith("FAIL  honest: decision is refused, expected accepted; ")
    assert run(folder / "policy.yaml", folder)[0] == 0


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"decision": "refused"}, "decision is accepted, expected refused"),
        (ACCEPTED | {"baseline": None}, "baseline is release-a, expected None"),
        (ACCEPTED | {"assurance": "anchored"}, "assurance is self-consistent, expected anchored"),
        (ACCEPTED | {"checks": {"aik.trust": "pass"}}, "aik.trust is warn, expected pass: "),
        (ACCEPTED | {"checks": {"aik.x": "pass"}}, "aik.x: there is no such check"),
        (
            {"decision": "accepted", "arguments": {"payload_id": "another"}},
            "decision is refused, expected accepted",
        ),
        (
            {"decision": "accepted", "arguments": {"security_tier": "high"}},
            "decision is refused, expected accepted",
        ),
    ],
)
def test_what_is_not_as_expected_is_1(folder: Path, expected: Any, said: str) -> None:
    case(folder, "new", HONEST, expected)
    code, lines = run(folder)
    assert (code, lines[-2].startswith(f"FAIL  new: {said}")) == (1, True), lines


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ("{", "expected.json: "),
        ({}, "missing required field `decision`"),
        ({"decision": "maybe"}, "Invalid enum value"),
        (ACCEPTED | {"more": 1}, "unknown field `more`"),
        (ACCEPTED | {"checks": {"aik.trust": "ok"}}, "Invalid enum value"),
        (ACCEPTED | {"arguments": {"nonce": "xy"}}, "non-hexadecimal"),
        (ACCEPTED | {"arguments": {"nonce": "aa"}}, "a nonce was given"),
        (ACCEPTED | {"arguments": {"at": "2026-11-01T00:00:00"}}, "at has no time zone"),
    ],
)
def test_a_case_that_cannot_be_judged_is_2_and_the_others_are(
    folder: Path, expected: Any, said: str
) -> None:
    case(folder, "bad", HONEST, expected)
    code, lines = run(folder)
    assert (code, lines[-1]) == (2, "2 passed, 1 failed")
    assert lines[0].startswith("ERROR bad: ")
    assert said in lines[0]


def test_a_missing_file_is_2(folder: Path) -> None:
    (case(folder, "bad", HONEST, ACCEPTED) / "response.json").unlink()
    code, lines = run(folder)
    assert (code, "No such file or directory" in lines[0]) == (2, True)
    (folder / "policy.yaml").unlink()
    code, lines = run(folder)
    assert (code, "policy.yaml: cannot be read" in lines[1]) == (2, True)


def test_no_case_at_all_is_2(tmp_path: Path) -> None:
    assert run(tmp_path)[0] == 2
    assert run(tmp_path / "none")[0] == 2
    assert run(tmp_path, tmp_path, tmp_path)[0] == 2


def test_a_nonce_is_given_in_hex(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(build.policy_text(nonce="given"), encoding="utf-8")
    response = json.dumps(build.response(ecc_aik(), quoted={"extra_data": b"\x01\x02"})).encode()
    case(tmp_path, "a", response, {"decision": "accepted", "arguments": {"nonce": "0102"}})
    assert run(tmp_path)[0] == 0


def test_junit_tells_failures_from_errors(folder: Path) -> None:
    case(folder, "bad", HONEST, "{")
    case(folder, "wrong", HONEST, REFUSED)
    done = attest("policy", "test", folder, "--format", "junit")
    (suite,) = JUnitXml.fromstring(done.stdout.encode())
    assert done.exit_code == 2
    assert (suite.name, suite.tests, suite.failures, suite.errors) == (
        "attest policy test", 4, 1, 1,
    )  # fmt: skip
    assert [test.name for test in suite] == ["bad", "forged", "honest", "wrong"]
