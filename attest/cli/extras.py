"""Extras that commands need: what to say where one is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from attest.cli.terminal import give_up

_EXTRAS = {
    **dict.fromkeys(("jinja2", "markupsafe"), "report"),
    **dict.fromkeys(("duckdb", "pyarrow"), "replay"),
    **dict.fromkeys(("pandas", "py4j", "pyspark"), "spark"),
}
"""The extra that brings a library."""

_Room = TypeVar("_Room")


def needing(command: str, room: Callable[[], _Room]) -> _Room:
    """Import what a command needs, or say which extra brings it and leave with exit code 2.

    Args:
        command: Name of the command.
        room: Imports it.

    Raises:
        ModuleNotFoundError: The missing module is none of an extra's: a bug, which stays one.
    """
    try:
        return room()
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        give_up(f"{command} needs: pip install 'tpm-attest[{extra}]'")
