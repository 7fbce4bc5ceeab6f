"""CAB files: honest ones by the library, and one header that lies."""

import struct

from cabarchive import CabArchive, CabFile

HEADER = 36
"""Octets before the first folder, without reserve."""


def cabinet(files: dict[str, bytes], *, compress: bool = True) -> bytes:
    archive = CabArchive()
    for name, octets in files.items():
        archive[name] = CabFile(octets)
    octets_: bytes = archive.save(compress)
    return octets_


def patched(octets: bytes, at: int, form: str, value: int) -> bytes:
    """Put a number at a place."""
    number = struct.pack(f"<{form}", value)
    return octets[:at] + number + octets[at + len(number) :]


def first_file(octets: bytes) -> int:
    """Find the first CFFILE."""
    place: int = struct.unpack_from("<I", octets, 16)[0]
    return place


def first_block(octets: bytes) -> int:
    """Find the first CFDATA."""
    place: int = struct.unpack_from("<I", octets, HEADER)[0]
    return place
