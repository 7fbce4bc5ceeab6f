"""What a run is about: inputs with hashes, policy, verifier, moment; in ``OUT/manifest.json``.

The file has one member a line, and then one input a line, so that it is written, compared and read
again in constant memory. Two runs are about the same where these octets are the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from attest.archive.stores import Source, Store
from attest.archive.streams import PIECE, cannot_read
from attest.policy.model import Policy, PolicySet
from attest.policy.origin import Demands
from attest.replay.batching import BATCH_OCTETS, BATCH_ROWS
from attest.result import VERIFIER, timestamp

NAME: Final = "manifest.json"
SCHEMA: Final = 1
POLICY_KEY: Final = "policy_key_sha256"
"""Member: SHA-256 of the SubjectPublicKeyInfo of the key that must have signed each policy."""
MIN_SERIAL: Final = "policy_min_serial"
"""Member: least serial of each policy. Neither stands where nothing was demanded."""
_INPUTS: Final = ' "inputs": ['


class At(Struct, frozen=True):
    """The moments that rows are judged at.

    Attributes:
        mode: ``evidence`` (each row's own), ``now`` (the run's clock) or ``given``.
        moment: The one moment; None for ``evidence``.
    """

    mode: str
    moment: datetime | None = None

    @property
    def timed(self) -> bool:
        """Whether the moment of a result belongs to the result, and not to the run."""
        return self.mode != "now"


class Input(Struct, frozen=True):
    """One file of the archives.

    Attributes:
        archive: Number of the archive that it belongs to, in their order.
        source: Its name, as results have it.
        path: The file, as its store opens it.
        octets: Its size; None where it could not be read.
        sha256: SHA-256 of it; None where it could not be read.
        fault: Why it could not be read.
    """

    archive: int
    source: str
    path: str
    octets: int | None
    sha256: str | None
    fault: str | None = None


class Run(Struct, frozen=True):
    """What a run is asked for.

    Attributes:
        archives: The archives, sorted.
        policy_path: The policy file or directory.
        policy: The policy.
        at: The moments that rows are judged at.
    """

    archives: tuple[str, ...]
    policy_path: str
    policy: Policy | PolicySet
    at: At

    def members(self) -> dict[str, Any]:
        """Return the members of the manifest before its inputs."""
        policies = [self.policy] if isinstance(self.policy, Policy) else self.policy.policies
        moment = self.at.moment
        return {
            "schema": SCHEMA,
            "verifier": VERIFIER,
            "archives": list(self.archives),
            "policy": self.policy_path,
            "policies": [one.identity() for one in policies],
            "policy_sha256": policy_sha256(self.policy),
            **_demanded(self.policy.demands),
            "at": {"mode": self.at.mode, "moment": None if moment is None else timestamp(moment)},
            "batch": {"rows": BATCH_ROWS, "octets": BATCH_OCTETS},
        }


def _demanded(demands: Demands) -> dict[str, Any]:
    """Return what was demanded of the policies, as far as anything was."""
    demanded: dict[str, Any] = {}
    if demands.verify_key is not None:
        from attest.signing import public_key_sha256  # noqa: PLC0415 - for signed policies alone

        demanded[POLICY_KEY] = public_key_sha256(demands.verify_key)
    if demands.min_serial is not None:
        demanded[MIN_SERIAL] = demands.min_serial
    return demanded


def policy_sha256(policy: Policy | PolicySet) -> str:
    """Return SHA-256 of a policy's file; of a set, over the digests of its files in their order."""
    if isinstance(policy, Policy):
        return policy.sha256
    return hashlib.sha256("".join(one.sha256 for one in policy.policies).encode()).hexdigest()


def hashed(store: Store, archive: int, source: Source) -> Input:
    """Read a file once, for its size and its hash."""
    if source.fault is not None:
        return Input(archive, source.name, source.path, None, None, source.fault)
    state, size = hashlib.sha256(), 0
    try:
        with store.open(source) as stream:
            while piece := stream.read(PIECE):
                state.update(piece)
                size += len(piece)
    except OSError as error:
        return Input(archive, source.name, source.path, None, None, cannot_read(error))
    return Input(archive, source.name, source.path, size, state.hexdigest())


def write(path: Path, run: Run, inputs: Iterable[Input]) -> int:
    """Write a manifest; return how many inputs it has."""
    count = 0
    with path.open("w", encoding="ascii", newline="\n") as file:
        for name, value in run.members().items():
            file.write(f'{"," if count else "{"}\n "{name}": {json.dumps(value)}')
            count = 1
        file.write(f",\n{_INPUTS}")
        count = 0
        for one in inputs:
            file.write(",\n" if count else "\n")
            file.write(f"  {json.dumps(_written(one))}")
            count += 1
        file.write("\n ]\n}\n")
    return count


def _written(one: Input) -> dict[str, Any]:
    written: dict[str, Any] = {
        "archive": one.archive,
        "source": one.source,
        "octets": one.octets,
        "sha256": one.sha256,
    }
    if one.path != one.source:
        written["path"] = one.path
    if one.fault is not None:
        written["fault"] = one.fault
    return written


def head(path: Path) -> dict[str, Any]:
    """Read the members of a manifest before its inputs.

    Raises:
        ValueError: It is no manifest.
        OSError: It cannot be read.
    """
    with path.open(encoding="ascii") as file:
        lines = []
        for line in file:
            if line.startswith(_INPUTS):
                break
            lines.append(line)
    members = json.loads("".join(lines).rstrip().rstrip(",") + "}")
    if members.get("schema") != SCHEMA:
        raise ValueError(f"schema is {members.get('schema')!r}, expected {SCHEMA}")
    return dict(members)


def inputs(path: Path) -> Iterator[Input]:
    """Read the inputs of a manifest, one by one."""
    with path.open(encoding="ascii") as file:
        for line in file:
            if line.startswith("  {"):
                one = json.loads(line.rstrip().rstrip(","))
                yield Input(
                    one["archive"],
                    one["source"],
                    one.get("path", one["source"]),
                    one["octets"],
                    one["sha256"],
                    one.get("fault"),
                )


def difference(before: Path, now: Path) -> str | None:
    """Say what differs first between two manifests; None where they are the same.

    ``at`` with mode ``now`` keeps the moment of the first run: give both the same.
    """
    with before.open(encoding="utf-8", errors="replace") as old, now.open(encoding="ascii") as new:
        for one, other in zip_longest(old, new, fillvalue=""):
            ours, theirs = one.strip().rstrip(","), other.strip().rstrip(",")
            if ours == theirs:
                continue
            line = theirs if theirs.startswith("{") else ours
            if line.startswith("{"):
                return f"inputs differ: {_named(line)}"
            return f"{line.partition(':')[0].strip(chr(34))} differs"
    return None


def _named(line: str) -> str:
    return str(json.loads(line)["source"])
