"""Files, folders and archives read into members: bounded, and never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from attest.roots import cabinet
from attest.roots.source import (
    MAX_FILES,
    MAX_MEMBER_OCTETS,
    MAX_SOURCE_OCTETS,
    Member,
    SourceError,
)

SUFFIXES = frozenset({".cer", ".crt", ".der", ".pem"})
"""Names of files that hold certificates; others are not looked at, and said to be skipped."""

_MOST_DEEP = 16


def read_members(source: Path) -> Iterator[Member]:
    """Yield the files of an input; the input itself may be reached through a link.

    Raises:
        SourceError: Something in the input is no file, or more than the bounds allow.
        OSError: The input cannot be read.
    """
    if source.is_dir():
        yield from _folder(source)
        return
    octets = _read(source, source.name, MAX_SOURCE_OCTETS)
    if octets.startswith(cabinet.MAGIC):
        for member in cabinet.read_cabinet(octets, source.name):
            yield member if _names_certificates(member.path) else Member(member.path, None)
    else:
        yield Member(source.name, octets)


def _names_certificates(path: str) -> bool:
    return PurePosixPath(path).suffix.lower() in SUFFIXES


def _folder(folder: Path) -> Iterator[Member]:
    left = MAX_SOURCE_OCTETS
    for count, (path, name) in enumerate(_walk(folder, "", 0)):
        if count == MAX_FILES:
            raise SourceError(folder.name, f"more than {MAX_FILES} files")
        octets = _read(path, name, MAX_MEMBER_OCTETS) if _names_certificates(name) else None
        left -= len(octets or b"")
        if left < 0:
            raise SourceError(folder.name, f"more than {MAX_SOURCE_OCTETS} octets")
        yield Member(name, octets)


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[Path, str]]:
    """Yield all files below, sorted by name; a link is refused, wherever it leads."""
    if depth > _MOST_DEEP:
        raise SourceError(prefix, f"more than {_MOST_DEEP} folders deep")
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        name = f"{prefix}{entry.name}"
        if entry.is_symlink():
            raise SourceError(name, "is a link")
        if entry.is_dir():
            yield from _walk(Path(entry.path), f"{name}/", depth + 1)
        else:
            yield Path(entry.path), name


def _read(path: Path, name: str, most: int) -> bytes:
    if not stat.S_ISREG(path.stat().st_mode):
        raise SourceError(name, "is no regular file")
    with path.open("rb") as file:
        octets = file.read(most + 1)
    if len(octets) > most:
        raise SourceError(name, f"larger than {most} octets")
    return octets
