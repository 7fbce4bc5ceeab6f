"""The policies of an archive, beside it by digest, so that its results can be judged again."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from attest.archive.durable import sync, sync_folder, write_all
from attest.archive.regular import open_regular
from attest.errors import MalformedError, PolicyError
from attest.policy import files
from attest.policy.document import MAX_OCTETS
from attest.policy.model import Policy
from attest.policy.signed import judged_octets

_BINARY = getattr(os, "O_BINARY", 0)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | _BINARY


def policy_path(archive: str, sha256: str) -> Path:
    """Name the file that keeps a policy of an archive."""
    return Path(f"{archive}.policies", f"{sha256}.yaml")


def is_kept(archive: str, sha256: str) -> bool:
    """Tell whether a policy lies beside an archive, whatever its octets are."""
    return os.path.lexists(policy_path(archive, sha256))


def policy_fault(archive: str, sha256: str) -> str | None:
    """Say what is wrong with a kept policy; None where its octets have the digest."""
    try:
        with open_regular(policy_path(archive, sha256)) as stream:
            octets = stream.read(MAX_OCTETS + 1)
    except OSError as error:
        return f"the policy kept as {sha256} cannot be read: {files.reason(error)}"
    seen = hashlib.sha256(octets).hexdigest()
    return None if seen == sha256 else f"the policy kept as {sha256} hashes to {seen}"


def keep(archive: str, policy: Policy, *, durable: bool) -> None:
    """Keep a policy's file beside an archive; the archive's lock is held.

    The file gets its name only when it is whole, so a crash leaves no half of it there.

    Raises:
        OSError: It cannot be written.
        MalformedError: The policy's file is no longer what was loaded, or the kept one was changed.
    """
    path = policy_path(archive, policy.sha256)
    if is_kept(archive, policy.sha256):
        fault = policy_fault(archive, policy.sha256)
        if fault is not None:
            raise MalformedError("policies", fault)
        return
    octets = _loaded(policy)
    with suppress(FileExistsError):
        path.parent.mkdir(0o700)
        sync_folder(path.parent, durable=durable)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    fd = os.open(partial, _CREATE, 0o600)
    try:
        write_all(fd, octets)
        sync(fd, durable=durable)
    finally:
        os.close(fd)
    partial.rename(path)
    sync_folder(path, durable=durable)


def _loaded(policy: Policy) -> bytes:
    """Read a policy's file once more, and see that it holds the octets that were loaded.

    Of a signed policy the octets inside are kept: it is by them that results name it.
    """
    try:
        octets = judged_octets(files.read(policy.path))
    except PolicyError as error:
        raise MalformedError("policy", str(error)) from error
    if hashlib.sha256(octets).hexdigest() != policy.sha256:
        raise MalformedError("policy", f"{policy.path} was changed since it was loaded")
    return octets
