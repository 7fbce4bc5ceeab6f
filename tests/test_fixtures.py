"""Every recorded and forged case gives what its expected.json says, through every door."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import attest
from attest.cli import main

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(path.parent for path in FIXTURES.glob("*/expected.json"))
"""Folders with response.json, policy.yaml, expected.json and PROVENANCE.md."""

case_folders = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def expected_of(case: Path) -> dict[str, Any]:
    """Read what a case must give."""
    document: dict[str, Any] = json.loads((case / "expected.json").read_text(encoding="utf-8"))
    return document


def arguments_of(expected: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments of ``attest.verify``."""
    given = dict(expected["arguments"])
    if "nonce" in given:
        given["nonce"] = bytes.fromhex(given["nonce"])
    if "at" in given:
        given["at"] = datetime.fromisoformat(given["at"])
    return given


def assert_as_expected(result: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Compare a result's JSON with what a case must give."""
    outcomes = {check["id"]: check["outcome"] for check in result["checks"]}
    seen = {
        "decision": result["decision"],
        "assurance": result["assurance"],
        "baseline": result["baseline"],
        "checks": {check: outcomes.get(check) for check in expected["checks"]},
    }
    wanted = {name: expected[name] for name in seen if name in expected}
    assert {name: seen[name] for name in wanted} == wanted, json.dumps(result["checks"], indent=1)
    assert not [check for check in result["checks"] if check["reason"].startswith("unexpected")]


def verdict_of(result: attest.AttestationResult) -> dict[str, Any]:
    """Return a result without the words of its reasons."""
    document = result.to_dict()
    document["checks"] = [(check.id, str(check.outcome)) for check in result.checks]
    return document


@case_folders
def test_case_is_complete(case: Path) -> None:
    names = {path.name for path in case.iterdir()}
    assert names >= {"response.json", "policy.yaml", "expected.json", "PROVENANCE.md"}


@case_folders
def test_octets_are_judged_as_expected(case: Path) -> None:
    expected = expected_of(case)
    policy = attest.load_policy(case / "policy.yaml")
    result = attest.verify((case / "response.json").read_bytes(), policy, **arguments_of(expected))
    assert_as_expected(result.to_dict(), expected)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if not expected_of(case).get("octets_only")],
    ids=lambda case: case.name,
)
def test_dict_is_judged_as_its_octets(case: Path) -> None:
    octets = (case / "response.json").read_bytes()
    arguments = {"at": datetime.now(UTC)} | arguments_of(expected_of(case))
    policy = attest.load_policy(case / "policy.yaml")
    by_octets = attest.verify(octets, policy, **arguments)
    by_dict = attest.verify(json.loads(octets), policy, **arguments)
    assert verdict_of(by_dict) == verdict_of(by_octets)


@case_folders
def test_command_line_decides_as_expected(case: Path) -> None:
    expected = expected_of(case)
    given = expected["arguments"]
    options = {"--at": "at", "--payload-id": "payload_id", "--nonce": "nonce"}
    options["--tier"] = "security_tier"
    words = ["verify", str(case / "response.json"), "-p", str(case / "policy.yaml")]
    words += [
        word for option, name in options.items() if name in given for word in (option, given[name])
    ]
    done = CliRunner().invoke(main, [*words, "--format", "json"])
    assert done.exit_code == expected["exit"], done.output
    (result,) = json.loads(done.stdout)
    assert_as_expected(result, expected)


def test_every_check_has_a_case_that_it_refuses() -> None:
    refused: set[str] = set()
    for case in CASES:
        expected = expected_of(case)
        refused |= {check for check, outcome in expected["checks"].items() if outcome == "fail"}
    policy = attest.load_policy(CASES[0] / "policy.yaml")
    checks = {check.id for check in attest.verify({}, policy).checks}
    assert refused == checks - {"verifier.cross-check"}  # no evidence at all divides its two stacks
