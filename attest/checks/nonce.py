"""``quote.nonce``: the quote answers our request and nobody else's."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped, warned

ID = "quote.nonce"
_FRESH = passed(ID, "extraData equals the expected nonce")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare extraData with the expected nonce, octet for octet."""
    if context.nonce_fault is not None:
        return failed(ID, context.nonce_fault)
    if context.nonce is None:
        return warned(ID, "the policy has no nonce compared: the quote may be of any age")
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    seen, wanted = evidence.attest.extra_data, context.nonce
    if seen != wanted:
        return failed(ID, f"extraData is {seen.hex() or 'empty'}, expected {wanted.hex()}")
    return _FRESH
