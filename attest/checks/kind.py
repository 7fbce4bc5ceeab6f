"""``quote.type``: the signed structure is a quote, not another kind of attestation."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.constants import AttestType

ID = "quote.type"
_TYPE = AttestType.QUOTE
_QUOTE = passed(ID, "type is TPM_ST_ATTEST_QUOTE")
_NAMES = {int(kind): f"TPM_ST_ATTEST_{kind.name}" for kind in AttestType}


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare type with TPM_ST_ATTEST_QUOTE."""
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    kind = evidence.attest.type
    if kind != _TYPE:
        seen = _NAMES.get(kind, "unknown")
        return failed(ID, f"type is 0x{kind:04x} ({seen}), expected TPM_ST_ATTEST_QUOTE")
    return _QUOTE
