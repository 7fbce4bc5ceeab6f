"""The drift between two policies: the same archives judged by both, in one folder, and compared."""

from __future__ import annotations

import json
import shlex
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from attest.archive.durable import write_whole
from attest.replay import manifest
from attest.replay.comparison import compare
from attest.replay.manifest import At, Run
from attest.replay.overview import demanded, key_named, report_of
from attest.replay.pool import ReplayError
from attest.replay.published import NOW, THEN, Ended, ended, holds_drift
from attest.replay.run import Options, Outcome, replay
from attest.report.contents import Command, Report

NAME: Final = "drift.json"


class Drifted(Struct, frozen=True):
    """How a drift ended.

    Attributes:
        then: How the run by the policy then ended.
        now: How the run by the policy now ended.
        found: What stands in ``drift.json``.
    """

    then: Outcome
    now: Outcome
    found: dict[str, Any]


def drift(then: Run, now: Run, out: Path, options: Options) -> Drifted:
    """Judge archives twice, into ``then`` and ``now`` of a folder, and compare; resumable as a run.

    Args:
        then: What is asked of the policy then.
        now: The same of the policy now; by the clock, both are judged at one moment.
        out: Folder of the drift; new, empty, or with a drift that is about the same.
        options: How it is done; nothing stops it at a row.

    Raises:
        ReplayError: The folder holds something else, or a drift that is about something else.
        OSError: An archive is not there, or the folder cannot be written.
    """
    _refuse_foreign(out)
    whole = msgspec.structs.replace(options, fail_fast=False)
    first = replay(then, out / THEN, whole)
    second = replay(_at_one_moment(now, out / THEN), out / NOW, whole)
    found = compare(ended(out / THEN), ended(out / NOW), options.engine)
    octets = f"{json.dumps(found, indent=1)}\n".encode("ascii")
    write_whole(out / NAME, lambda file: file.write(octets))
    return Drifted(first, second, found)


def _refuse_foreign(out: Path) -> None:
    """Refuse a folder that holds anything but a drift, or the beginning of one."""
    if holds_drift(out) or not out.exists():
        return
    if any(entry.name != THEN for entry in out.iterdir()):
        raise ReplayError(f"{out}: is not empty, and holds no drift")


def _at_one_moment(now: Run, then: Path) -> Run:
    """Take the clock of the run then, which may have begun in an earlier call."""
    if now.at.mode != "now":
        return now
    moment = manifest.head(then / manifest.NAME)["at"]["moment"]
    return msgspec.structs.replace(now, at=At("now", datetime.fromisoformat(moment)))


def opened(out: Path) -> tuple[Ended, dict[str, Any]]:
    """Open a drift that ended: the run now, and the comparison, made again from both runs.

    Args:
        out: Its folder.

    Raises:
        ReplayError: It holds no drift that ended, parts that were changed, or a ``drift.json`` that
            is not what the runs give.
    """
    now, found, same = compared_again(out)
    if not same:
        raise ReplayError(f"{out}: {NAME} is not what the two runs give")
    return now, found


def report_of_drift(out: Path) -> Report:
    """Gather what a report of a drift shows: the run now, and what changed.

    Args:
        out: Folder of a drift that ended.

    Raises:
        ReplayError: As of ``opened`` and ``report_of``.
    """
    now, found = opened(out)
    report = report_of(now)
    then, at = found["then"], now.head.at.moment or "evidence"
    policies = ("--policy-then", then["policy"], "--policy-now", now.head.policy)
    key, least = demanded(now.head)
    again = (
        Command(
            f"Repeat both runs, and compare them again.{key_named(now.head)}",
            shlex.join(["attest", "replay", "--check", str(out), *key]),
        ),
        Command(
            "Or judge the same archives by both policies into a folder of your own.",
            shlex.join(
                ["attest", "replay", *now.head.archives, *policies, *key, *least, "--at", at]
            )
            + " -o again/",
        ),
    )
    return msgspec.structs.replace(report, drift=found, commands=(*again, *report.commands))


def compared_again(out: Path) -> tuple[Ended, dict[str, Any], bool]:
    """Compare the runs of a drift again; also say whether ``drift.json`` says the same.

    Raises:
        ReplayError: The folder holds no drift that ended, or parts that were changed.
    """
    then, now = ended(out / THEN), ended(out / NOW)
    try:
        told = json.loads((out / NAME).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ReplayError(f"{out}: holds no drift that ended: {error}") from error
    found = compare(then, now)
    return now, found, _counted(told) == _counted(found)


def _counted(found: Any) -> Any:
    """Return what must be the same of a comparison, whichever version explains it; else None."""
    try:
        return (
            found["then"]["digest"],
            found["now"]["digest"],
            found["transitions"],
            [(change["kind"], change["count"], change["rows"]) for change in found["changes"]],
        )
    except (KeyError, TypeError):
        return None
