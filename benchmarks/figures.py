"""The figures: each subject in processes of its own, in turn, so that noise hits all alike."""

import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import cycle, islice
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import evidence
from benchmarks.machine import KEYLIME_PYTHON, ROOT

WITHOUT_KEYLIME: Final = "p384"
"""keylime wants PCRs of the bank of the signing hash, and these are SHA-256 signed with SHA-384."""
TOOL: Final = "tpm2_checkquote"
IMPORTS: Final = "import cryptography.hazmat.primitives.asymmetric.rsa, yaml, click, msgspec"
PEAK: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run from a small process: a child's peak starts at the size of its parent."""
ATTEST: Final = Path(sys.executable).with_name("attest")

Seconds = dict[str, dict[str, float]]
"""By subject and kind of key."""


class Effort(NamedTuple):
    """How much is measured.

    Attributes:
        responses: Quotes that a process judges, each once.
        rounds: Processes of each subject; the fastest counts.
        starts: Starts of each command; the median counts.
        rows: Rows of the two runs whose memory is measured.
        chats: Requests of a client's process, one after the other and then all at once.
        chat_rounds: Processes of each client.
    """

    responses: int
    rounds: int
    starts: int
    rows: tuple[int, int]
    chats: int
    chat_rounds: int


def quotes(folder: Path, effort: Effort) -> Seconds:
    """Seconds that each subject takes for a quote: the fastest of its processes."""
    commands = _commands(folder)
    fastest: Seconds = defaultdict(lambda: defaultdict(lambda: math.inf))
    for number in range(effort.rounds):
        for (subject, kind), command in commands.items():
            seconds = float(run(command).splitlines()[-1])
            fastest[subject][kind] = min(seconds, fastest[subject][kind])
        for kind in evidence.KINDS:
            seconds = _tool(folder / kind / str(number % effort.responses))
            fastest[TOOL][kind] = min(seconds, fastest[TOOL][kind])
    return {subject: dict(kinds) for subject, kinds in fastest.items()}


def start_up(folder: Path, effort: Effort) -> dict[str, float]:
    """Median seconds of one verification on the command line, and of the imports that it needs."""
    saved, policy = folder / "rsa2048-one.json", folder / "policy.yaml"
    commands = {
        "imports": [sys.executable, "-c", IMPORTS],
        "attest verify": [str(ATTEST), "verify", str(saved), "-p", str(policy)],
    }
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(effort.starts):
        for name, command in commands.items():
            start = time.perf_counter()
            run(command)
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(all_of_them) for name, all_of_them in taken.items()}


def memory(folder: Path, effort: Effort) -> dict[str, int]:
    """Peak resident KiB of ``attest verify --format jsonl``, by the number of rows."""
    texts = (folder / "rsa2048-responses.jsonl").read_bytes().splitlines(keepends=True)
    peaks = {}
    with tempfile.TemporaryDirectory(dir=evidence.KEPT) as place:
        for rows in effort.rows:
            many = Path(place, "many.jsonl")
            with many.open("wb") as file:
                file.writelines(islice(cycle(texts), rows))
            command = [ATTEST, "verify", many, "-p", folder / "policy.yaml", "--format", "jsonl"]
            peaks[str(rows)] = int(run([sys.executable, "-c", PEAK, *map(str, command)]))
    return peaks


def _commands(folder: Path) -> dict[tuple[str, str], list[str]]:
    """The measured processes that print seconds a quote themselves."""
    commands = {}
    for kind in evidence.KINDS:
        for subject in ("bare", "attest-octets", "attest-dict"):
            commands[subject, kind] = _ours(subject, folder, kind)
        if kind != WITHOUT_KEYLIME:
            script = ROOT / "benchmarks/keylime_subject.py"
            command = [str(KEYLIME_PYTHON), str(script), str(folder), kind]
            commands["keylime", kind] = command
        commands["pytss", kind] = _ours("pytss", folder, kind)
    return commands


def _ours(subject: str, folder: Path, kind: str) -> list[str]:
    return [sys.executable, "-m", "benchmarks.subject", subject, str(folder), kind]


def _tool(folder: Path) -> float:
    """Seconds of one tpm2_checkquote process."""
    command = ["tpm2_checkquote", "-u", "public", "-m", "quote", "-s", "signature", "-f", "pcrs"]
    command += ["-q", (folder / "nonce").read_text(encoding="utf-8")]
    start = time.perf_counter()
    run(command, folder)
    return time.perf_counter() - start


def run(command: list[str], folder: Path = ROOT) -> str:
    """Run a process to its end and return what it printed; it must succeed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()}")
    return done.stdout
