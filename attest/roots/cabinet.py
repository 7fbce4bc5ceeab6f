"""CAB archives, such as Microsoft's TrustedTpm.cab: bounded before a library opens them."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from attest.certificates.extra import require
from attest.roots.source import MAX_FILES, MAX_MEMBER_OCTETS, Member, SourceError

MAGIC = b"MSCF"
MAX_BLOCKS = 4096
"""Blocks in all folders together: 128 MiB at most, since a block holds 32 KiB."""

_HEADER = struct.Struct("<4s4xI4xI4xBBHHHHH")
_RESERVE = struct.Struct("<HBB")
_FOLDER = struct.Struct("<IHH")
_FILE = struct.Struct("<IIHHHH")
_BLOCK = struct.Struct("<IHH")
_HAS_RESERVE = 0x0004
_CHAINED = 0x0003
_MAX_FOLDERS = 64
_MAX_PACKED = 32 * 1024 + 6144
"""Octets of a block as it is stored ([MS-CAB], 2.4)."""
_MAX_UNPACKED = 32 * 1024
_MAX_NAME = 256


def read_cabinet(octets: bytes, name: str) -> Iterator[Member]:
    """Yield the files of a cabinet; where they would be unpacked to plays no part.

    Args:
        octets: The archive.
        name: What it is called, for errors.

    Raises:
        SourceError: The octets are no cabinet, one of several, compressed in another way than
            MSZIP, or more than the bounds allow.
        MissingExtraError: The extra ``ek`` is not installed.
    """
    require("cabarchive", "attest roots import of a CAB file")
    from cabarchive import CabArchive, CorruptionError, NotSupportedError  # noqa: PLC0415 - an extra

    try:
        _check(octets)
    except struct.error as error:
        raise SourceError(name, "is cut off") from error
    except ValueError as error:
        raise SourceError(name, str(error)) from error
    try:
        archive = CabArchive(octets)
    except NotSupportedError as error:
        fault = f"{error}; unpack it with another tool and import the folder"
        raise SourceError(name, fault) from error
    except (CorruptionError, ValueError, IndexError) as error:
        raise SourceError(name, f"is corrupt: {error}") from error
    for path, file in archive.items():
        yield Member(path.replace("\\", "/"), file.buf or b"")


def _check(octets: bytes) -> None:
    """Bound what the library would unpack: blocks, files, and their sizes."""
    magic, _, files_at, _, _, folders, files, flags, _, _ = _HEADER.unpack_from(octets)
    if magic != MAGIC:
        raise ValueError("is no CAB file")
    if flags & _CHAINED:
        raise ValueError("is one of several CAB files")
    if folders > _MAX_FOLDERS or files > MAX_FILES:
        raise ValueError(f"{folders} folders and {files} files exceed {_MAX_FOLDERS}, {MAX_FILES}")
    at, folder_reserve, block_reserve = _HEADER.size, 0, 0
    if flags & _HAS_RESERVE:
        header_reserve, folder_reserve, block_reserve = _RESERVE.unpack_from(octets, at)
        at += _RESERVE.size + header_reserve
    blocks = 0
    for index in range(folders):
        start, count, _ = _FOLDER.unpack_from(octets, at + index * (_FOLDER.size + folder_reserve))
        blocks += count
        if blocks > MAX_BLOCKS:
            raise ValueError(f"more than {MAX_BLOCKS} blocks: too much to unpack")
        _check_blocks(octets, start, count, block_reserve)
    _check_files(octets, files_at, files)


def _check_blocks(octets: bytes, start: int, count: int, reserve: int) -> None:
    for _ in range(count):
        _, packed, unpacked = _BLOCK.unpack_from(octets, start)
        if packed > _MAX_PACKED or unpacked > _MAX_UNPACKED:
            raise ValueError(f"a block of {packed} octets that hold {unpacked} is no CAB's")
        start += _BLOCK.size + reserve + packed


def _check_files(octets: bytes, start: int, count: int) -> None:
    """Bound each file and all together: several may claim the same octets."""
    total, names = 0, set()
    for _ in range(count):
        size = _FILE.unpack_from(octets, start)[0]
        start += _FILE.size
        end = octets.find(b"\0", start, start + _MAX_NAME)
        if end < 0:
            raise ValueError("a file has no name, or an endless one")
        name = octets[start:end]
        total += size
        if size > MAX_MEMBER_OCTETS or total > MAX_BLOCKS * _MAX_UNPACKED or name in names:
            raise ValueError(f"file {name.decode('ascii', 'replace')} is too large, or there twice")
        names.add(name)
        start = end + 1
