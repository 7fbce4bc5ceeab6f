"""mutmut: changes in the bodies of functions: another operator, number, word or argument."""

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from tests.mutants.places import COPY, RUN_ON_IMPORT, TESTS, Mutant, run

OUTCOMES: Final = {0: "survived", 1: "killed", 3: "killed", 33: "survived"}
"""By pytest's exit code; 33 is a function that no test calls."""

TIMEOUTS: Final = (-24, 24, 36, 152)


def mutate_bodies(module: str) -> list[Mutant]:
    """Mutate the functions of a module, but for decorated ones and those that run on import."""
    if module in RUN_ON_IMPORT:
        return []
    (COPY / "setup.cfg").write_text(_settings(module), encoding="utf-8")
    shutil.rmtree(COPY / "mutants", ignore_errors=True)
    done = run([_tool(), "run", "--max-children", "2"], may_fail=True)
    codes: dict[str, int | None] = {}
    meta = COPY / "mutants" / f"{module}.meta"
    if meta.exists():
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    if any(code is None for code in codes.values()):
        sys.exit(f"mutate: mutmut gave up on {module}: {done.stdout[-2000:]}")
    return [_mutant(module, name, code) for name, code in codes.items() if code is not None]


def _mutant(module: str, name: str, code: int) -> Mutant:
    outcome = "timeout" if code in TIMEOUTS else OUTCOMES.get(code)
    if outcome is None:
        sys.exit(f"mutate: {name}: mutmut's exit code is {code}")
    diff = "" if outcome == "killed" else run([_tool(), "show", name]).stdout
    return Mutant(module, outcome, diff, (_tool(), "apply", name))


def _settings(module: str) -> str:
    """Write setup.cfg: one module, and the tests that are meant for it."""
    separator = "\n    "
    settings: dict[str, list[str]] = {
        "source_paths": ["attest"],
        "only_mutate": [module],
        "also_copy": ["docs", "fixtures", "fuzz", "policies"],
        "pytest_add_cli_args": ["-p", "no:cacheprovider"],
        "pytest_add_cli_args_test_selection": list(TESTS[module]),
        "timeout_multiplier": ["30"],
        "track_dependencies": ["false"],
        "use_git_change_detection": ["false"],
    }
    lines = [f"{name} = {separator.join(values)}" for name, values in settings.items()]
    return "\n".join(["[mutmut]", *lines, ""])


def _tool() -> str:
    return str(Path(sys.executable).with_name("mutmut"))
