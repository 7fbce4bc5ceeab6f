"""``aik.attributes``: the key only ever signs what its TPM made, and never leaves it."""

from __future__ import annotations

from attest.attesting import attributes_fault
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "aik.attributes"
_ATTESTATION_KEY = passed(ID, "restricted signing key, fixed to its TPM and made there")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare TPMA_OBJECT with what an attestation key has, by masks."""
    if evidence.public is None:
        return skipped(ID, "the AIK could not be read")
    fault = attributes_fault(evidence.public)
    if fault is not None:
        return failed(ID, fault)
    return _ATTESTATION_KEY
