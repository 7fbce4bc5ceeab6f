"""``aik.scheme``: the signature uses the key's own scheme and hash, and the policy allows them."""

from __future__ import annotations

from functools import lru_cache

from attest.attesting import scheme_fault, scheme_name
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "aik.scheme"


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare the signature's scheme and hash with the key's own, then with the allow-list."""
    signature, public = evidence.signature, evidence.public
    if signature is None or public is None:
        return skipped(ID, "the signature or the AIK could not be read")
    fault = scheme_fault(signature, public, context.policy, "AIK")
    if fault is not None:
        return failed(ID, fault)
    return _allowed(signature.scheme, signature.hash)


@lru_cache(maxsize=64)
def _allowed(scheme: int, digest: int | None) -> CheckResult:
    """Say which scheme was allowed."""
    return passed(ID, f"{scheme_name(scheme, digest)}, the AIK's own scheme")
