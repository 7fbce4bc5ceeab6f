"""A process that appends: ``python appender.py FOLDER ARCHIVE COUNT [PIECE]``."""

import os
import sys
from pathlib import Path

from attest.archive import Archive
from tests.archive.making import decision

_write = os.write


def main(folder: str, path: str, count: str, piece: str = "") -> None:
    """Append so many records, and say of each that it is durable only when it is.

    With PIECE, the system takes no more than so many octets at once, as it may.
    """
    one = decision(Path(folder))
    archive = Archive(path)
    _write(1, b"ready\n")
    if piece:
        os.write = lambda fd, octets: _write(fd, memoryview(octets)[: int(piece)])
    for _ in range(int(count)):
        receipt = archive.append(one)
        _write(1, f"{receipt.seq} {receipt.sha256}\n".encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
