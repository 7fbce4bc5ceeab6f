"""Baselines proposed from evidence that verified: clusters of machines in one state."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from attest.errors import AttestError
from attest.policy.compare import Quoted
from attest.policy.model import Baseline, PcrRule, Policy, RuleKind
from attest.policy.origin import LEARNT, Provenance
from attest.policy.worth import LeftOut, Pcr, growing_rules, spelled, why_left_out
from attest.tpm.constants import Alg

MAX_CLUSTERS = 64
"""Clusters from which on the values are no releases: some PCR differs from machine to machine."""

_SELF_CONSISTENT, _ANCHORED = LEARNT


class LearnError(AttestError):
    """Evidence that no baselines can be proposed from."""


class Observation(Struct, frozen=True):
    """One response that verified in everything but golden values.

    Attributes:
        quoted: PCR values under the signed selection.
        evidence: SHA-256 of its evidence, in hex.
        anchor: The enrolled key that vouches for it; None: nothing shows that it is a machine.
    """

    quoted: Quoted
    evidence: str
    anchor: bytes | None = None


class Cluster(Struct, frozen=True):
    """Observations with the same values.

    Attributes:
        baseline: What is proposed for them.
        responses: How many there are.
        machines: How many machines they are of; None where that is not known of each.
        assurance: The least that was proven of them.
    """

    baseline: Baseline
    responses: int
    machines: int | None
    assurance: str

    def __str__(self) -> str:
        """Write the cluster for a person."""
        machines = "machines unknown" if self.machines is None else f"{self.machines} machines"
        counts = f"{self.responses} responses, {machines}, {self.assurance}"
        said = "" if self.machines is not None else ": anyone can make such evidence in software"
        return f"{self.baseline.name}: {counts}{said}"


class Proposal(Struct, frozen=True):
    """What evidence proposes.

    Attributes:
        clusters: The largest first.
        rules: Rules on PCRs that grow.
        left_out: PCRs that get no golden value, and why.
        repeated: Responses that were there before, and do not count.
    """

    clusters: tuple[Cluster, ...]
    rules: tuple[PcrRule, ...]
    left_out: tuple[LeftOut, ...]
    repeated: int


def judging_policy(base: Policy) -> Policy:
    """Return what evidence must pass before it is learnt from: all but golden values."""
    return replace(base, rules=(), baselines=())


def propose(
    observations: Iterable[Observation],
    by: tuple[datetime, str],
    wanted: frozenset[Pcr] = frozenset(),
    prefix: str = "learnt",
) -> Proposal:
    """Propose a baseline for each state that was seen.

    Args:
        observations: Evidence that verified, in any order; the same evidence counts once.
        by: Moment of the proposal, with time zone, and who proposes.
        wanted: PCRs that get golden values, whatever is seen in them; none: those that are worth
            one and agree between at least two responses.
        prefix: What the names of baselines begin with; their numbers follow.

    Raises:
        LearnError: No evidence, no PCR that agrees, a wanted one that is not always quoted, or too
            many states for releases.
    """
    given = list(observations)
    unique = sorted({one.evidence: one for one in given}.values(), key=lambda one: one.evidence)
    if not unique:
        raise LearnError("no response verified, so there is nothing to learn from")
    seen = _by_pcr(unique)
    chosen, left_out = _chosen(seen, len(unique), wanted)
    clusters = _clusters(unique, chosen, seen)
    made = tuple(
        _cluster(f"{prefix}-{number}", values, members, by)
        for number, (values, members) in enumerate(clusters, 1)
    )
    quoted_by_all = {pcr: values for pcr, values in seen.items() if values.total() == len(unique)}
    return Proposal(made, growing_rules(quoted_by_all), left_out, len(given) - len(unique))


def _by_pcr(observations: Sequence[Observation]) -> dict[Pcr, Counter[bytes]]:
    """Count the values of each PCR."""
    seen: dict[Pcr, Counter[bytes]] = defaultdict(Counter)
    for one in observations:
        for bank, values in one.quoted.items():
            for index, value in values.items():
                seen[bank, index][value] += 1
    return dict(sorted(seen.items()))


def _chosen(
    seen: dict[Pcr, Counter[bytes]], count: int, wanted: frozenset[Pcr]
) -> tuple[tuple[Pcr, ...], tuple[LeftOut, ...]]:
    """Choose the PCRs that get golden values, and say of the others why not."""
    for pcr in sorted(wanted):
        if pcr not in seen or seen[pcr].total() < count:
            raise LearnError(f"{spelled(pcr)}: is not quoted by every response")
    left_out = []
    for pcr, values in seen.items():
        reason = _why_not(pcr, values, count, seen)
        if wanted:
            reason = None if pcr in wanted else reason or "was not asked for"
        if reason is not None:
            left_out.append(LeftOut(pcr, reason))
    without = {one.pcr for one in left_out}
    chosen = tuple(pcr for pcr in seen if pcr not in without)
    if not chosen:
        said = "; ".join(map(str, left_out))
        raise LearnError(f"no PCR is worth a golden value: {said}; --pcrs names them nevertheless")
    return chosen, tuple(left_out)


def _why_not(
    pcr: Pcr, values: Counter[bytes], count: int, seen: dict[Pcr, Counter[bytes]]
) -> str | None:
    """Say why a PCR gets no golden value."""
    reason = why_left_out(pcr, values, [bank for bank, index in seen if index == pcr[1]])
    if reason is None and values.total() < count:
        reason = f"is quoted by {values.total()} of {count} responses"
    if reason is None and count > 1 and len(values) == count:
        reason = f"never agrees: {count} responses, as many values"
    return reason


def _clusters(
    observations: Sequence[Observation], chosen: tuple[Pcr, ...], seen: dict[Pcr, Counter[bytes]]
) -> list[tuple[tuple[PcrRule, ...], list[Observation]]]:
    """Put together what holds the same values, the largest first."""
    groups: dict[tuple[bytes, ...], list[Observation]] = defaultdict(list)
    for one in observations:
        groups[tuple(one.quoted[bank][index] for bank, index in chosen)].append(one)
    if len(groups) > MAX_CLUSTERS:
        widest = max(chosen, key=lambda pcr: len(seen[pcr]))
        raise LearnError(
            f"{len(groups)} states are more than {MAX_CLUSTERS}, so no releases: {spelled(widest)} "
            f"has {len(seen[widest])} values; --pcrs names those that stand for a release"
        )
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return [
        (
            tuple(
                PcrRule(Alg(bank), index, RuleKind.VALUES, (value,))
                for (bank, index), value in zip(chosen, values, strict=True)
            ),
            members,
        )
        for values, members in ordered
    ]


def _cluster(
    name: str, golden: tuple[PcrRule, ...], members: list[Observation], by: tuple[datetime, str]
) -> Cluster:
    """Describe one cluster; its digest is over the sorted digests of its evidence, one a line."""
    anchors = {one.anchor for one in members}
    anchored = None not in anchors
    assurance = _ANCHORED if anchored else _SELF_CONSISTENT
    digests = "".join(f"{one.evidence}\n" for one in members)
    origin = Provenance(
        source=f"{len(members)} responses",
        sha256=hashlib.sha256(digests.encode()).digest(),
        date=by[0],
        tool=by[1],
        assurance=assurance,
    )
    machines = len(anchors) if anchored else None
    return Cluster(Baseline(name, golden, provenance=origin), len(members), machines, assurance)
