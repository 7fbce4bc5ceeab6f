"""Octets on their way to the disk: all of them, and not only as far as a cache."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_all(fd: int, octets: bytes) -> None:
    """Write every octet.

    Raises:
        OSError: The system does not take them all.
    """
    rest = memoryview(octets)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync(fd: int, *, durable: bool) -> None:
    """Wait until what was written to a file lies on the disk.

    Raises:
        OSError: It does not.
    """
    if not durable:
        return
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - the one system whose fsync stops at the disk's own cache

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
    else:
        os.fsync(fd)


def sync_folder(path: Path, *, durable: bool) -> None:
    """Wait until a file's name stands in its folder, on the disk.

    Raises:
        OSError: It does not.
    """
    if durable and sys.platform != "win32":  # which has no such call
        fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def write_whole(path: Path, write: Callable[[Any], object]) -> None:
    """Write a file that gets its name only when it is whole and lies on the disk."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
