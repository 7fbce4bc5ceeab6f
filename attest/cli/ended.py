"""The folder of a run as the commands take it that read one: opened, or an error on one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attest.cli.terminal import give_up, unreadable
from attest.errors import AttestError

if TYPE_CHECKING:
    from attest.replay.published import Ended


def open_run(out: str) -> Ended:
    """Read what a run says of itself.

    Raises:
        ReplayError: The folder holds no run that ended.
    """
    from attest.replay.published import ended  # noqa: PLC0415 - an extra, and slow to import

    return ended(Path(out))


@contextmanager
def one_line(place: str) -> Iterator[None]:
    """Leave with exit code 2 and one line where a run cannot be read, or something written."""
    try:
        yield
    except AttestError as error:
        give_up(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        give_up(unreadable(str(error.filename or place), error))
