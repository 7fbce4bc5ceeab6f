"""One appender at a time, among all processes and threads of a machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

if sys.platform == "win32":
    import errno
    import msvcrt

    _FAR = 2**31 - 2
    """A lock bars others from reading its octets, so it stands as far out as the call can name."""

    def _lock(fd: int) -> None:
        while True:
            os.lseek(fd, _FAR, os.SEEK_SET)
            try:
                msvcrt.locking(fd, msvcrt.LK_LOCK, 1)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EDEADLOCK):  # taken for ten seconds
                    raise
            else:
                return

    def _unlock(fd: int) -> None:
        os.lseek(fd, _FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX)

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


@contextmanager
def locked(fd: int) -> Iterator[None]:
    """Hold the lock of an open file, waiting for it as long as it takes.

    The lock belongs to this opening of the file: who opens it again waits, in a thread of this
    process too. The system drops it when the holder dies.

    Raises:
        OSError: The file system cannot lock.
    """
    _lock(fd)
    try:
        yield
    finally:
        _unlock(fd)
