"""action.yml: its scripts run as written; what they say decides the job, and is uploaded."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Final, NamedTuple
from urllib.parse import quote

import pytest

from tests.cli.calls import ROOT, attest
from tests.live.composite import Job, read_yaml, take

ACCEPTED: Final = "fixtures/swtpm-rsa2048-rsassa-sha256"
REFUSED: Final = "fixtures/swtpm-other-release"
UPLOAD: Final = "github/codeql-action/upload-sarif@v4"
Taken = Callable[..., Job]


def found(job: Job, step: str) -> list[tuple[str, str]]:
    """The results in the report of a step, each by file and rule."""
    log = json.loads(Path(job.value(f"steps.{step}.outputs.sarif")).read_text(encoding="utf-8"))
    (run,) = log["runs"]
    return [
        (place["physicalLocation"]["artifactLocation"]["uri"], result["ruleId"])
        for result in run["results"]
        for place in result["locations"]
    ]


def uploaded(job: Job) -> list[str]:
    """The categories that were sent to code scanning."""
    return [given["category"] for name, given in job.used if name == UPLOAD]


@pytest.fixture(scope="module")
def wheelhouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of this checkout with what it needs to verify signed policies."""
    folder = tmp_path_factory.mktemp("wheelhouse")
    subprocess.run(
        [sys.executable, "-m", "pip", "-qq", "wheel", "--wheel-dir", folder, f"{ROOT}[jose]"],
        check=True,
        timeout=300,
    )
    return folder


def make_workspace(folder: Path) -> Path:
    """Make a folder with policies of its own and the fixtures, which are only read."""
    folder.mkdir()
    (folder / "fixtures").symlink_to(ROOT / "fixtures")
    shutil.copytree(ROOT / "policies", folder / "policies")
    return folder


class Signed(NamedTuple):
    """A signed policy, the public key that it is signed with, and another one."""

    policy: Path
    public: Path
    other: Path


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Signed:
    folder = tmp_path_factory.mktemp("signed")
    for name in ("key", "other"):
        key, public = str(folder / f"{name}.pem"), str(folder / f"{name}.public.pem")
        for words in (
            ("genpkey", "-algorithm", "ED25519", "-out", key),
            ("pkey", "-in", key, "-pubout", "-out", public),
        ):
            subprocess.run(["openssl", *words], check=True, timeout=60)
    policy, key = folder / "policy.dsse", str(folder / "key.pem")
    made = attest("policy", "sign", ROOT / ACCEPTED / "policy.yaml", "--key", key, "-o", policy)
    assert made.exit_code == 0, made.output
    return Signed(policy, folder / "key.public.pem", folder / "other.public.pem")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory, wheelhouse: Path, signed: Signed) -> Job:
    """A job that installs all that later ones need, and judges by a signed policy."""
    folder = tmp_path_factory.mktemp("first")
    inputs = {
        "policy": str(signed.policy),
        "policy-key": str(signed.public),
        "responses": f"{ACCEPTED}/response.json",
        "wheelhouse": str(wheelhouse),
    }
    return take(make_workspace(folder / "workspace"), folder, inputs)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "workspace")


@pytest.fixture
def taken(tmp_path: Path, workspace: Path, first: Job) -> Taken:
    """Take the action in the workspace, each time as a job of its own."""

    def call(**inputs: str) -> Job:
        temp = Path(mkdtemp(dir=tmp_path))
        given = {name.replace("_", "-"): value for name, value in inputs.items()}
        return take(workspace, temp, given, first.temp / "tpm-attest")

    return call


def test_accepted_responses_pass_and_both_reports_are_uploaded(taken: Taken) -> None:
    job = taken(policy=f"{ACCEPTED}/policy.yaml", responses=f"{ACCEPTED}/response.json\n")
    assert (job.exit_code, job.said) == (0, "")
    assert found(job, "lint") == [(f"{ACCEPTED}/policy.yaml", "aik.unanchored")]
    assert found(job, "verify") == []
    assert uploaded(job) == ["attest-policy-lint", "attest-verify"]


def test_refusal_fails_the_job_and_is_uploaded(taken: Taken) -> None:
    job = taken(policy=f"{REFUSED}/policy.yaml", responses=f"{REFUSED}/response.json")
    assert job.exit_code == 1
    assert found(job, "verify") == [(f"{REFUSED}/response.json", "pcr.baseline")]
    assert uploaded(job) == ["attest-policy-lint", "attest-verify"]


def test_upload_can_be_left_to_the_job(taken: Taken) -> None:
    job = taken(
        policy=f"{REFUSED}/policy.yaml", responses=f"{REFUSED}/response.json", upload="false"
    )
    assert job.exit_code == 1
    assert uploaded(job) == []
    assert found(job, "verify") == [(f"{REFUSED}/response.json", "pcr.baseline")]


def test_policy_that_does_not_load_fails_with_its_place_and_judges_nothing(
    taken: Taken, workspace: Path
) -> None:
    bad = "policies/bad.yaml"
    (workspace / bad).write_text("schema: 2\n", encoding="utf-8")
    job = taken(policy=bad, responses=f"{ACCEPTED}/response.json")
    assert job.exit_code == 2
    assert f"attest: {bad}:1:9: schema: expected 1" in job.said
    assert found(job, "lint") == [(bad, "policy.load")]
    assert uploaded(job) == ["attest-policy-lint"]


