"""``attest verify`` on long input: bounded lines, bounded documents, bounded memory."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.cli.calls import HONEST, attest, environment

CAP = 64 * 1024 * 1024
"""Octets of a response, at most."""
PADDED = HONEST.ljust(CAP)
"""An honest response that is exactly as long as it may be."""
PEAK = """
import sys
from attest.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    status = end.code
with open("/proc/self/status", encoding="ascii") as lines:
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
print(status, peak)
"""


def written(path: Path, *pieces: bytes) -> Path:
    with path.open("wb") as stream:
        stream.writelines(pieces)
    return path


def judged(policy: Path, path: Path, *options: str) -> list[tuple[int, str]]:
    done = attest("verify", path, "-p", policy, "--format", "jsonl", *options)
    rows = map(json.loads, done.stdout.splitlines())
    return [(row["row"], row["decision"]) for row in rows]


@pytest.mark.parametrize(
    ("more", "decision"), [(b"", "accepted"), (b" ", "refused"), (b" " * 4096, "refused")]
)
def test_a_document_has_at_most_64_mebibytes(
    policy: Path, tmp_path: Path, more: bytes, decision: str
) -> None:
    path = written(tmp_path / "long.json", PADDED, more)
    assert judged(policy, path) == [(0, decision)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("more", "decision"),
    [(0, "accepted"), (1, "refused"), (2, "refused"), (3 * 1024 * 1024 + 5, "refused")],
)
def test_a_line_over_64_mebibytes_is_a_refused_row_and_the_next_is_judged(
    policy: Path, tmp_path: Path, end: bytes, more: int, decision: str
) -> None:
    path = written(tmp_path / "long.jsonl", PADDED, b" " * more, end, HONEST, end)
    assert judged(policy, path) == [(0, decision), (1, "accepted")]


def test_a_long_last_line_without_an_end_is_a_refused_row(policy: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "long.jsonl", HONEST, b"\n", PADDED, b" ")
    assert judged(policy, path) == [(0, "accepted"), (1, "refused")]


def test_a_line_that_begins_with_white_space_over_the_cap_is_a_refused_row(
    policy: Path, tmp_path: Path
) -> None:
    path = written(tmp_path / "long.jsonl", b" " * (CAP + 2), HONEST, b"\n", HONEST, b"\n")
    assert judged(policy, path) == [(0, "refused"), (1, "accepted")]


def test_a_line_over_the_cap_says_so(policy: Path, tmp_path: Path) -> None:
    path = written(tmp_path / "long.jsonl", PADDED, b"x\n")
    done = attest("verify", path, "-p", policy, "--format", "json")
    (row,) = json.loads(done.stdout)
    (reason,) = (check["reason"] for check in row["checks"] if check["id"] == "evidence.form")
    assert reason.endswith(f"octets exceed {CAP}")


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize(("form", "rows"), [("text", 5_000), ("json", 5_000), ("jsonl", 20_000)])
def test_memory_does_not_grow_with_the_rows(
    policy: Path, tmp_path: Path, form: str, rows: int
) -> None:
    few, many = (
        peak_of(policy, rows_at(tmp_path, count), tmp_path / "results", form)
        for count in (500, rows)
    )
    assert many - few < 4 * 1024, f"{few} KiB for 500 rows, {many} KiB for {rows}"


def rows_at(folder: Path, count: int) -> Path:
    """Write so many rows; together they are far larger than the bound."""
    lines: Iterable[bytes] = (HONEST + b"\n" for _ in range(count))
    return written(folder / f"{count}.jsonl", *lines)


def peak_of(policy: Path, rows: Path, results: Path, form: str) -> int:
    """Return the peak of resident memory, in KiB, of a process that judges the rows."""
    words = ["verify", str(rows), "-p", str(policy), "--format", form, "--output", str(results)]
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *words],
        capture_output=True,
        env=environment(),
        timeout=300,
        check=True,
    )
    status, peak = done.stdout.split()
    assert (status, done.stderr) == (b"0", b"")
    return int(peak)
