"""``quote.magic``: a TPM made the signed structure, and nobody had it sign foreign octets."""

from __future__ import annotations

from attest.attesting import magic_fault
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "quote.magic"
_GENERATED = passed(ID, "magic is TPM_GENERATED")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare magic with TPM_GENERATED, which a restricted key never signs for others."""
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    fault = magic_fault(evidence.attest)
    if fault is not None:
        return failed(ID, fault)
    return _GENERATED
