"""``quote.signature``: the key that came with the quote signed exactly these octets."""

from __future__ import annotations

from functools import lru_cache

from attest.context import Context
from attest.crypto import signature_fault
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.constants import alg_name

ID = "quote.signature"


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Verify the signature over TPMS_ATTEST with the AIK."""
    if evidence.attest is None or evidence.signature is None:
        return skipped(ID, "the quote or its signature could not be read")
    if evidence.key is None:
        return skipped(ID, "there is no AIK to verify with")
    fault = signature_fault(evidence.key, evidence.signature, evidence.attest.signed)
    if fault is not None:
        return failed(ID, fault)
    return _verified(evidence.signature.scheme, evidence.signature.hash, evidence.key.bits)


@lru_cache(maxsize=64)
def _verified(scheme: int, digest: int | None, bits: int) -> CheckResult:
    """Say with which scheme and size the signature verified."""
    return passed(ID, f"{alg_name(scheme)}-{alg_name(digest or 0)}".upper() + f", {bits} bits")
