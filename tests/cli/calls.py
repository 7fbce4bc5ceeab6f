"""The command line as tests call it: in this process, and as a user does."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from click.testing import CliRunner, Result

from attest.cli import main
from tests import build
from tests.aik import ecc_aik
from tests.judging import octets_of

ROOT: Final = Path(__file__).parent.parent.parent
HONEST: Final = octets_of(build.response(ecc_aik()))
FORGED: Final = octets_of(build.response(ecc_aik(), quoted={"magic": 0}))


def attest(*words: object, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> Result:
    """Call the command in this process."""
    return CliRunner().invoke(main, list(map(str, words)), input=stdin, env=dict(env or {}))


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of a user, who sets these variables and no colours."""
    plain = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return {**plain, "PYTHONPATH": str(ROOT), **variables}


def run(
    *words: object, stdin: bytes | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run ``python -m attest`` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "attest", *map(str, words)],
        input=stdin,
        capture_output=True,
        env=environment(**(env or {})),
        timeout=120,
        check=False,
    )
