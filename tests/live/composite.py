"""A composite action without a runner: its scripts run as written, other actions are recorded."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from msgspec import Struct, field

from tests.cli.calls import ROOT

SHELL: Final = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
EXPRESSION: Final = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
VARIABLE: Final = re.compile(r"\b(inputs|steps)((?:\.[\w-]+)+)")


def read_yaml(path: Path) -> Any:
    """Read scalars as text alone, as runners do: so the key ``on`` stays one."""
    return yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader)  # noqa: S506 - makes text


class Job(Struct):
    """A job that has taken one action.

    Attributes:
        workspace: Folder of the checkout.
        temp: Folder for what is of this job only.
        inputs: Inputs of the action, with the defaults.
        outputs: What each step has put out, by step and name.
        used: Other actions that were called, each with its inputs.
        said: Standard output and error of the scripts.
        exit_code: Of the first script that failed; 0 where none did.
    """

    workspace: Path
    temp: Path
    inputs: dict[str, str]
    outputs: dict[str, str] = field(default_factory=dict)
    used: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    said: str = ""
    exit_code: int = 0

    def value(self, expression: str) -> str:
        """Give the value of one input or of one output; what is not there is empty."""
        room, name = expression.split(".", maxsplit=1)
        return (self.inputs if room == "inputs" else self.outputs).get(name, "")

    def filled(self, text: str) -> str:
        """Put values in the place of expressions."""
        return EXPRESSION.sub(lambda found: self.value(found[1]), text)

    def wants(self, condition: str) -> bool:
        """Say whether a step runs: without ``always()`` only where none before has failed."""
        python = VARIABLE.sub(lambda found: repr(self.value(found[0])), condition)
        python = python.replace("&&", " and ").replace("always()", "True")
        asked: bool = eval(python, {"__builtins__": {}})  # noqa: S307 - our own action
        return asked and ("always()" in condition or not self.exit_code)


def take(
    workspace: Path, temp: Path, inputs: Mapping[str, str], installed: Path | None = None
) -> Job:
    """Run the action with these inputs; what another job has installed is not installed again."""
    action = read_yaml(ROOT / "action.yml")
    unknown = inputs.keys() - action["inputs"].keys()
    assert not unknown
    defaults = {name: given.get("default", "") for name, given in action["inputs"].items()}
    job = Job(workspace, temp, {**defaults, **inputs})
    for step in action["runs"]["steps"]:
        if not job.wants(step.get("if", "True")):
            continue
        if step["name"] == "Install" and installed:
            (temp / "tpm-attest").symlink_to(installed)
        elif "run" in step:
            _run(step, job)
        else:
            given = {name: job.filled(text) for name, text in step.get("with", {}).items()}
            job.used.append((step["uses"], given))
            if step["uses"].startswith("actions/setup-python@"):
                job.outputs[f"{step['id']}.outputs.python-path"] = sys.executable
    return job


def _run(step: Mapping[str, Any], job: Job) -> None:
    """Run one script, and take what it puts out."""
    assert step["shell"] == "bash"
    script, output = job.temp / "step.sh", job.temp / "step.outputs"
    assert not EXPRESSION.search(step["run"]), "an input would be read as a command"
    script.write_text(step["run"], encoding="utf-8")
    output.write_text("", encoding="utf-8")
    done = subprocess.run(
        [*SHELL, str(script)],
        cwd=job.workspace,
        env={
            **os.environ,
            **{name: job.filled(text) for name, text in step.get("env", {}).items()},
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "RUNNER_TEMP": str(job.temp),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    job.said += done.stdout
    job.exit_code = job.exit_code or done.returncode
    for line in output.read_text(encoding="utf-8").splitlines():
        name, _, text = line.partition("=")
        job.outputs[f"{step['id']}.outputs.{name}"] = text
