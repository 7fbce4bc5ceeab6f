"""Commands on a terminal, and what then stands on its screen."""

import os
import subprocess
import sys
from collections.abc import Sequence

from tests.cli.calls import environment


def screen_of(
    command: Sequence[object], streams: str, stdin: bytes = b"", **variables: str
) -> tuple[int, str]:
    """Run with ``streams`` ("out", "err" or both) on a terminal; return status and its screen."""
    primary, secondary = os.openpty()
    try:
        process = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.PIPE,
            stdout=secondary if "out" in streams else subprocess.DEVNULL,
            stderr=secondary if "err" in streams else subprocess.DEVNULL,
            env=environment(TERM="xterm", COLUMNS="80", **variables),
        )
        os.close(secondary)
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        screen = b"".join(iter(lambda: _piece_of(primary), b""))
        return process.wait(timeout=60), screen.decode()
    finally:
        os.close(primary)


def on_terminal(
    words: Sequence[object], streams: str, stdin: bytes = b"", **variables: str
) -> tuple[int, str]:
    """Run ``python -m attest`` so."""
    return screen_of([sys.executable, "-m", "attest", *words], streams, stdin, **variables)


def _piece_of(terminal: int) -> bytes:
    """Read from a terminal; none where its other side is closed."""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""
