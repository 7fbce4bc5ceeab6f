"""What every command needs of a terminal: errors on one line, colours, files to write, progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

from attest.cli.rows import Progress, ignore
from attest.text import shown

REFUSED = 1
"""Exit code where a response was refused, or a policy has findings."""
MISUSE = 2
"""Exit code of a wrong call, and of a policy or a file that cannot be used."""

_MOST_OF_AN_ERROR = 2000
_LONG_WORK = 1024 * 1024
"""Octets from which a progress bar is worth its lines."""


def complain(message: str, program: str = "attest") -> None:
    """Print an error on one line of standard error, after the name of the command."""
    click.echo(f"{program}: {shown(message, _MOST_OF_AN_ERROR)}", err=True)


def give_up(message: str) -> NoReturn:
    """Print an error and leave with exit code 2."""
    complain(message)
    raise SystemExit(MISUSE)


def unreadable(source: str, error: OSError) -> str:
    """Say which file the system would not let us use, and why."""
    return f"{source}: {error.strerror or error}"


def wants_colour(stream: TextIO) -> bool:
    """Tell whether to colour: only a terminal, and not against NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def escape_output() -> None:
    """Escape what standard output's encoding cannot write, instead of failing on it."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@contextmanager
def written_to(output: str | None) -> Iterator[TextIO]:
    """Open the file that output goes to, or standard output.

    A file whose writing was broken off is left empty: nobody takes half of it for the whole.
    """
    if output is None or output == "-":
        yield sys.stdout
        return
    path, whole = Path(output), False
    try:
        with path.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        whole = True
    except OSError as error:
        give_up(unreadable(output, error))
    finally:
        if not whole and path.is_file():
            with suppress(OSError):
                os.truncate(path, 0)


@contextmanager
def progress_of(total: int | None, *, quiet: bool) -> Iterator[Progress]:
    """Show how far long work has come, on standard error and only on a terminal."""
    long = total is None or total >= _LONG_WORK
    if quiet or not long or not sys.stderr.isatty():
        yield ignore
        return
    bar: Any  # click does not export the type
    with click.progressbar(length=total, label="verifying", file=sys.stderr) as bar:
        yield bar.update
