"""``quote.clock``: the TPM's clock has not been set back by an unorderly reset."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped, warned

ID = "quote.clock"
_SAFE = passed(ID, "clockInfo.safe is 1")
_UNSAFE = "clockInfo.safe is 0: the TPM may have reported a later clock before"


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask whether the TPM itself vouches for its clock."""
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    if evidence.attest.clock_info.safe:
        return _SAFE
    if context.policy.clock_safe_required:
        return failed(ID, f"{_UNSAFE}; the policy requires 1")
    return warned(ID, _UNSAFE)
