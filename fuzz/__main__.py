"""Runs the targets at once, each in processes of its own, and says what they found."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click

from fuzz.seeds import FOLDER
from fuzz.targets import TARGETS

CORPUS = FOLDER / "corpus"
CRASHES = FOLDER / "crashes"
FIRST_WITHOUT_WHEEL = (3, 15)
"""The first Python that atheris has no wheel for; older ones must be fuzzed."""

_MOST_CRASHES = 10
"""Crashes after which a process gives up its target."""

_STATE = re.compile(r"^#(\d+)\t.*?cov: (\d+) ft: (\d+)", re.MULTILINE)
_PATH = re.compile(r"Test unit written to (\S+)")
_RAISED = re.compile(r"=== Uncaught Python exception: ===\n(.*)")


class Run(NamedTuple):
    """What one process of a target did.

    Attributes:
        target: Name of the target.
        executions: How often the target was run.
        coverage: Edges covered (``cov``).
        features: libFuzzer's features (``ft``).
        crashes: Files that hold crashing inputs, each with what was raised.
    """

    target: str
    executions: int
    coverage: int
    features: int
    crashes: tuple[str, ...]


@click.command(epilog="Example: scripts/fuzz 3600 verify")
@click.argument("seconds", type=click.IntRange(min=1), default=60)
@click.argument("target", type=click.Choice(tuple(TARGETS)), required=False)
def main(seconds: int, target: str | None) -> None:
    """Fuzz every target, or one, for so many SECONDS.

    The targets run at once and share the processors; with more processors than targets, several
    processes share a target. The exit code is 1 where anything crashed, or never ran.
    """
    if importlib.util.find_spec("atheris") is None:
        _give_up()
    names = (target,) if target else tuple(TARGETS)
    workers = max(1, (os.cpu_count() or 1) // len(names))
    jobs = [name for name in names for _ in range(workers)]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(len(jobs)) as pool:
        for name in names:
            _write_seeds(name, Path(folder, name))
        until = time.monotonic() + seconds
        runs = list(pool.map(lambda name: _fuzz(name, Path(folder, name), until), jobs))
    _report(names, runs, seconds)
    sys.exit(any(run.crashes or not run.executions for run in runs))


def _give_up() -> None:
    """Say that there is no atheris; a fault only where there should be one."""
    version = ".".join(map(str, sys.version_info[:2]))
    click.echo(f"fuzz: atheris has no wheel for Python {version} on this machine", err=True)
    sys.exit(sys.version_info < FIRST_WITHOUT_WHEEL)


def _write_seeds(name: str, folder: Path) -> None:
    """Write the seeds of a target, and make its folders for what is found."""
    folder.mkdir()
    for place in (CORPUS / name, CRASHES / name):
        place.mkdir(parents=True, exist_ok=True)
    for octets in TARGETS[name].seeds():
        if len(octets) <= TARGETS[name].longest:
            (folder / hashlib.sha256(octets).hexdigest()).write_bytes(octets)


def _fuzz(name: str, seeds: Path, until: float) -> Run:
    """Run one process after another until the time is over; each ends at its first crash."""
    executions = coverage = features = 0
    crashes: list[str] = []
    while (left := round(until - time.monotonic())) > 0 and len(crashes) < _MOST_CRASHES:
        done = subprocess.run(
            _command(name, seeds, left),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            cwd=FOLDER.parent,
        )
        said = done.stdout.decode(errors="replace")
        states = [tuple(map(int, state.groups())) for state in _STATE.finditer(said)]
        if states:
            runs, coverage, features = states[-1]
            executions += runs
        if done.returncode:
            crashes.append(_crash(said))
    return Run(name, executions, coverage, features, tuple(crashes))


def _command(name: str, seeds: Path, seconds: int) -> list[str]:
    """Return the command of one process; the first corpus is the one that grows."""
    return [
        *(sys.executable, "-m", "fuzz.worker", name, str(CORPUS / name), str(seeds)),
        *(f"-max_total_time={seconds}", f"-max_len={TARGETS[name].longest}", "-timeout=60"),
        *(f"-artifact_prefix={CRASHES / name}{os.sep}", f"-dict={FOLDER / 'dictionary.txt'}"),
    ]


def _crash(said: str) -> str:
    """Name the input that crashed and what was raised; without either, what was said last."""
    path, raised = _PATH.search(said), _RAISED.search(said)
    where = path[1] if path else "no input"
    return f"{where}: {raised[1] if raised else said[-300:]}"


def _report(names: tuple[str, ...], runs: list[Run], seconds: int) -> None:
    """Print a line a target, then every crash."""
    click.echo(f"{'target':<12}{'executions':>12}{'a second':>10}{'cov':>8}{'ft':>8}{'crashes':>9}")
    for name in names:
        ours = [run for run in runs if run.target == name]
        executions = sum(run.executions for run in ours)
        coverage, features = max((run.coverage, run.features) for run in ours)
        crashes = sum(len(run.crashes) for run in ours)
        counts = f"{executions:>12,}{executions // seconds:>10,}{coverage:>8}{features:>8}"
        click.echo(f"{name:<12}{counts}{crashes:>9}")
    for run in runs:
        for crash in run.crashes:
            click.echo(f"{run.target}: {crash}", err=True)


if __name__ == "__main__":
    main()
