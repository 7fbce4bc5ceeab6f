"""CAB files: read where honest, bounded before anything is unpacked."""

import struct

import pytest

from attest.roots.cabinet import MAX_BLOCKS, read_cabinet
from attest.roots.source import MAX_MEMBER_OCTETS, SourceError
from tests.roots.cabinets import HEADER, cabinet, first_block, first_file, patched

FILES = {"Intel\\RootCA\\a.cer": b"a" * 40_000, "Intel/IntermediateCA/b.crt": b"", "v.txt": b"c"}
HONEST = cabinet(FILES)


def read(octets: bytes) -> dict[str, bytes | None]:
    return {member.path: member.octets for member in read_cabinet(octets, "f.cab")}


def refused(octets: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        read(octets)
    assert caught.value.path == "f.cab"
    return caught.value.fault


@pytest.mark.parametrize("compress", [True, False])
def test_files_are_read_by_their_paths(compress: bool) -> None:
    seen = read(cabinet(FILES, compress=compress))

    assert seen == {name.replace("\\", "/"): octets for name, octets in FILES.items()}


def test_a_reserve_such_as_that_of_a_signature_is_passed_over() -> None:
    """Put reserves where a signed archive has them: 8 octets in the header, none elsewhere."""
    extra = struct.pack("<HBB", 8, 0, 0) + bytes(8)
    moved = HONEST[:HEADER] + extra + HONEST[HEADER:]
    for at in (8, 16, HEADER + len(extra)):  # size, files, data of the first folder
        moved = patched(moved, at, "I", struct.unpack_from("<I", moved, at)[0] + len(extra))

    assert read(patched(moved, 30, "H", 4)).keys() == read(HONEST).keys()


def test_every_truncation_is_refused() -> None:
    small = cabinet({"a.cer": b"abc", "b.cer": b"def"})

    assert all(refused(small[:end]) for end in range(1, len(small)))


BLOCK = first_block(HONEST)
FILE = first_file(HONEST)
TOO_MUCH = f"more than {MAX_BLOCKS} blocks: too much to unpack"
LIES = [
    (b"junk" + HONEST[4:], "is no CAB file"),
    (patched(HONEST, 30, "H", 1), "is one of several CAB files"),
    (patched(HONEST, 30, "H", 2), "is one of several CAB files"),
    (patched(HONEST, 26, "H", 65), "65 folders and 3 files exceed 64, 8192"),
    (patched(HONEST, 28, "H", 8193), "1 folders and 8193 files exceed 64, 8192"),
    (patched(HONEST, 28, "H", 0), "is corrupt: The cab file is empty"),
    (patched(HONEST, 8, "I", len(HONEST) + 1), "is corrupt: File size"),
    (patched(HONEST, 24, "B", 9), "Version 1.9 not supported; unpack it with another tool"),
    (patched(HONEST, HEADER + 4, "H", MAX_BLOCKS + 1), TOO_MUCH),
    (patched(HONEST, HEADER + 6, "H", 3), "LZX compression not supported; unpack it with another"),
    (patched(HONEST, HEADER, "I", len(HONEST)), "is cut off"),
    (patched(HONEST, BLOCK + 6, "H", 32769), "a block of "),
    (patched(HONEST, BLOCK + 4, "H", 65535), "a block of 65535 octets that hold 32768 is no CAB's"),
    (patched(HONEST, BLOCK + 9, "B", 0xFF), "is corrupt: Invalid checksum"),
    (patched(HONEST, FILE, "I", MAX_MEMBER_OCTETS + 1), "is too large, or there twice"),
    (patched(HONEST, FILE, "I", 50_000), "is corrupt: Corruption inside archive"),
    (cabinet({"a" * 300: b"1"}), "a file has no name, or an endless one"),
    (
        cabinet({"a": b"1", "b": b"2"}).replace(b"b\0", b"a\0"),
        "file a is too large, or there twice",
    ),
]


@pytest.mark.parametrize(("octets", "said"), LIES, ids=[str(n) for n in range(len(LIES))])
def test_refuses_archives_that_lie(octets: bytes, said: str) -> None:
    assert said in refused(octets)


def test_folders_that_share_their_blocks_are_counted_each() -> None:
    """Sixty-four folders of the same 2,000 blocks hold more than one may."""
    folder = struct.pack("<IHH", HEADER + 64 * 8, 2000, 0)
    block = struct.pack("<IHH", 0, 0, 0)
    header = HONEST[:26] + struct.pack("<HHH", 64, 1, 0) + HONEST[32:HEADER]

    assert refused(header + folder * 64 + block * 2000) == TOO_MUCH
