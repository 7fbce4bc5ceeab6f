"""``aik.strength``: the key is large enough, well-formed, and none that is known to be weak."""

from __future__ import annotations

from attest.attesting import CURVE_NAMES, strength_fault
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.public import RsaKey

ID = "aik.strength"
_STRONG_RSA = {bits: passed(ID, f"RSA, {bits} bits") for bits in (2048, 3072, 4096)}
_STRONG_ECC = {curve: passed(ID, f"ECC, {name}") for curve, name in CURVE_NAMES.items()}


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask what the policy wants of RSA sizes and of curves, and what no policy may waive."""
    if evidence.public is None:
        return skipped(ID, "the AIK could not be read")
    fault = strength_fault(evidence.public, context.policy)
    if fault is not None:
        return failed(ID, fault)
    key = evidence.public.key
    if not isinstance(key, RsaKey):
        return _STRONG_ECC[key.curve]
    return _STRONG_RSA.get(key.bits) or passed(ID, f"RSA, {key.bits} bits")
