"""``pcr.rules``: each PCR that the policy has a rule for is quoted, and keeps it."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.policy.compare import written
from attest.result import CheckResult, failed, passed, skipped

ID = "pcr.rules"
_KEPT = passed(ID, "every rule on single PCRs holds")
_NONE = skipped(ID, "the policy has no rules on single PCRs")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask whether every rule of ``pcrs`` holds."""
    if not context.policy.rules:
        return _NONE
    if context.comparison is None:
        return skipped(ID, "there are no quoted PCR values")
    if context.comparison.rule_differences:
        return failed(ID, written(context.comparison.rule_differences))
    return _KEPT
