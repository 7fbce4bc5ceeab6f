"""Workers in environments of their own, which run our client there: an order a line each way."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent.parent


class Worker:
    """A process that takes orders."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def does(self, **order: Any) -> Any:
        """Give an order, and return what came of it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def python_of(name: str) -> Path:
    """The Python of an environment that ``scripts/setup.sh`` makes."""
    return ROOT / ".venv" / name / "bin/python"


@contextmanager
def working(name: str, module: str, *words: object) -> Iterator[Worker]:
    """Run a module of the tests in an environment, with the checkout on its path."""
    command = [str(python_of(name)), "-m", module, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env=environment, cwd=ROOT
    ) as process:
        yield Worker(process)
