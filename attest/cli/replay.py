"""``attest replay``: archives of saved responses in, a folder of results and findings out."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from attest.cli.drift import compared as compared_runs
from attest.cli.drift import tell_comparison, tell_drift
from attest.cli.ended import one_line
from attest.cli.extras import needing
from attest.cli.options import CLAIMED, Moment, Place, examples
from attest.cli.policies import demands_of, load_or_leave, signed_options
from attest.cli.terminal import MISUSE, REFUSED, complain, give_up
from attest.cli.watching import watched
from attest.context import Request
from attest.policy.model import Policy, PolicySet
from attest.policy.origin import Demands
from attest.text import shown
from attest.verify import check_request

if TYPE_CHECKING:
    from attest.replay.engines import Engine
    from attest.replay.manifest import At
    from attest.replay.run import Outcome

Policies = tuple[str | None, str | None, str | None]
"""What ``--policy``, ``--policy-then`` and ``--policy-now`` name."""
Loaded = tuple[str, Policy | PolicySet]
"""A policy, and how it was named."""
Mode = tuple[Callable[[Any], Any], Callable[[Any], int]]
"""What a call does, and what tells how it ended and returns the exit code."""


@click.command(
    "replay",
    epilog=examples(
        "attest replay responses/ -p policies/ -o out/",
        "attest replay evidence.jsonl shards/ -p policies/ -o out/ --at 2026-11-01T00:00:00Z",
        "attest replay s3://bucket/responses -p policies/ -o out/ --fail-fast",
        "attest replay --check out/",
        "attest replay responses/ --policy-then old.yaml --policy-now policies/ -o drift/",
        "attest replay --compare before/ after/",
        "attest replay shards/ -p policies/ -o out/ --engine spark --master spark://host:7077",
        "attest replay responses/ -p signed/ --policy-key public.pem -o out/",
    ),
)
@click.argument("archives", nargs=-1, metavar="ARCHIVE...")
@click.option("-p", "--policy", "policy_path", help="Policy file or directory.")
@click.option(
    "--policy-then",
    metavar="POLICY",
    help="With --policy-now: judge by both, and show what changes.",
)
@click.option("--policy-now", metavar="POLICY", help="The later of the two policies.")
@signed_options
@click.option(
    "-o",
    "--output",
    "out",
    type=Place(),
    metavar="OUT",
    help="Folder of the run; of --compare, a new JSON file.",
)
@click.option(
    "--at",
    "at",
    default=CLAIMED,
    show_default=True,
    metavar="evidence|now|TIME",
    help="Moment for validity: each row's own time, the clock, or RFC 3339 with zone.",
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first row that is not accepted.")
@click.option(
    "--check",
    "checked",
    type=Place(),
    metavar="OUT",
    help="Repeat the run of a folder, and compare; by a signed policy, name its key again.",
)
@click.option(
    "--compare",
    "compared",
    nargs=2,
    type=Place(),
    metavar="THEN NOW",
    help="Compare two runs that ended, by their folders.",
)
@click.option(
    "--processes", type=click.IntRange(1), help="Processes that judge; by default one a processor."
)
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice(["local", "spark"]),
    default="local",
    show_default=True,
    help="What judges: processes here, or Apache Spark.",
)
@click.option("--master", metavar="URL", help="Where Spark runs; by default in this machine.")
def command(  # noqa: PLR0913 - one parameter an option
    archives: tuple[str, ...],
    policy_path: str | None,
    policy_then: str | None,
    policy_now: str | None,
    policy_key: str | None,
    min_serial: int | None,
    out: str | None,
    at: str,
    fail_fast: bool,
    checked: str | None,
    compared: tuple[str, str] | None,
    processes: int | None,
    engine_name: str,
    master: str | None,
) -> None:
    """Judge archives of saved responses, and ask what changed between them.

    ARCHIVE is a file, a folder or an address of an object store. A run that was interrupted goes on
    from its last whole part when it is called again in the same way. The exit code is 0 where all
    rows are accepted, 1 where any is refused or malformed, 2 for a wrong call, a policy that does
    not load, an input that cannot be read, or a folder that holds another run. With --policy-then
    and --policy-now it is that of the run now; with --compare 0 where every row ended the same, 1
    where any did not.
    """
    room = needing("attest replay", _room)
    if master is not None and (engine_name != "spark" or processes is not None):
        raise click.UsageError("--master goes with --engine spark, and without --processes")
    processes = processes or _processors()
    begun = _engine(engine_name, master or f"local[{processes}]")
    policies = (policy_path, policy_then, policy_now)
    others = bool(archives or fail_fast or policies != (None, None, None) or min_serial is not None)
    if checked is not None and (others or out or compared):
        raise click.UsageError(
            "--check takes everything else but --policy-key from the run that it repeats"
        )
    if compared is not None and (others or policy_key is not None):
        raise click.UsageError("--compare takes two folders of runs, and --output")
    demands = demands_of(policy_key, min_serial)
    with one_line(out or "output"):
        if checked is not None:
            act, tell = _checking(Path(checked), demands)
        elif compared is not None:
            act, tell = _comparing(Path(compared[0]), Path(compared[1]), out)
        else:
            _refuse_mixtures(policies, fail_fast)
            if not archives or out is None or policies == (None, None, None):
                raise click.UsageError("needs ARCHIVE, --policy and --output")
            loaded = [(path, _policy(path, demands)) for path in policies if path is not None]
            act, tell = _judging(sorted(archives), loaded, _moment(at, room), Path(out))
        with begun as engine, watched() as watch:
            done = act(room.Options(processes, fail_fast, watch, engine))
        sys.exit(tell(done))


def _refuse_mixtures(policies: Policies, fail_fast: bool) -> None:
    """Refuse half a drift, and a drift with what belongs to one run."""
    policy, then, now = policies
    if then is None and now is None:
        return
    if policy is not None or then is None or now is None or fail_fast:
        raise click.UsageError(
            "--policy-then and --policy-now go together, without --policy and --fail-fast"
        )


def _judging(archives: list[str], policies: list[Loaded], at: At, out: Path) -> Mode:
    """Judge archives by one policy, or by two."""
    from attest.replay.drift import drift  # noqa: PLC0415 - an extra, and slow to import
    from attest.replay.manifest import Run  # noqa: PLC0415 - likewise
    from attest.replay.published import NOW, THEN  # noqa: PLC0415 - likewise
    from attest.replay.run import replay  # noqa: PLC0415 - likewise

    first, *rest = [Run(tuple(archives), path, policy, at) for path, policy in policies]
    if not rest:
        return (lambda options: replay(first, out, options)), _told
    folders = (out / THEN, out / NOW)
    return (
        lambda options: drift(first, rest[0], out, options),
        lambda drifted: tell_drift(drifted, folders),
    )


def _comparing(then: Path, now: Path, target: str | None) -> Mode:
    """Compare two runs that ended."""
    return (
        lambda options: compared_runs(then, now, target, options),
        lambda found: tell_comparison(found, (then, now), target),
    )


def _checking(out: Path, demands: Demands) -> Mode:
    """Repeat a run, and say whether the same came out."""
    from attest.replay.check import check  # noqa: PLC0415 - an extra, and slow to import

    def tell(differences: list[str]) -> int:
        for difference in differences:
            complain(f"{out}: {difference}")
        click.echo(f"{'DIFFERS' if differences else 'SAME':9} {shown(str(out))}")
        return REFUSED if differences else 0

    return (lambda options: check(out, options, demands.verify_key)), tell


def _processors() -> int:
    """Count the processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _room() -> ModuleType:
    """Import what replays, and have Arrow keep its memory, here and in the processes to come.

    Batch follows batch, each as large as the last. What is given back between them, the system
    would have to clear each time; Arrow's allocator reads how long it waits when it is loaded.
    """
    os.environ.setdefault("MIMALLOC_PURGE_DELAY", "-1")
    from attest.replay import run  # noqa: PLC0415 - an extra, and slow to import

    return run


