"""``quote.type``: the signed structure is a quote, not another kind of attestation."""

from __future__ import annotations

from attest.attesting import type_fault
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.constants import AttestType

ID = "quote.type"
_TYPE = AttestType.QUOTE
_QUOTE = passed(ID, "type is TPM_ST_ATTEST_QUOTE")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare type with TPM_ST_ATTEST_QUOTE."""
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    fault = type_fault(evidence.attest, _TYPE)
    if fault is not None:
        return failed(ID, fault)
    return _QUOTE