@pytest.mark.parametrize(("strict", "exit_code"), [("false", 0), ("true", 1)])
def test_warnings_fail_only_where_they_should(taken: Taken, strict: str, exit_code: int) -> None:
    job = taken(command="lint", policy="policies", strict=strict)
    assert job.exit_code == exit_code
    assert {rule for _, rule in found(job, "lint")} == {"aik.unanchored"}


def test_each_line_is_one_pattern(taken: Taken, workspace: Path) -> None:
    (workspace / "saved").mkdir()
    for name in ("a b.json", "c1.json", "c2.json"):
        (workspace / "saved" / name).write_text("{}", encoding="utf-8")
    job = taken(policy=f"{ACCEPTED}/policy.yaml", responses="saved/a b.json\nsaved/c*.json\n")
    assert job.exit_code == 1
    assert {uri for uri, _ in found(job, "verify")} == {
        "saved/a%20b.json",
        "saved/c1.json",
        "saved/c2.json",
    }


def test_pattern_without_a_file_fails(taken: Taken) -> None:
    job = taken(
        policy=f"{ACCEPTED}/policy.yaml", responses=f"{ACCEPTED}/response.json\nsaved/*.json"
    )
    assert (job.exit_code, job.said) == (2, "attest: saved/*.json: No such file or directory\n")


def test_input_is_never_read_as_a_command_or_an_option(taken: Taken) -> None:
    job = taken(policy="$(touch stolen)", responses="--help\n`touch stolen`\n; touch stolen")
    assert job.exit_code == 2
    assert "attest: $(touch stolen): " in job.said
    assert not (job.workspace / "stolen").exists()
    job = taken(policy=f"{ACCEPTED}/policy.yaml", responses="--help\n`touch stolen`")
    assert job.exit_code == 2
    assert "attest: --help: No such file or directory" in job.said
    assert not (job.workspace / "stolen").exists()


def test_signed_policy_is_held_against_the_key(first: Job, taken: Taken, signed: Signed) -> None:
    given = {"policy": str(signed.policy), "responses": f"{ACCEPTED}/response.json"}
    other = taken(**given, policy_key=str(signed.other))
    older = taken(**given, policy_key=str(signed.public), min_serial="9")
    unnamed = taken(**given)

    assert [job.exit_code for job in (first, other, older, unnamed)] == [0, 2, 2, 2]
    assert found(first, "lint") == [(quote(str(signed.policy)), "aik.unanchored")]
    assert uploaded(first) == ["attest-policy-lint", "attest-verify"]
    assert [uploaded(job) for job in (other, older, unnamed)] == [["attest-policy-lint"]] * 3
    assert f"attest: {signed.policy}: " in other.said
    assert "serial" in older.said
    assert "is signed: name the key" in unnamed.said


@pytest.mark.parametrize(("strict", "exit_code"), [("false", 0), ("true", 1)])
def test_signed_policy_is_linted_by_its_key(
    taken: Taken, signed: Signed, strict: str, exit_code: int
) -> None:
    job = taken(
        command="lint", policy=str(signed.policy), policy_key=str(signed.public), strict=strict
    )
    assert (job.exit_code, job.said) == (exit_code, "")
    assert [rule for _, rule in found(job, "lint")] == ["aik.unanchored"]


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"policy": ""}, "the input for POLICY is empty"),
        ({"at": ""}, "the input for AT is empty"),
        ({"policy-key": ""}, "the input for POLICY_KEY is empty"),
        ({"min-serial": ""}, "the input for MIN_SERIAL is empty"),
        ({"wheelhouse": ""}, "the input for WHEELHOUSE is empty"),
        ({"responses": ""}, "verify has no responses"),
        ({"strict": ""}, "STRICT is neither true nor false"),
        ({"strict": "yes"}, "STRICT is neither true nor false"),
        ({"upload": "True"}, "UPLOAD is neither true nor false"),
        ({"command": ""}, "command is neither verify nor lint"),
        ({"command": "inspect"}, "command is neither verify nor lint"),
        ({"command": "lint"}, "lint takes no responses: use verify"),
    ],
)
def test_input_that_says_nothing_fails_before_anything_runs(
    tmp_path: Path, inputs: dict[str, str], reason: str
) -> None:
    job = take(tmp_path, tmp_path, {"policy": "p.yaml", "responses": "r.json", **inputs})
    assert job.exit_code == 2
    assert job.said.startswith("::error title=tpm-attest::")
    assert job.said.endswith(f"{reason}\n")
    assert job.used == []


def test_blank_lines_are_no_responses(taken: Taken) -> None:
    job = taken(policy=f"{ACCEPTED}/policy.yaml", responses="\n\n")
    assert job.exit_code == 2
    assert "Missing argument 'RESPONSE...'" in job.said


def test_every_input_and_output_is_explained() -> None:
    action = read_yaml(ROOT / "action.yml")
    guide = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
    for name in (*action["inputs"], *action["outputs"]):
        assert f"`{name}`" in guide
    for name, given in action["inputs"].items():
        if given.get("default"):
            rows = [
                line
                for line in guide.splitlines()
                if line.startswith("| `") and f"`{name}`" in line
            ]
            assert f"`{given['default']}`" in rows[0].split("|")[2]


def test_action_is_as_the_schema_of_actions_says() -> None:
    schema = Path(sys.executable).with_name("check-jsonschema")
    words = ("--builtin-schema", "vendor.github-actions", ROOT / "action.yml")
    done = subprocess.run([schema, *words], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
