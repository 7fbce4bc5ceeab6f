"""Quoted PCRs against a policy: which rules hold, which baseline matches, what differs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from attest.policy.model import Baseline, PcrRule, Policy
from attest.result import Difference
from attest.tpm.constants import alg_name

Quoted = Mapping[int, Mapping[int, bytes]]
"""PCR values under the signed selection: by bank's algorithm, then by index."""

_NOTHING: Mapping[int, bytes] = {}


class Comparison(Struct, frozen=True, gc=False):
    """How quoted PCRs stand to a policy.

    Attributes:
        rule_differences: Rules on single PCRs that do not hold.
        matched: First baseline in force that matches whole.
        revoked: First revoked baseline that matches whole, in force or not.
        lapsed: First baseline that matches whole and is out of force.
        closest: Where none matched, the baseline in force with the fewest differences.
        baseline_differences: What differs from the closest.
    """

    rule_differences: tuple[Difference, ...] = ()
    matched: Baseline | None = None
    revoked: Baseline | None = None
    lapsed: Baseline | None = None
    closest: Baseline | None = None
    baseline_differences: tuple[Difference, ...] = ()

    @property
    def accepted_name(self) -> str | None:
        """Name of the baseline that a result may name: matched, and none that matches revoked."""
        return None if self.matched is None or self.revoked is not None else self.matched.name

    @property
    def closest_name(self) -> str | None:
        """Name of the closest baseline, where none matched."""
        return None if self.closest is None else self.closest.name

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Everything that is not as the policy wants it."""
        return self.rule_differences + self.baseline_differences


def compare(policy: Policy, quoted: Quoted, at: datetime | None) -> Comparison:
    """Compare quoted PCRs with the rules and baselines of a policy at a moment."""
    differences = _differences(policy.rules, quoted)
    matched = revoked = lapsed = None
    for baseline in policy.baselines:
        if not _matches(baseline, quoted):
            continue
        if baseline.revoked is not None:
            revoked = revoked or baseline
        elif baseline.valid.contains(at):
            matched = matched or baseline
        else:
            lapsed = lapsed or baseline
    if matched is not None or revoked is not None or not policy.baselines:
        return Comparison(differences, matched, revoked, lapsed)
    closest, distance = _closest(policy, quoted, at)
    return Comparison(differences, None, None, lapsed, closest, distance)


def _matches(baseline: Baseline, quoted: Quoted) -> bool:
    """Tell whether every golden value of a baseline is met."""
    for rule in baseline.golden:
        if quoted.get(rule.bank, _NOTHING).get(rule.index) not in rule.values:
            return False
    return True


def _closest(
    policy: Policy, quoted: Quoted, at: datetime | None
) -> tuple[Baseline | None, tuple[Difference, ...]]:
    """Find the baseline in force, and not revoked, that differs in the fewest PCRs."""
    candidates = [
        (_differences(baseline.golden, quoted), baseline)
        for baseline in policy.baselines
        if baseline.revoked is None and baseline.valid.contains(at)
    ]
    if not candidates:
        return None, ()
    differences, baseline = min(candidates, key=lambda candidate: len(candidate[0]))
    return baseline, differences


def _differences(rules: tuple[PcrRule, ...], quoted: Quoted) -> tuple[Difference, ...]:
    """Return the rules that do not hold, each with what was quoted."""
    differences = []
    for rule in rules:
        value = quoted.get(rule.bank, _NOTHING).get(rule.index)
        if not value or not rule.allows(value):
            golden = tuple(wanted.hex() for wanted in rule.values) or (str(rule.kind),)
            differences.append(Difference(alg_name(rule.bank), rule.index, value, golden))
    return tuple(differences)


MOST_WRITTEN = 3
"""Differences that a reason spells out; it counts the others."""


def written(differences: tuple[Difference, ...]) -> str:
    """Write differences as a reason: quoted against golden."""
    parts = []
    for difference in differences[:MOST_WRITTEN]:
        golden = " or ".join(difference.golden[:MOST_WRITTEN])
        if len(difference.golden) > MOST_WRITTEN:
            golden += f" or {len(difference.golden) - MOST_WRITTEN} more"
        quoted = difference.quoted.hex() if difference.quoted else "not quoted"
        parts.append(f"{difference.bank}:{difference.pcr} is {quoted}, expected {golden}")
    further = len(differences) - MOST_WRITTEN
    return "; ".join(parts) + (f"; and {further} more" if further > 0 else "")
