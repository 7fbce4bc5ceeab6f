"""Many small files packed into Parquet shards: raw octets, path and SHA-256, a row a file.

The same archives always give the same shards, so that a call that was interrupted goes on when it
is made again. What lies there is held against the files, and never written anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from attest.archive.saved import is_one_response
from attest.archive.stores import Source, Store, sources_of
from attest.archive.streams import cannot_read
from attest.archive.tables import PackedFile, read_shard, write_shard
from attest.document import MAX_RESPONSE
from attest.errors import AttestError

SHARD_ROWS: Final = 65_536
"""Files of a shard at most."""
SHARD_OCTETS: Final = 64 * 1024 * 1024
"""Octets of a shard's files at most, before compression, unless one file has more."""

_PART: Final = "part-*.parquet"


class PackError(AttestError):
    """A pack that cannot begin, or go on."""


class Packed(Struct, frozen=True):
    """What was packed.

    Attributes:
        files: Files that stand in the shards.
        shards: Shards, those of an earlier call counted too.
        left_out: Files that hold no single response, or are no files.
        unreadable: Files that the system would not let us read.
    """

    files: int
    shards: int
    left_out: int
    unreadable: int


def pack(archives: Sequence[str], out: Path, tell: Callable[[str], None]) -> Packed:
    """Pack the files of archives into a folder, or go on with a pack that was interrupted there.

    Args:
        archives: Paths and addresses.
        out: Folder of the shards; new, empty, or with a pack of the same files.
        tell: Called with the name of each file that is left out, and why.

    Raises:
        PackError: The folder holds something else, or a pack of other files; no file was packed.
        OSError: An archive is not there, or the folder cannot be written.
    """
    for archive in archives:
        if "://" not in archive and out.resolve().is_relative_to(Path(archive).resolve()):
            raise PackError(f"{out}: lies in the archive {archive}")
    _prepare(out)
    files = _Files(tell)
    shards = packed = 0
    try:
        for shard in _shards(files.read(archives)):
            path = _path(out, shards)
            if path.exists():
                _hold_against(path, shard)
            else:
                write_shard(path, shard)
            shards += 1
            packed += len(shard)
    except ValueError as error:  # a file that is given twice
        raise PackError(str(error)) from error
    if _path(out, shards).exists():
        raise PackError(f"{out}: holds another pack: {_path(out, shards).name} is one too many")
    if not packed:
        raise PackError("no file to pack")
    return Packed(packed, shards, files.left_out, files.unreadable)


def _path(out: Path, number: int) -> Path:
    return out / f"part-{number:08}.parquet"


def _prepare(out: Path) -> None:
    """Make the folder, or clear it of what an interrupted call left half written."""
    out.mkdir(parents=True, exist_ok=True)
    for partial in out.glob(f"{_PART}.*.partial"):
        partial.unlink()
    if any(not entry.match(_PART) for entry in out.iterdir()):
        raise PackError(f"{out}: is not empty, and holds no pack")


def _shards(files: Iterable[PackedFile]) -> Iterator[list[PackedFile]]:
    """Gather files, in their order, until a shard is full."""
    shard: list[PackedFile] = []
    size = 0
    for file in files:
        if shard and (len(shard) >= SHARD_ROWS or size + len(file.octets) > SHARD_OCTETS):
            yield shard
            shard, size = [], 0
        shard.append(file)
        size += len(file.octets)
    if shard:
        yield shard


def _hold_against(path: Path, shard: Sequence[PackedFile]) -> None:
    """Raise unless a shard that lies there holds these very files."""
    wanted = [(file.path, file.sha256) for file in shard]
    try:
        there = read_shard(path)
    except (OSError, ValueError, LookupError) as error:
        raise PackError(f"{path}: is no shard of a pack: {error}") from error
    if there == wanted:
        return
    pairs = zip(there, wanted, strict=False)
    name = next((new[0] for old, new in pairs if old != new), None)
    what = "has another number of files" if name is None else f"has not {name} as it is now"
    raise PackError(f"{path}: holds another pack: {what}")


class _Files:
    """The files of archives that hold one response each; all others are told of and counted."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.left_out = 0
        self.unreadable = 0

    def read(self, archives: Sequence[str]) -> Iterator[PackedFile]:
        """Yield the files in the order of their names."""
        for _, store, source in sources_of(sorted(archives)):
            octets = self._read(store, source)
            if octets is not None:
                yield PackedFile(source.name, octets, hashlib.sha256(octets).hexdigest())

    def _read(self, store: Store, source: Source) -> bytes | None:
        if source.fault is not None:
            self._leave(source, source.fault)
            return None
        try:
            with store.open(source) as stream:
                octets = _whole(stream.read)
        except OSError as error:
            self.unreadable += 1
            self._tell(f"{source.name}: {cannot_read(error)}")
            return None
        if len(octets) > MAX_RESPONSE:
            self._leave(source, f"exceeds {MAX_RESPONSE} octets")
            return None
        if not is_one_response(source.name, octets):
            self._leave(source, "does not hold one response as it is")
            return None
        return octets

    def _leave(self, source: Source, why: str) -> None:
        self.left_out += 1
        self._tell(f"{source.name}: {why}: not packed")


def _whole(read: Callable[[int], bytes]) -> bytes:
    """Read to the end, or as far as shows that it is too long; a raw stream gives it piecemeal."""
    pieces: list[bytes] = []
    rest = MAX_RESPONSE + 1
    while rest and (piece := read(rest)):
        pieces.append(piece)
        rest -= len(piece)
    return b"".join(pieces)
