"""``quote.signature``: the key that came with the quote signed exactly these octets."""

from __future__ import annotations

from attest.context import Context
from attest.crypto import signature_fault
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "quote.signature"
_VERIFIES = passed(ID, "the signature verifies with the AIK")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Verify the signature over TPMS_ATTEST with the AIK."""
    if evidence.attest is None or evidence.signature is None:
        return skipped(ID, "the quote or its signature could not be read")
    if evidence.key is None:
        return skipped(ID, "there is no AIK to verify with")
    fault = signature_fault(evidence.key, evidence.signature, evidence.attest.signed)
    if fault is not None:
        return failed(ID, fault)
    return _VERIFIES
