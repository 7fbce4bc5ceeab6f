"""``attest policy``: findings on standard output, faults on standard error, and exit codes."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest

from tests import build
from tests.aik import rsa_aik
from tests.cli.calls import attest, run

ENROLLED = {"trust": "enrolled", "names": [rsa_aik().name]}
GOLDEN = {"sha256": {0: build.VALUES["sha256"][0]}}
OVER = {"name": "r", "valid": {"until": "2026-01-01T00:00:00Z"}, "pcrs": GOLDEN}
NEVER = {"baselines": [{"name": "r", "pcrs": GOLDEN}], "pcrs": {"sha256": {0: "initial"}}}


def written(folder: Path, /, **members: object) -> Path:
    path = folder / f"{members.get('name', 'p')}.yaml"
    path.write_text(build.policy_text(build.VALUES, **members), encoding="utf-8")
    return path


def test_lint_without_findings_is_0(tmp_path: Path) -> None:
    done = attest("policy", "lint", written(tmp_path, aik=ENROLLED))
    assert (done.exit_code, done.stdout, done.stderr) == (0, "0 errors, 0 warnings\n", "")


def test_lint_with_warnings_only_is_0(tmp_path: Path) -> None:
    policy = written(tmp_path)
    done = attest("policy", "lint", policy)
    lines = done.stdout.splitlines()
    assert (done.exit_code, len(lines), lines[-1]) == (0, 2, "0 errors, 1 warnings")
    assert lines[0].startswith(f"{policy}:4:10: warning: aik.trust: unanchored: ")
    assert lines[0].endswith(" [aik.unanchored]")


def test_lint_with_errors_is_1(tmp_path: Path) -> None:
    done = attest("policy", "lint", written(tmp_path, aik=ENROLLED, **NEVER))
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (1, "1 errors, 0 warnings")


@pytest.mark.parametrize(("members", "code"), [({}, 1), (NEVER, 1), ({"aik": ENROLLED}, 0)])
def test_lint_strictly_is_1_with_any_finding(
    tmp_path: Path, members: dict[str, object], code: int
) -> None:
    assert attest("policy", "lint", "--strict", written(tmp_path, **members)).exit_code == code


def test_lint_of_what_does_not_load_is_2_with_the_place_on_one_line(tmp_path: Path) -> None:
    policy = written(tmp_path, tpm="sometimes")
    done = attest("policy", "lint", policy)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"attest: {policy}:")


@pytest.mark.parametrize("name", ["missing.yaml", "empty"])
def test_lint_of_what_cannot_be_read_is_2(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    done = attest("policy", "lint", tmp_path / name)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


def test_lint_goes_on_after_what_does_not_load_and_2_beats_1(tmp_path: Path) -> None:
    broken, never = tmp_path / "missing.yaml", written(tmp_path, aik=ENROLLED, **NEVER)
    done = attest("policy", "lint", broken, never)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (2, "1 errors, 0 warnings")


def test_lint_takes_a_directory(tmp_path: Path) -> None:
    written(tmp_path, name="a")
    written(tmp_path, name="b", nonce="none")
    done = attest("policy", "lint", tmp_path)
    files = [Path(line.split(":")[0]).name for line in done.stdout.splitlines()[:-1]]
    assert (done.exit_code, files) == (0, ["a.yaml", "b.yaml", "b.yaml"])


def test_lint_takes_many_policies(tmp_path: Path) -> None:
    first, second = written(tmp_path, name="a"), written(tmp_path, name="b")
    done = attest("policy", "lint", first, second)
    assert done.stdout.splitlines()[-1] == "0 errors, 2 warnings"


@pytest.mark.parametrize(
    ("at", "warnings"),
    [("2025-12-31T23:59:59Z", 0), ("2026-01-01T00:00:00Z", 1), ("now", 1)],
)
def test_lint_judges_expiry_at_the_moment_given(tmp_path: Path, at: str, warnings: int) -> None:
    policy = written(tmp_path, aik=ENROLLED, baselines=[OVER])
    done = attest("policy", "lint", "--at", at, policy)
    assert done.stdout.splitlines()[-1] == f"0 errors, {warnings} warnings"


@pytest.mark.parametrize(
    "words",
    [("lint",), ("lint", "--at", "evidence", "p.yaml"), ("schema", "archive"), ("judge",)],
)
def test_policy_called_wrongly_is_2(words: tuple[str, ...]) -> None:
    assert attest("policy", *words).exit_code == 2


@pytest.mark.parametrize(("words", "title"), [((), "policy"), (("policy",), "policy"),
                                              (("result",), "result")])  # fmt: skip
def test_schema_is_printed(words: tuple[str, ...], title: str) -> None:
    done = attest("policy", "schema", *words)
    document = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(document)
    assert (done.exit_code, document["title"]) == (0, f"tpm-attest {title}")


def test_lint_runs_as_a_process(tmp_path: Path) -> None:
    done = run("policy", "lint", "--strict", written(tmp_path))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, b"0 errors, 1 warnings")
