"""How far a run has come, on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from attest.replay.run import Watch


@contextmanager
def watched() -> Iterator[Watch | None]:
    """Show how far a run has come, with rate and remaining time, on a terminal only."""
    if not sys.stderr.isatty():
        yield None
        return
    from attest.replay.run import Watch  # noqa: PLC0415 - an extra, and slow to import

    bar: Any = None  # click does not export the type
    judged, start = 0, time.monotonic()

    def begin(octets: int) -> None:
        nonlocal bar, judged, start
        end()
        judged = 0
        bar = click.progressbar(
            length=octets, label="judging", file=sys.stderr, item_show_func=rate
        ).__enter__()
        start = time.monotonic()

    def rate(_: object) -> str:
        return f"{judged / max(time.monotonic() - start, 0.001):,.0f} rows/s"

    def progress(octets: int, rows: int) -> None:
        nonlocal judged
        judged += rows
        bar.update(octets)

    def end() -> None:
        if bar is not None:
            bar.__exit__(None, None, None)

    try:
        yield Watch(begin, progress)
    finally:
        end()
