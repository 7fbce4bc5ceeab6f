"""``attest report``: the folder of a run in, one page for people out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from attest.cli.ended import one_line, open_run
from attest.cli.extras import needing
from attest.cli.options import Place, examples
from attest.cli.terminal import written_to
from attest.text import shown

_NAME = "report.html"
_DIGITS = 12
"""Digits of a result's hash that name its case file."""


@click.command(
    "report",
    epilog=examples(
        "attest report out/",
        "attest report out/ -o report.html",
        "attest report out/ --case responses/a.jsonl:17 -o case.html",
    ),
)
@click.argument("out", type=Place(), metavar="OUT")
@click.option(
    "--case", "place", metavar="[SOURCE:]ROW", help="Write about this one response, from row 0."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write there; - is standard output. By default a file in OUT.",
)
def command(out: str, place: str | None, output: str | None) -> None:
    """Write what a replay found as one HTML page for people.

    OUT is the folder of a run that ended, or of a drift: then the page is about the run now, and
    says what changed between the policies. The page holds all that it needs, fetches nothing, and
    can be printed. The exit code is 0 where it was written, whatever it says, and 2 for a wrong
    call, a folder without a run that ended, or parts that were changed after the run.
    """
    case = None if place is None else _place(place)
    with one_line(out):
        make = needing("attest report", partial(_opened, out, case))
        text, name = make()
        target = output or str(Path(out) / name)
        with written_to(target) as stream:
            stream.write(text)
    if target != "-":
        click.echo(f"{'WROTE':9} {shown(target)}")


def _place(text: str) -> tuple[str | None, int]:
    """Read where a response stands."""
    source, colon, row = text.rpartition(":")
    if not (row.isascii() and row.isdigit() and len(row) <= len(str(1 << 62))):
        raise click.UsageError(f"--case: {shown(text)!r} is no [SOURCE:]ROW")
    if int(row) >= 1 << 63:
        raise click.UsageError(f"--case: row {row} is too large")
    return (source if colon else None), int(row)


def _opened(out: str, case: tuple[str | None, int] | None) -> Callable[[], tuple[str, str]]:
    """Open a run or a drift; return what writes its page, or that of one response, and names it."""
    from attest.replay.published import holds_drift  # noqa: PLC0415 - an extra, slow to import
    from attest.report.page import render_case, render_report  # noqa: PLC0415 - likewise

    if case is None and holds_drift(Path(out)):
        from attest.replay.drift import report_of_drift  # noqa: PLC0415 - likewise

        return lambda: (render_report(report_of_drift(Path(out))), _NAME)
    run = open_run(out)
    if case is None:
        from attest.replay.overview import report_of  # noqa: PLC0415 - likewise

        return lambda: (render_report(report_of(run)), _NAME)
    from attest.replay.case import case_of  # noqa: PLC0415 - likewise

    def one() -> tuple[str, str]:
        found = case_of(run, *case)
        return render_case(found), f"case-{found.result_sha256[:_DIGITS]}.html"

    return one
