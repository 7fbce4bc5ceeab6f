"""``evidence.form``: what the server sent is exactly what the formats allow."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "evidence.form"
MOST_FAULTS = 5
"""Faults that a reason names; it counts the others."""

_EXACT = passed(ID, "every structure was read to the last octet")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask whether every part of the evidence could be read whole."""
    faults = evidence.faults
    if faults:
        further = len(faults) - MOST_FAULTS
        more = f"; and {further} more" if further > 0 else ""
        return failed(ID, "; ".join(faults[:MOST_FAULTS]) + more)
    if evidence.present:
        return _EXACT
    if context.policy.tpm_required:
        return failed(ID, "there is no evidence to read")
    return skipped(ID, "there is no evidence to read")
