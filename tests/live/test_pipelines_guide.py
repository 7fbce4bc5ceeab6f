"""docs/pipelines.md: every example runs as it stands, and gives what the guide says."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from junitparser import JUnitXml

from tests.cli.calls import ROOT
from tests.live.checkout import QUIET, make_checkout
from tests.live.composite import SHELL, read_yaml, take
from tests.live.test_formats_guide import typed

GUIDE: Final = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
FENCED: Final = re.compile(r"^```(console|sh|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED: Final = re.compile(r"# (\S+)\n")


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout after the guide: its files written, its commands typed, in order."""
    checkout = make_checkout(tmp_path_factory.mktemp("guide") / "checkout")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in QUIET.items():
            patch.setenv(name, value)
        patch.setenv("PRE_COMMIT_HOME", str(checkout.parent / "hooks"))
        patch.setenv("PRE_COMMIT_COLOR", "never")
        for kind, text in FENCED.findall(GUIDE):
            if kind == "console":
                typed(text, checkout)
                continue
            named = NAMED.match(text)
            assert named, text
            path = checkout / named[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return checkout


def test_every_example_gives_what_the_guide_says(walked: Path) -> None:
    kinds = [kind for kind, _ in FENCED.findall(GUIDE)]
    written = ("attest.sh", ".gitlab-ci.yml", ".github/workflows/attestation.yml", "build.sh")
    assert [kinds.count(kind) for kind in ("console", "sh", "yaml")] == [4, 2, 3]
    assert [name for name in written if not (walked / name).is_file()] == []


def test_gitlab_job_fails_and_leaves_its_report(walked: Path) -> None:
    job = read_yaml(walked / ".gitlab-ci.yml")["attestation"]
    (walked / "attest.xml").unlink(missing_ok=True)
    lines = "\n".join([*job["before_script"], *job["script"]])
    done = subprocess.run(
        [*SHELL, "-c", lines],
        cwd=walked,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = job["artifacts"]["reports"]["junit"]
    (case,) = [case for suite in JUnitXml.fromfile(str(walked / report)) for case in suite]
    assert done.returncode == 1
    assert job["artifacts"]["when"] == "always"
    assert f"`{case.name}`" in " ".join(GUIDE.split())
    assert [failure.type for failure in case.result] == ["pcr.baseline"]


def test_github_job_fails_and_uploads_both_reports(
    walked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in QUIET.items():
        monkeypatch.setenv(name, value)
    workflow = read_yaml(walked / ".github" / "workflows" / "attestation.yml")
    checked_out, action = workflow["jobs"]["attest"]["steps"]
    job = take(walked, tmp_path, action["with"])
    assert checked_out["uses"].startswith("actions/checkout@")
    assert action["uses"] == "./"
    assert workflow["permissions"] == {"contents": "read", "security-events": "write"}
    assert job.exit_code == 1
    assert [name for name, _ in job.used] == [
        "actions/setup-python@v5",
        *["github/codeql-action/upload-sarif@v4"] * 2,
    ]


@pytest.mark.parametrize(
    ("schema", "name"),
    [
        ("vendor.gitlab-ci", ".gitlab-ci.yml"),
        ("vendor.github-workflows", ".github/workflows/attestation.yml"),
    ],
)
def test_example_is_as_the_schema_of_its_system_says(walked: Path, schema: str, name: str) -> None:
    words = ("--builtin-schema", schema, name)
    command = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [command, *words], cwd=walked, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout


def test_hooks_are_as_the_framework_says() -> None:
    command = Path(sys.executable).with_name("pre-commit")
    words = ("validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    done = subprocess.run([command, *words], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
