"""Regular files: the ones in which octets stay, and that can be read to an end."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO


def regular(status: os.stat_result) -> bool:
    """Tell whether octets that are written will be there to be read."""
    return stat.S_ISREG(status.st_mode)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading; a pipe is refused before it can hold anybody up.

    Raises:
        OSError: The file cannot be read, or is no regular file.
    """
    if not regular(os.stat(path)):  # noqa: PTH116 - the same for text and paths
        raise OSError(None, "is not a regular file", os.fspath(path))
    return open(path, "rb")  # noqa: PTH123 - the caller closes it
