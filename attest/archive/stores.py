"""Where archives lie: local folders, and object stores through pyarrow.fs (extra ``replay``)."""

from __future__ import annotations

import heapq
import io
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Protocol, cast

from msgspec import Struct

from attest.archive.regular import regular
from attest.archive.streams import cannot_read

_POLICIES = ".policies"
"""Folder beside a gate's archive that holds its policies: no responses."""
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class Source(Struct, frozen=True):
    """One file of an archive.

    Attributes:
        name: The file, as results name it.
        path: The file, as its store opens it.
        fault: Why it is not opened; None where it can be.
    """

    name: str
    path: str
    fault: str | None = None


class Store(Protocol):
    """Files and folders, to be read."""

    def sources(self, name: str) -> Iterator[Source]:
        """Yield the file of a name, or all files below a folder, in the order of their names.

        Raises:
            OSError: There is none, or it cannot be read.
        """

    def open(self, source: Source) -> BinaryIO:
        """Open a file; the stream can be moved.

        Raises:
            OSError: It cannot be read.
        """


def store_of(archive: str) -> Store:
    """Return the store of an archive: a path, or an address such as ``s3://bucket/folder``.

    Raises:
        OSError: No store is known for the address.
    """
    if "://" not in archive:
        return LocalStore()
    if "@" in archive.partition("://")[2].partition("/")[0]:
        fault = "an address with credentials would be kept in results: name them elsewhere"
        raise OSError(None, fault, archive.partition("://")[0])
    from pyarrow import fs, lib  # noqa: PLC0415 - an extra, and slow to import

    try:
        store, path = fs.FileSystem.from_uri(archive)
    except (lib.ArrowInvalid, lib.ArrowException) as error:
        raise OSError(None, str(error), archive) from error
    return ArrowStore(store, path, archive)


def sources_of(archives: Sequence[str]) -> Iterator[tuple[int, Store, Source]]:
    """Yield the files of all archives in the order of their names.

    Args:
        archives: Paths and addresses.

    Returns:
        Each file with the number of its archive and its store.

    Raises:
        OSError: An archive is not there, or cannot be read.
        ValueError: A file belongs to two archives.
    """
    last = None
    for number, store, source in heapq.merge(
        *(_numbered(number, archive) for number, archive in enumerate(archives)),
        key=lambda found: found[2].name,
    ):
        if source.name == last:
            raise ValueError(f"{source.name}: is given twice")
        last = source.name
        yield number, store, source


def _numbered(number: int, archive: str) -> Iterator[tuple[int, Store, Source]]:
    store = store_of(archive)
    for source in store.sources(archive):
        yield number, store, source


def readable(name: str) -> str:
    """Return a file's name as text that UTF-8 can write; octets that are none are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


class LocalStore:
    """Files of this machine. Links that a folder holds are named, and not followed."""

    def sources(self, name: str) -> Iterator[Source]:
        """Yield the file of a name, or all files below a folder, in the order of their names."""
        try:
            status = os.stat(name)  # noqa: PTH116 - the same text that is named
        except ValueError as error:
            raise OSError(None, str(error), name) from error
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(name)
        elif stat.S_ISREG(status.st_mode):
            yield Source(readable(name), os.path.realpath(name))
        else:
            raise OSError(None, "is neither a regular file nor a folder", name)

    def open(self, source: Source) -> BinaryIO:
        """Open a regular file; a link that took its place since is not followed."""
        fd = os.open(source.path, os.O_RDONLY | _NO_LINKS)
        if not regular(os.fstat(fd)):
            os.close(fd)
            raise OSError(None, "is not a regular file", source.path)
        return open(fd, "rb", buffering=0)  # noqa: PTH123 - what is open has no path


def _walk(folder: str) -> Iterator[Source]:
    """Yield the files below a folder; only the names of the folders on the way are held."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=_place)
    files = {entry.name for entry in entries}
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            kept = entry.name.removesuffix(_POLICIES)
            if kept == entry.name or kept not in files:
                yield from _below(entry.path)
        elif entry.is_file(follow_symlinks=False):
            yield Source(readable(entry.path), entry.path)
        else:
            what = "a link" if entry.is_symlink() else "no regular file"
            yield Source(readable(entry.path), entry.path, f"is {what}: not read")


def _below(folder: str) -> Iterator[Source]:
    try:
        yield from _walk(folder)
    except OSError as error:
        yield Source(readable(f"{folder}/"), folder, cannot_read(error))


def _place(entry: os.DirEntry[str]) -> str:
    """Return what orders a folder's entries as the whole names of all files are ordered."""
    name = readable(entry.name)
    return f"{name}/" if entry.is_dir(follow_symlinks=False) else name


class ArrowStore:
    """Files of a pyarrow file system."""

    def __init__(self, filesystem: Any, path: str, address: str) -> None:
        """Keep the file system, the archive's path in it, and how the archive was named."""
        self._fs = filesystem
        self._path = path.rstrip("/")
        self._address = address.partition("?")[0].rstrip("/")  # what follows says how to get there

    def sources(self, name: str) -> Iterator[Source]:
        """Yield the file of a name, or all files below a folder, in the order of their names."""
        from pyarrow import fs  # noqa: PLC0415 - an extra, and slow to import

        info = self._fs.get_file_info(self._path)
        if info.type is fs.FileType.NotFound:
            raise OSError(None, "does not exist", name)
        if info.type is not fs.FileType.Directory:
            yield Source(self._address, self._path)
            return
        yield from self._walk(self._path)

    def _walk(self, folder: str) -> Iterator[Source]:
        from pyarrow import fs  # noqa: PLC0415 - an extra, and slow to import

        def place(info: Any) -> str:
            return f"{info.path}/" if info.type is fs.FileType.Directory else str(info.path)

        for info in sorted(self._fs.get_file_info(fs.FileSelector(folder)), key=place):
            if info.type is fs.FileType.Directory:
                yield from self._walk(info.path)
            else:
                name = self._address + info.path.removeprefix(self._path)
                yield Source(name, info.path)

    def open(self, source: Source) -> BinaryIO:
        """Open a file."""
        return cast("BinaryIO", io.BufferedReader(self._fs.open_input_file(source.path)))
