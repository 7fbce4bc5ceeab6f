"""One response of a run, for a third party: its result, what judged it, and how to check that."""

from __future__ import annotations

import hashlib
import shlex
from pathlib import Path
from typing import Any

from attest.errors import MalformedError
from attest.policy.signed import judged_octets
from attest.replay import manifest
from attest.replay.manifest import Input
from attest.replay.overview import demanded, installing, key_named, reasons_of
from attest.replay.pool import ReplayError
from attest.replay.published import Ended, Judged, moment_of, rows_named
from attest.report.contents import Case, Command

_MOST_POLICY = 1024 * 1024
_ENDINGS = (".yaml", ".dsse")


def case_of(run: Ended, source: str | None, row: int) -> Case:
    """Gather what a case file shows.

    Args:
        run: A run that ended.
        source: Where the response came from; None where its number is enough.
        row: Its number there.

    Raises:
        ReplayError: There is no such row, or it is not the one that was hashed; or there are
            several, and no source tells them apart.
    """
    found = rows_named(run, source, row)
    if not found:
        named = "no source has" if source is None else f"{source} has no"
        raise ReplayError(f"{run.out}: {named} row {row}")
    if len(found) > 1:
        raise ReplayError(f"{run.out}: several sources have row {row}: name one, as SOURCE:{row}")
    (judged,) = found
    columns, result = judged.columns, judged.result
    one = _input(run, result["source"])
    timed = run.head.at.mode != "now"
    return Case(
        result=result,
        reason=columns["reason"],
        refused_by=tuple(reason.check for reason in reasons_of(judged)),
        entry=columns["entry"],
        moment=moment_of(columns["moment"]),
        moment_source=columns["moment_source"],
        input_sha256=None if one is None else one.sha256,
        input_octets=None if one is None else one.octets,
        result_sha256=columns["result_sha256"].hex(),
        without=("verifier",) if timed else ("verifier", "verified_at"),
        digest=run.summary.digest,
        policy_text=_policy_text(run, result["policy"]),
        commands=_commands(run, judged, one),
    )


def _input(run: Ended, source: str) -> Input | None:
    """Find the input that a row stands in."""
    for one in manifest.inputs(run.out / manifest.NAME):
        if one.source == source:
            return one
    return None


def _policy_text(run: Ended, policy: dict[str, Any] | None) -> str | None:
    """Return the policy's file, where one with its digest is still there, signed or not."""
    if policy is None:
        return None
    path = Path(run.head.policy)
    files = [path]
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix in _ENDINGS)
    for file in files:
        octets = _policy_octets(file)
        if hashlib.sha256(octets).hexdigest() == policy["sha256"]:
            return octets.decode()
    return None


def _policy_octets(file: Path) -> bytes:
    """Return the policy in a file, out of its envelope if there is one; nothing if unreadable."""
    try:
        octets = file.read_bytes() if file.stat().st_size <= _MOST_POLICY else b""
        return judged_octets(octets)
    except (OSError, MalformedError, ImportError):  # ImportError: the extra for envelopes
        return b""


def _commands(run: Ended, judged: Judged, one: Input | None) -> tuple[Command, ...]:
    """Return the commands that judge one response again."""
    result, entry = judged.result, judged.columns["entry"]
    at = result["verified_at"] or "now"
    source, row = result["source"], result["row"]
    key, least = demanded(run.head)
    policy = ("-p", run.head.policy, *key, *least)
    listed = [installing(result["verifier"])]
    if one is not None and one.sha256 is not None:
        listed.append(
            Command(
                f"See that you hold the same file: expected {one.sha256}.",
                shlex.join(["sha256sum", "--", one.path]),
            )
        )
    what = f"row {row}" if entry is None else f"row {row}, in {entry}"
    listed.append(
        Command(
            f"Judge the file again at the same moment, into a folder of your own, and see {what} "
            f"there: the result above must come out, with SHA-256 "
            f"{judged.columns['result_sha256'].hex()}.{key_named(run.head)}",
            shlex.join(["attest", "replay", source, *policy, "--at", _at(run, at)])
            + " -o again/\n"
            + shlex.join(["attest", "report", "again/", "--case", f"{source}:{row}"])
            + " -o again.html",
        )
    )
    return tuple(listed)


def _at(run: Ended, moment: str) -> str:
    """Say the moment as the run took it: each row's own, or the one."""
    return "evidence" if run.head.at.mode == "evidence" else moment
