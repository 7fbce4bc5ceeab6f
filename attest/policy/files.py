"""What policy paths name on disk, read with a bound; no other room of policies touches files."""

from __future__ import annotations

import stat
from pathlib import Path, PureWindowsPath

from attest.errors import PolicyError
from attest.policy.document import MAX_OCTETS

MAX_ROOT_OCTETS = 1 << 20
MAX_FILE_OCTETS = 2 * MAX_OCTETS
"""Octets of a policy's file: an envelope holds a policy in base64, and signatures."""

_PLAIN = (".yaml",)
_SIGNED = (".yaml", ".dsse")


def read(path: str) -> bytes:
    """Read a policy file, or as much of it as shows that it is too large.

    Raises:
        PolicyError: The file cannot be read, or none is named.
    """
    _refuse_empty(path)
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_FILE_OCTETS + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        raise PolicyError(path, f"cannot be read: {reason(error)}") from error


def is_folder(path: str) -> bool:
    """Tell whether a path names a folder; what cannot be told is left for reading to say.

    Raises:
        PolicyError: The path is empty.
    """
    _refuse_empty(path)
    try:
        return Path(path).is_dir()
    except OSError:
        return False


def _refuse_empty(path: str) -> None:
    """Refuse an empty path, which the system's own calls take for the current folder."""
    if not path:
        raise PolicyError("''", "cannot be read: the path is empty")


def members(folder: str, *, signed: bool = False) -> list[str]:
    """List the policy files of a set as a shell lists ``*.yaml``: sorted, without hidden ones.

    Args:
        folder: The directory.
        signed: Whether each must be signed; ``*.dsse`` are then files of the set too.

    Raises:
        PolicyError: The folder cannot be read, or holds none.
    """
    try:
        names = [member.name for member in Path(folder).iterdir()]
    except OSError as error:
        raise PolicyError(folder, f"cannot be read: {reason(error)}") from error
    endings = _SIGNED if signed else _PLAIN
    chosen = sorted(name for name in names if name.endswith(endings) and name[0] != ".")
    if not chosen:
        kinds = " and no ".join(f"*{ending}" for ending in endings)
        raise PolicyError(folder, f"no {kinds} file in this directory")
    return [str(Path(folder, name)) for name in chosen]


def reason(error: OSError | ValueError) -> str:
    """Write a fault of the file system without the path, which the message names already."""
    return getattr(error, "strerror", None) or str(error)


def stays_inside(file: str) -> bool:
    """Tell whether a path is relative and never climbs, on POSIX and on Windows."""
    path = PureWindowsPath(file)
    return not path.anchor and ".." not in path.parts


def read_beside(policy: str, file: str) -> bytes:
    """Read a file that a policy names, from the policy's folder.

    Args:
        policy: Path of the policy.
        file: Path relative to the policy's folder; ``stays_inside`` holds.

    Raises:
        OSError: The file cannot be read, is none, is too large, or lies elsewhere by a link.
    """
    folder = Path(policy).parent.resolve()
    target = folder / file
    if not stat.S_ISREG(target.stat().st_mode):
        raise OSError("not a regular file")
    if not target.resolve().is_relative_to(folder):
        raise OSError("a link leads out of the policy's folder")
    with target.open("rb") as stream:
        octets = stream.read(MAX_ROOT_OCTETS + 1)
    if len(octets) > MAX_ROOT_OCTETS:
        raise OSError(f"larger than {MAX_ROOT_OCTETS} octets")
    return octets
