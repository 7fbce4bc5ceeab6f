"""Quoted PCRs against a policy: which rules hold, which baseline matches, what differs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from attest.policy.model import ALWAYS, Baseline, PcrRule, Policy
from attest.tpm.constants import alg_name

Quoted = Mapping[int, Mapping[int, bytes]]
"""PCR values under the signed selection: by bank's algorithm, then by index."""

_NOTHING: Mapping[int, bytes] = {}


class Difference(Struct, frozen=True, gc=False):
    """A PCR that is not as the policy wants it.

    Attributes:
        bank: Name of the bank.
        pcr: Number of the PCR.
        quoted: Value under the signed selection, or None where the PCR is not in it.
        golden: Wanted values in hex, or the rule's word.
    """

    bank: str
    pcr: int
    quoted: bytes | None
    golden: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of the result's ``differences``."""
        quoted = self.quoted.hex() if self.quoted else None
        return {"bank": self.bank, "pcr": self.pcr, "quoted": quoted, "golden": list(self.golden)}


class Comparison(Struct, frozen=True, gc=False):
    """How quoted PCRs stand to a policy.

    Attributes:
        rule_differences: Rules on single PCRs that do not hold.
        matched: Name of the first baseline in force that matches whole, where none revoked does.
        revoked: First revoked baseline that matches whole, in force or not.
        lapsed: First baseline that matches whole and is out of force.
        closest: Where none matches, name of the baseline in force with the fewest differences.
        baseline_differences: What differs from the closest.
    """

    rule_differences: tuple[Difference, ...] = ()
    matched: str | None = None
    revoked: Baseline | None = None
    lapsed: Baseline | None = None
    closest: str | None = None
    baseline_differences: tuple[Difference, ...] = ()


NOTHING_COMPARED = Comparison()
"""The comparison where there are no quoted values."""


def compare(policy: Policy, quoted: Quoted, at: datetime | None) -> Comparison:
    """Compare quoted PCRs with the rules and baselines of a policy at a moment."""
    differences = _differences(policy.rules, quoted)
    matched = revoked = lapsed = None
    for baseline in policy.baselines:
        if _matches(baseline, quoted):
            if baseline.revoked is not None:
                revoked = revoked or baseline
            elif baseline.valid is ALWAYS or baseline.valid.contains(at):
                matched = matched or baseline.name
            else:
                lapsed = lapsed or baseline
    if revoked is not None:
        return Comparison(differences, None, revoked, lapsed)
    if matched is not None or not policy.baselines:
        return Comparison(differences, matched, None, lapsed)
    closest, distance = _closest(policy, quoted, at)
    return Comparison(differences, None, None, lapsed, closest, distance)


def _matches(baseline: Baseline, quoted: Quoted) -> bool:
    """Tell whether every golden value of a baseline is met."""
    for rule in baseline.golden:
        if quoted.get(rule.bank, _NOTHING).get(rule.index) not in rule.octets:
            return False
    return True


def _closest(
    policy: Policy, quoted: Quoted, at: datetime | None
) -> tuple[str | None, tuple[Difference, ...]]:
    """Find the baseline in force, and not revoked, that differs in the fewest PCRs."""
    candidates = [
        (_differences(baseline.golden, quoted), baseline)
        for baseline in policy.baselines
        if baseline.revoked is None and baseline.valid.contains(at)
    ]
    if not candidates:
        return None, ()
    differences, baseline = min(candidates, key=lambda candidate: len(candidate[0]))
    return baseline.name, differences


def _differences(rules: tuple[PcrRule, ...], quoted: Quoted) -> tuple[Difference, ...]:
    """Return the rules that do not hold, each with what was quoted."""
    differences = []
    for rule in rules:
        value = quoted.get(rule.bank, _NOTHING).get(rule.index)
        if not value or (value in rule.octets) is not rule.inside:
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