def _spark_rooms() -> tuple[ModuleType, ModuleType]:
    """Import what replays on Spark."""
    from attest.replay import spark, spark_session  # noqa: PLC0415 - an extra, slow to import

    return spark, spark_session


@contextmanager
def _engine(name: str, master: str) -> Iterator[Engine | None]:
    """Begin a session of Spark where it is asked for; None is the embedded engine."""
    if name == "local":
        yield None
        return
    spark, spark_session = needing("attest replay --engine spark", _spark_rooms)
    with spark_session.session(master) as session:
        yield spark.Spark(session)


def _policy(path: str, demands: Demands) -> Policy | PolicySet:
    policy = load_or_leave(path, demands)
    try:
        check_request(policy, Request())
    except ValueError as error:
        give_up(str(error))
    return policy


def _moment(text: str, room: ModuleType) -> At:
    """Read ``--at``."""
    at: At
    if text == "now":
        at = room.now()
    elif text == CLAIMED:
        at = room.At(CLAIMED)
    else:
        moment: datetime | None = Moment(claimed=True).convert(text, None, None)
        at = room.At("given", moment)
    return at


def _told(outcome: Outcome) -> int:
    """Say how a run ended; return the exit code."""
    for fault in outcome.unreadable:
        complain(fault)
    if outcome.failed is not None:
        source, row = outcome.failed
        click.echo(f"stopped at {shown(source)}, row {row}: not accepted")
    summary = outcome.summary
    if summary is not None:
        click.echo(
            f"{summary['rows']} rows: {summary['accepted']} accepted, "
            f"{summary['refused']} refused, {summary['malformed']} malformed"
        )
        for check, rows in summary["by_check"].items():
            click.echo(f"  {check:18} {rows} refused")
        for finding in outcome.findings:
            said = f"{finding['count']} rows" if finding["answer"] == "yes" else finding["answer"]
            click.echo(f"  {finding['id']:18} {said}")
        click.echo(f"digest {summary['digest']}")
    if outcome.unreadable:
        return MISUSE
    return 0 if summary is not None and summary["accepted"] == summary["rows"] else REFUSED
