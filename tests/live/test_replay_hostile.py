"""An archive that means harm, replayed as a user does: named and counted, and small in memory."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests import build
from tests.archive.making import POSIX
from tests.cli.calls import environment, run
from tests.replay.making import octets, parts_of

pytestmark = POSIX
GIBI: Final = 1024**3
HOSTILE: Final = "<script>alert(1)</script>\x1b]0;taken\x07\u202e\0"
GOOD: Final = octets(number=1) + b"\n"
MEASURED: Final = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "attest", *sys.argv[1:]])
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""From a small process: a new one counts as large as the one that began it."""
MOST: Final = 400 * 1024
"""KiB that the process which reads may have: well below the longest line, and the bomb."""


def truncated(path: Path) -> None:
    path.write_bytes(gzip.compress(GOOD * 2 + os.urandom(32 * 1024).hex().encode())[:-20_000])


def bomb(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(1024):
            file.write(bytes(GIBI // 1024))


def long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(GIBI)
        file.seek(GIBI)
        file.write(b"\n" + GOOD)


def written(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def loop(path: Path) -> None:
    path.symlink_to(path.parent, target_is_directory=True)


FILES: Final[dict[str, Callable[[Path], None]]] = {
    "bomb.jsonl.gz": bomb,
    "control.jsonl": written(octets(payload_id=HOSTILE, number=2) + b"\n"),
    "deep.json": written(b"[" * 1_000_000),
    "deeper.json": written(b'{"a":' * 1_000_000),
    "long.jsonl": long_line,
    "loop": loop,
    "nul.jsonl": written(b"\0\0\0\n" + GOOD),
    "truncated.jsonl.gz": truncated,
}
REASONS: Final = {
    "bomb.jsonl.gz": ["expands to more than 100 times its size: not read on"],
    "control.jsonl": [None],
    "deep.json": ["response: is nested deeper than 64"],
    "deeper.json": ["response: is nested deeper than 64"],
    "long.jsonl": [None, "response: exceeds 67108864 octets", None],
    "loop": ["is a link: not read"],
    "nul.jsonl": ["response: is no JSON: JSON is malformed: invalid character (byte 0)", None],
    "truncated.jsonl.gz": [None, None, "is damaged: "],
}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "archive"
    folder.mkdir()
    for name, make in FILES.items():
        make(folder / name)
    (folder.parent / "policy.yaml").write_text(build.policy_text(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def replayed(archive: Path) -> tuple[Path, int, int]:
    """The run's folder, its exit code, and the most KiB that it had."""
    out = archive.parent / "out"
    words = ("replay", archive, "-p", archive.parent / "policy.yaml", "-o", out, "--processes", 1)
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, words)],
        stdout=subprocess.PIPE,
        env=environment(),
        timeout=300,
        check=True,
    )
    code, most = map(int, done.stdout.split()[-2:])
    return out, code, most


def test_every_file_is_named_and_counted(archive: Path, replayed: tuple[Path, int, int]) -> None:
    out, code, _ = replayed
    rows = parts_of(out).to_pylist()
    seen: dict[str, list[str | None]] = {name: [] for name in FILES}
    for row in rows:
        reason = row["reason"]
        name = Path(row["source"]).name
        if reason is not None and reason.startswith("is damaged: "):
            reason = "is damaged: "
        seen[name].append(reason)
    assert seen == REASONS
    decisions = Counter(row["decision"] for row in rows)
    assert (code, decisions) == (1, Counter(accepted=6, malformed=7))
    summary = json.loads((out / "summary.json").read_bytes())
    assert {name: summary[name] for name in ("rows", "accepted", "malformed")} == {
        "rows": 13,
        "accepted": 6,
        "malformed": 7,
    }


def test_no_more_is_held_than_a_part_of_the_longest_line(replayed: tuple[Path, int, int]) -> None:
    assert replayed[2] < MOST


def test_the_page_shows_hostile_text_as_text(replayed: tuple[Path, int, int]) -> None:
    out, *_ = replayed
    done = run("report", out, "-o", "-")
    page = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert r"&lt;script&gt;alert(1)&lt;/script&gt;\x1b]0;taken\x07\u202e\x00" in page
    assert not set("\x1b\x07\0\u202e") & set(page)
    assert page.count("<script") == 1
