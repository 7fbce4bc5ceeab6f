"""``pcr.baseline``: one release's golden values match whole, and none that was revoked."""

from __future__ import annotations

from functools import lru_cache

from attest.context import Context
from attest.evidence import Evidence
from attest.policy.compare import Comparison, written
from attest.result import CheckResult, failed, passed, skipped
from attest.text import shown

ID = "pcr.baseline"
_NONE = skipped(ID, "the policy has no baselines")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask which baseline the quoted PCRs match."""
    if not context.policy.baselines:
        return _NONE
    comparison = context.comparison
    if comparison is None:
        return skipped(ID, "there are no quoted PCR values")
    if comparison.revoked is not None:
        revoked = comparison.revoked
        return failed(ID, f"matches {revoked.name}, revoked: {shown(revoked.revoked or '')}")
    if comparison.matched is None:
        return failed(ID, _mismatch(comparison))
    return _matched(comparison.matched)


@lru_cache(maxsize=64)
def _matched(name: str) -> CheckResult:
    """Say which baseline matched."""
    return passed(ID, f"matches {name}")


def _mismatch(comparison: Comparison) -> str:
    """Say which baseline comes closest, and why none is met."""
    if comparison.lapsed is not None:
        lapsed = comparison.lapsed
        return f"matches {lapsed.name}, which is valid only {lapsed.valid}"
    if comparison.closest is None:
        return "no baseline is in force"
    return f"closest is {comparison.closest}: {written(comparison.baseline_differences)}"
