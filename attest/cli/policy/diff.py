"""``attest policy diff``: two policies, or policies against evidence."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import Any

import click

from attest.cli.judging import Rows, Verdict, judge
from attest.cli.options import examples
from attest.cli.policies import demands_of, load_or_leave, signed_options
from attest.cli.rows import STANDARD_INPUT
from attest.cli.terminal import MISUSE, REFUSED, give_up
from attest.context import Request
from attest.policy.diff import Change, compare_policies
from attest.policy.model import Policy, PolicySet
from attest.text import shown
from attest.verify import check_request

_EVIDENCE = (".json", ".jsonl")
_MOST_OF_A_LINE = 2000

Policies = tuple[Policy | PolicySet, ...]
Verdicts = dict[str, list[Verdict]]


@click.command(
    "diff",
    epilog=examples(
        "attest policy diff old.yaml new.yaml",
        "attest policy diff old.yaml new.yaml --responses archive.jsonl",
        "attest policy diff new.yaml archive.jsonl --format json",
        "attest policy diff old.dsse new.dsse --policy-key public.pem",
    ),
)
@click.argument("policies", nargs=-1, required=True, metavar="POLICY [POLICY] [RESPONSE...]")
@signed_options
@click.option(
    "--responses", multiple=True, metavar="RESPONSE", help="Saved responses; may be repeated."
)
@click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True
)
def command(
    policies: tuple[str, ...],
    policy_key: str | None,
    min_serial: int | None,
    responses: tuple[str, ...],
    form: str,
) -> None:
    """Say where two policies differ, and which responses they decide in another way.

    With one policy, say which responses it refuses. Arguments that end in .json or .jsonl are
    responses, as is - (standard input). The exit code is 0 without differences, 1 with some, 2
    where a policy does not load or a response cannot be read.
    """
    named = [word for word in policies if not _is_evidence(word)]
    sources = [word for word in policies if _is_evidence(word)] + list(responses)
    if len(named) not in (1, 2):
        raise click.UsageError(f"{len(named)} policies, expected one or two")
    if len(named) == 1 and not sources:
        raise click.UsageError("one policy is compared with responses: there are none")
    demands = demands_of(policy_key, min_serial)
    loaded = tuple(load_or_leave(one, demands) for one in named)
    changes = compare_policies(loaded[0], loaded[1]) if len(loaded) > 1 else ()
    rows = Rows(sources)
    verdicts = _decided(rows, loaded)
    if sources and not rows.count and not rows.unreadable:
        give_up("no response to judge")
    if form == "json":
        click.echo(json.dumps(_document(changes, verdicts, rows.count), indent=1))
    else:
        _write(changes, verdicts, rows.count)
    if rows.unreadable:
        sys.exit(MISUSE)
    sys.exit(REFUSED if changes or any(verdicts.values()) else 0)


def _is_evidence(word: str) -> bool:
    return word == STANDARD_INPUT or word.endswith(_EVIDENCE)


def _decided(rows: Rows, policies: Policies) -> Verdicts:
    """Judge each row by each policy, and keep what the policies decide in another way."""
    request = Request(at=datetime.now(UTC))
    for policy in policies:
        try:
            check_request(policy, request)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
    verdicts: Verdicts = {"refused": []}
    if len(policies) > 1:
        verdicts = {"newly_accepted": [], "newly_refused": []}
    for row, evidence in rows:
        judged = [judge(row, evidence, policy, request) for policy in policies]
        before, after = judged[0], judged[-1]
        if len(policies) == 1 and not after.result.accepted:
            verdicts["refused"].append(after)
        elif before.result.accepted and not after.result.accepted:
            verdicts["newly_refused"].append(after)
        elif after.result.accepted and not before.result.accepted:
            verdicts["newly_accepted"].append(after)
    return verdicts


def _document(changes: tuple[Change, ...], verdicts: Verdicts, judged: int) -> dict[str, Any]:
    responses: dict[str, Any] = {"judged": judged}
    for kind, rows in verdicts.items():
        responses[kind] = [
            {
                "source": one.source,
                "row": one.row,
                "baseline": one.result.baseline,
                "differences": [difference.to_dict() for difference in one.result.differences],
                "refusals": [
                    {"id": check.id, "reason": check.reason} for check in one.result.refusals
                ],
            }
            for one in rows
        ]
    return {"changes": [change.to_dict() for change in changes], "responses": responses}


def _write(changes: tuple[Change, ...], verdicts: Verdicts, judged: int) -> None:
    """Write for a person; nothing where nothing differs and nothing was judged."""
    for change in changes:
        click.echo(shown(str(change), _MOST_OF_A_LINE))
    for kind, rows in verdicts.items():
        for one in rows:
            click.echo(shown(f"{kind.replace('_', ' ')}: {one}", _MOST_OF_A_LINE))
    if judged:
        counts = ", ".join(
            f"{len(rows)} {kind.replace('_', ' ')}" for kind, rows in verdicts.items()
        )
        click.echo(f"{judged} responses: {counts}")
