"""``python -m benchmarks.replay``: replay beside bare verification, in rate and in memory.

Makes responses with planted faults, verifies a part of them in two processes with nothing but
``attest.verify``, replays all of them, and holds what was found against what was planted.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks import responses

ROOT: Final = Path(__file__).parent.parent
KEPT: Final = ROOT / "build/bench/replay"
PROCESSES: Final = 2
SAMPLE: Final = 40_000
"""Rows that each process verifies, once before and once after the replay."""


def main() -> None:
    """Measure, print the figures, and fail where something planted was missed or invented."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--kind", choices=sorted(responses.KINDS), default="rsa2048")
    parser.add_argument("--kept", type=Path, default=KEPT)
    given = parser.parse_args()
    failed = False
    for rows in given.rows:
        folder = responses.prepare(given.kept, rows, given.kind)
        figures = measured(folder, given.kept / f"policy-{given.kind}.yaml", rows)
        print(json.dumps({"kind": given.kind, **figures}, indent=1))
        failed |= bool(figures["missed_or_invented"])
    sys.exit(failed)


def measured(folder: Path, policy: Path, rows: int) -> dict[str, Any]:
    """Verify, replay, verify again."""
    out = folder.with_name(f"{folder.name}-out")
    shutil.rmtree(out, ignore_errors=True)
    before = verify(folder, policy)
    memory, replayed = replay(folder, policy, out, rows)
    after = verify(folder, policy)
    rate, work = ((one + other) / 2 for one, other in zip(before, after, strict=True))
    return {
        "rows": rows,
        "verify_rows_per_second": round(rate),
        "replay_rows_per_second": round(replayed.rate),
        "ratio": round(replayed.rate / rate, 3),
        "verify_processor_microseconds": round(work * 1e6, 1),
        "replay_processor_microseconds": round(replayed.work * 1e6, 1),
        "ratio_of_processor_time": round(work / replayed.work, 3),
        "peak_pss_mib": round(memory / 1024),
        "missed_or_invented": differences(out, rows),
    }


class Speed(NamedTuple):
    """How fast rows were judged.

    Attributes:
        rate: Rows a second, of all processes together.
        work: Seconds of processor time a row; a busy neighbour disturbs it less.
    """

    rate: float
    work: float


def verify(folder: Path, policy: Path) -> Speed:
    """Run processes that do nothing but ``attest.verify``."""
    shards = sorted(folder.iterdir())
    each = SAMPLE // responses.SHARD
    with ProcessPoolExecutor(PROCESSES) as pool:
        seen = list(pool.map(_verify, (shards[:each], shards[-each:]), (policy, policy)))
    return Speed(sum(one.rate for one in seen), sum(one.work for one in seen) / len(seen))


def _verify(shards: list[Path], policy: Path) -> Speed:
    import attest  # noqa: PLC0415 - only where it is measured

    loaded = attest.load_policy(policy)
    lines = [line for shard in shards for line in shard.read_bytes().splitlines()]
    start, work = time.perf_counter(), time.process_time()
    for line in lines:
        attest.verify(line, loaded)
    work = time.process_time() - work
    return Speed(len(lines) / (time.perf_counter() - start), work / len(lines))


def replay(folder: Path, policy: Path, out: Path, rows: int) -> tuple[int, Speed]:
    """Replay as a user does; return the peak of all its processes' PSS in KiB, and the speed."""
    command = [sys.executable, "-m", "attest", "replay", folder, "-p", policy, "-o", out]
    command += ["--processes", str(PROCESSES)]
    peaks = [0]
    start, work = time.perf_counter(), _children()
    with subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL) as process:
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, ended, peaks))
        watcher.start()
        process.wait()
        ended.set()
        watcher.join()
    if process.returncode != 1:
        sys.exit(f"replay ended with {process.returncode}, expected 1")
    seconds, work = time.perf_counter() - start, _children() - work
    return max(peaks), Speed(rows / seconds, work / rows)


def _children() -> float:
    """Seconds of processor time of all processes that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(pid: int, ended: threading.Event, peaks: list[int]) -> None:
    while not ended.wait(0.5):
        peaks.append(sum(map(_pss, _family(pid))))


def _family(pid: int) -> list[int]:
    """A process with all below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                continue
    return found


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:"), 0)


def differences(out: Path, rows: int) -> list[str]:
    """Name each count that is not what was planted."""
    summary = json.loads((out / "summary.json").read_bytes())
    findings = json.loads((out / "findings.json").read_bytes())
    wanted = responses.expected(rows)
    seen = {name: summary[name] for name in wanted if name in summary}
    seen["findings"] = {one["id"]: one["count"] for one in findings if one["count"]}
    wanted["findings"] = {name: count for name, count in wanted["findings"].items() if count}
    return [
        f"{name}: {seen[name]}, planted {wanted[name]}"
        for name in seen
        if seen[name] != wanted[name]
    ]


if __name__ == "__main__":
    main()
