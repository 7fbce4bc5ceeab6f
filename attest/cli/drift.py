"""What ``attest replay`` says of the drift between two policies, and of two runs compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from attest.cli.terminal import MISUSE, REFUSED, complain, give_up
from attest.text import counted, shown

if TYPE_CHECKING:
    from attest.replay.drift import Drifted
    from attest.replay.run import Options

_EXAMPLES = 3
_PAIRS = 3
_REASON = 160
_LINE = 400
_DIGITS = 12
"""Digits of a policy's SHA-256 that tell it from the other."""


def compared(then: Path, now: Path, target: str | None, options: Options) -> dict[str, Any]:
    """Compare two runs that ended.

    Args:
        then: Folder of the earlier run.
        now: Folder of the later run.
        target: A file that the comparison will be written to: it must not be there yet.
        options: Its engine answers.
    """
    from attest.replay.comparison import compare  # noqa: PLC0415 - an extra, and slow to import
    from attest.replay.published import ended  # noqa: PLC0415 - likewise

    if target is not None and Path(target).exists():
        give_up(f"{target}: is there already")
    return compare(ended(then), ended(now), options.engine)


def tell_comparison(found: dict[str, Any], folders: tuple[Path, Path], target: str | None) -> int:
    """Say what differs between two runs; return the exit code."""
    if target is not None:
        with Path(target).open("x", encoding="ascii", newline="\n") as file:
            file.write(f"{json.dumps(found, indent=1)}\n")
    _tell(found, folders)
    return 0 if found["same"] else REFUSED


def tell_drift(drifted: Drifted, folders: tuple[Path, Path]) -> int:
    """Say what differs between two policies; return the exit code, which is that of the run now."""
    unreadable = dict.fromkeys(drifted.then.unreadable + drifted.now.unreadable)
    for fault in unreadable:
        complain(fault)
    _tell(drifted.found, folders)
    if unreadable:
        return MISUSE
    now = drifted.found["now"]
    return 0 if now["accepted"] == now["rows"] else REFUSED


def _tell(found: dict[str, Any], folders: tuple[Path, Path]) -> None:
    for name, folder in zip(("then", "now"), folders, strict=True):
        side = found[name]
        click.echo(
            f"{name:9} {side['rows']} rows: {side['accepted']} accepted, {side['refused']} "
            f"refused, {side['malformed']} malformed: {shown(str(folder), _LINE)}"
        )
    causes = ", ".join(found["causes"]) or "nothing"
    click.echo(f"{found['rows']} rows in both; judged by another: {causes}")
    for one in found["transitions"]:
        click.echo(f"  {one['then']} -> {one['now']}: {one['count']}")
    for change in found["changes"]:
        if change["count"]:
            _tell_change(change)
    click.echo("SAME" if found["same"] else "DIFFERS")


def _tell_change(change: dict[str, Any]) -> None:
    """Tell a kind of change: how many rows, which values, and the first rows."""
    click.echo(f"{change['kind']:17} {counted(change['count'], 'row')}: {_values(change)}")
    if change["kind"] == "other-policy":  # often all rows: the decisions are what counts
        return
    for one in change["examples"][:_EXAMPLES]:
        place = f"{shown(one['source'], _LINE)} row {one['row']}"
        judged = one["then"] if change["kind"] == "newly-accepted" else one["now"]
        reasons = judged["refusals"] if change["of"] == "refused_by" else []
        said = "; ".join(f"{why['check']}: {shown(why['reason'], _REASON)}" for why in reasons)
        click.echo(f"  {place}{': ' if said else ''}{said}")
    if change["count"] > _EXAMPLES:
        click.echo(f"  and {change['count'] - _EXAMPLES} more")


def _values(change: dict[str, Any]) -> str:
    """Say which checks refuse, or which values became which."""
    if change["by_check"]:
        return ", ".join(f"{check} {rows}" for check, rows in change["by_check"].items())
    digits = _DIGITS if change["of"] == "policy_sha256" else _LINE
    pairs = [
        f"{_value(one['then'], digits)} -> {_value(one['now'], digits)} {one['count']}"
        for one in change["pairs"][:_PAIRS]
    ]
    more = len(change["pairs"]) + change["pairs_left_out"] - len(pairs)
    return ", ".join(pairs) + (f", and {more} more" if more else "")


def _value(value: str | None, digits: int) -> str:
    return "none" if value is None else shown(value[:digits], _LINE)
