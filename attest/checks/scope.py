"""``policy.scope``: exactly one policy is meant for this response."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed

ID = "policy.scope"
_APPLIES = passed(ID, "the policy applies to the response")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask whether a policy was found that applies to the tier."""
    if context.scope_fault is not None:
        return failed(ID, context.scope_fault)
    return _APPLIES
