"""``attest policy learn``: a new policy proposed from responses that verify."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime

import click
from msgspec.structs import replace

from attest.cli.judging import Rows, Verdict, judge
from attest.cli.options import examples
from attest.cli.policies import demands_of
from attest.cli.policy.base import (
    Base,
    base_policy,
    left_out_remarks,
    new_policy_options,
    tell,
    write_into,
    write_policy,
)
from attest.cli.terminal import MISUSE, REFUSED, complain, give_up
from attest.context import Request
from attest.digests import evidence_sha256
from attest.policy.anchoring import Trust
from attest.policy.learn import LearnError, Observation, Proposal, judging_policy, propose
from attest.policy.model import Policy
from attest.policy.worth import Pcr
from attest.result import VERIFIER, Assurance
from attest.verify import check_request

_MOST_SAID = 20
_ADVICE = "Proposed from evidence: compare with another source before use."


@click.command(
    "learn",
    epilog=examples(
        "attest policy learn archive.jsonl --trust unanchored --allow-unanchored -o policy.yaml",
        "attest policy learn a.json b.json --trust enrolled --ak-name 000b... -o policy.yaml",
        "attest policy learn new.jsonl --into maximum.yaml --baseline r760 -o next.yaml",
        "attest policy learn archive.jsonl -p maximum.yaml --pcrs sha256:0,7 -o next.yaml",
    ),
)
@click.argument("responses", nargs=-1, required=True, metavar="RESPONSE...")
@new_policy_options
@click.option("--baseline", help="What the names of baselines begin with.  [default: learnt]")
@click.option(
    "--allow-unanchored",
    is_flag=True,
    help="Learn from evidence that anyone can make in software.",
)
def command(  # noqa: PLR0913 - one parameter an option
    responses: tuple[str, ...],
    trust: str | None,
    names: tuple[bytes, ...],
    base: str | None,
    into: str | None,
    name: str | None,
    wanted: frozenset[Pcr],
    output: str,
    policy_key: str | None,
    min_serial: int | None,
    baseline: str | None,
    allow_unanchored: bool,
) -> None:
    """Propose a policy from responses that verify in everything but golden values.

    Responses with the same values make one baseline. What is proposed is what was seen, not what is
    good: compare it with another source. The exit code is 0, 1 where a response did not verify and
    was left out, 2 where nothing is written.
    """
    made_of = Base(base, into, demands_of(policy_key, min_serial))
    policy = base_policy(trust, names, made_of, name)
    if policy.aik.trust is Trust.UNANCHORED and not allow_unanchored:
        raise click.UsageError(
            "trust unanchored: anyone can make such evidence in software; "
            "--allow-unanchored learns from it nevertheless"
        )
    at = datetime.now(UTC).replace(microsecond=0)
    rows = Rows(responses)
    seen, refused = _observed(rows, policy, at)
    try:
        proposal = propose(seen, (at, f"{VERIFIER} policy learn"), wanted, baseline or "learnt")
    except LearnError as error:
        give_up(str(error))
    remarks = _remarks(proposal)
    baselines = tuple(cluster.baseline for cluster in proposal.clusters)
    if into is None:
        proposed = replace(policy, rules=proposal.rules, baselines=baselines)
        write_policy(proposed, (_ADVICE, *remarks), output)
    else:
        write_into(made_of, into, baselines, output)
    tell(remarks, output)
    if rows.unreadable:
        sys.exit(MISUSE)
    sys.exit(REFUSED if refused else 0)


def _observed(rows: Rows, policy: Policy, at: datetime) -> tuple[list[Observation], int]:
    """Judge all rows by everything but golden values; count and name those that do not pass."""
    judging, request = judging_policy(policy), Request(at=at)
    try:
        check_request(judging, request)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    seen: list[Observation] = []
    refused = 0
    for row, evidence in rows:
        verdict = judge(row, evidence, judging, request)
        observation = _observation(verdict, row.octets)
        if observation is not None:
            seen.append(observation)
            continue
        refused += 1
        if refused <= _MOST_SAID:
            complain(f"not learnt from: {verdict}")
    if refused > _MOST_SAID:
        complain(f"not learnt from: {refused - _MOST_SAID} more")
    return seen, refused


def _observation(verdict: Verdict, octets: bytes) -> Observation | None:
    """Return what is learnt from a row; None where it does not verify, or proves nothing."""
    result = verdict.result
    if not result.accepted or result.assurance is Assurance.NONE or result.pcrs is None:
        return None
    digest = evidence_sha256(result.member) or hashlib.sha256(octets).hexdigest()
    anchored = result.assurance is Assurance.ANCHORED and result.anchor is not None
    return Observation(
        result.pcrs, digest, result.anchor.key if anchored and result.anchor else None
    )


def _remarks(proposal: Proposal) -> tuple[str, ...]:
    """Say what is proposed, and what is not."""
    repeated = (
        (f"responses that were there before, and count once: {proposal.repeated}",)
        if proposal.repeated
        else ()
    )
    return (*map(str, proposal.clusters), *left_out_remarks(proposal.left_out), *repeated)
