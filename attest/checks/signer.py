"""``quote.signer``: the signed qualifiedSigner belongs to the public area that came with it."""

from __future__ import annotations

from attest.attesting import signer_fault
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped, warned

ID = "quote.signer"
_PRIMARY = {
    hierarchy: passed(ID, f"qualifiedSigner is the AIK as a primary of {hierarchy}")
    for hierarchy in ("endorsement", "owner", "platform", "null-hierarchy")
}


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare qualifiedSigner with the qualified Name that the AIK has in each hierarchy."""
    if evidence.attest is None or evidence.public is None:
        return skipped(ID, "the quote or the AIK could not be read")
    allowed = context.policy.aik.hierarchies
    if context.hierarchy is not None:
        if allowed is not None and context.hierarchy not in allowed:
            wanted = " or ".join(allowed)
            return failed(ID, f"the AIK is a primary of {context.hierarchy}, expected {wanted}")
        return _PRIMARY[context.hierarchy]
    fault = signer_fault(evidence.attest, evidence.public)
    if fault is not None:
        return failed(ID, fault)
    reason = "the AIK is under a parent that is not known, or the quote is by another key"
    return warned(ID, reason) if allowed is None else failed(ID, reason)
