"""``evidence.present``: the response carries TPM evidence, or may do without."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, warned

ID = "evidence.present"
_PRESENT = passed(ID, "the response carries TPM evidence")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask whether ``is_available`` is true."""
    if evidence.present:
        return _PRESENT
    if not evidence.declined:
        return failed(ID, f"no TPM evidence: {_reason(evidence)}")
    if context.policy.tpm_required:
        return failed(ID, "the server says that it has no TPM, and the policy requires one")
    return warned(ID, "the server says that it has no TPM; the policy lets that pass")


def _reason(evidence: Evidence) -> str:
    """Say what stands in the way of reading any evidence."""
    if evidence.absence is not None:
        return f"{evidence.absence} is missing"
    return evidence.faults[0]
