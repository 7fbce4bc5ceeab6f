"""A run or a drift repeated: the same inputs, policies and moment must give the same results."""

from __future__ import annotations

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from attest.policy.loader import load_policy
from attest.replay import manifest
from attest.replay.drift import NAME, compared_again
from attest.replay.manifest import At, Run
from attest.replay.pool import ReplayError
from attest.replay.published import NOW, THEN, holds_drift
from attest.replay.run import FINDINGS, SUMMARY, Options, digest_of, replay


def check(out: Path, options: Options, verify_key: bytes | None = None) -> list[str]:
    """Repeat a run beside its folder, or both runs of a drift, and compare.

    Args:
        out: Folder of a run or a drift that ended.
        options: How the repetition is done.
        verify_key: Public key in PEM that must have signed the policies; None: none is signed. The
            manifest has its digest alone, for a key out of the folder would prove nothing.

    Returns:
        What differs; empty where nothing does.

    Raises:
        ReplayError: The folder holds no run and no drift that ended.
        PolicyError: The run's policy does not load any more.
        OSError: An archive is not there any more.
    """
    if not holds_drift(out):
        return _repeated(out, options, verify_key)
    differences = [
        f"{name}: {one}"
        for name in (THEN, NOW)
        for one in _repeated(out / name, options, verify_key)
    ]
    if not differences and not compared_again(out)[2]:
        differences.append(f"{NAME} differs")
    return differences


def _repeated(out: Path, options: Options, verify_key: bytes | None) -> list[str]:
    try:
        run = _run(manifest.head(out / manifest.NAME), verify_key)
        before = {name: json.loads((out / name).read_bytes()) for name in (SUMMARY, FINDINGS)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReplayError(f"{out}: holds no run that ended: {error}") from error
    differences = []
    if digest_of(out) != before[SUMMARY].get("digest"):
        differences.append("the digest of the parts is not that of the summary")
    with tempfile.TemporaryDirectory(prefix=f"{out.name}.", dir=out.resolve().parent) as place:
        again = Path(place)
        replay(run, again, options)
        different = manifest.difference(out / manifest.NAME, again / manifest.NAME)
        if different is not None:
            differences.append(different)
        for name, value in before.items():
            differences += _compared(name, value, json.loads((again / name).read_bytes()))
    return differences


def _run(members: dict[str, Any], verify_key: bytes | None) -> Run:
    moment = members["at"]["moment"]
    at = At(members["at"]["mode"], None if moment is None else datetime.fromisoformat(moment))
    least = members.get(manifest.MIN_SERIAL)
    policy = load_policy(members["policy"], verify_key=verify_key, min_serial=least)
    return Run(tuple(members["archives"]), members["policy"], policy, at)


def _compared(name: str, before: Any, now: Any) -> list[str]:
    """Name the members of a summary that differ, or the findings."""
    if before == now:
        return []
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return [f"{name} differs"]
    return [
        f"{name}: {member} was {before.get(member)}, is {now.get(member)}"
        for member in now | before
        if before.get(member) != now.get(member)
    ]
