"""``quote.magic``: a TPM made the signed structure, and nobody had it sign foreign octets."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.constants import TPM_GENERATED_VALUE

ID = "quote.magic"
_GENERATED = passed(ID, "magic is TPM_GENERATED")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare magic with TPM_GENERATED, which a restricted key never signs for others."""
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    magic = evidence.attest.magic
    if magic != TPM_GENERATED_VALUE:
        return failed(ID, f"magic is 0x{magic:08x}, expected 0x{TPM_GENERATED_VALUE:08x}")
    return _GENERATED
