"""The figures of the clients: one server, each client in processes of its own, all in turn."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from benchmarks import evidence
from benchmarks.figures import Effort, run
from benchmarks.machine import NOMYO_PYTHON
from client.keys import generate_key, save_key
from tests import build

NOMYO: Final = "nomyo"
ARCHIVED: Final = "gate-archive"
GATED: Final = "gate"


def chats(effort: Effort) -> dict[str, dict[str, float]]:
    """Seconds that requests take, by client.

    Returns:
        ``median`` and ``fastest`` of requests one after the other; ``at_once``: the time of as many
        together in the fastest process, for one of them. With a gate also ``decision``: the median
        of what the gate itself takes of a request, without waiting for the disk.
    """
    evidence.KEPT.mkdir(parents=True, exist_ok=True)
    told: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=evidence.KEPT) as place, serving() as url:
        folder = Path(place)
        (folder / "policy.yaml").write_text(build.policy_text(), encoding="utf-8")
        save_key(generate_key(), folder / "keys")
        for _ in range(effort.chat_rounds):
            for client, command in _commands(url, folder, effort.chats).items():
                told[client].append(json.loads(run(command).splitlines()[-1]))
    return {client: _figures(processes, effort.chats) for client, processes in told.items()}


@contextmanager
def serving() -> Iterator[str]:
    """Run the server until the block ends; its address."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-m", "benchmarks.chat_server"]
    with subprocess.Popen(command, cwd=evidence.ROOT, stdin=pipe, stdout=pipe, text=True) as server:
        assert server.stdout is not None  # noqa: S101 - a pipe was asked for
        yield server.stdout.readline().strip()


def _commands(url: str, folder: Path, requests: int) -> dict[str, list[str]]:
    """The measured processes."""
    ours = [sys.executable, "-m", "benchmarks.chat_ours", url, str(folder), str(requests)]
    theirs = [str(NOMYO_PYTHON), "-m", "benchmarks.chat_nomyo"]
    return {
        NOMYO: [*theirs, url, str(folder / "keys"), str(requests)],
        ARCHIVED: [*ours, str(folder / "evidence.jsonl")],
        GATED: ours,
    }


def _figures(processes: list[dict[str, Any]], requests: int) -> dict[str, float]:
    """What the processes of one client took."""
    one_by_one = [seconds for one in processes for seconds in one["one_by_one"]]
    figures = {
        "median": statistics.median(one_by_one),
        "fastest": min(one_by_one),
        "at_once": min(one["at_once"] for one in processes) / requests,
    }
    decisions = [seconds for one in processes for seconds in one.get("decisions", ())]
    if decisions:
        figures["decision"] = statistics.median(decisions)
    return figures
