"""``aik.strength``: the key is large enough, well-formed, and none that is known to be weak."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.policy.model import Policy
from attest.result import CheckResult, failed, passed, skipped
from attest.roca import has_roca_fingerprint
from attest.tpm.constants import Curve
from attest.tpm.public import DEFAULT_EXPONENT, EccKey, RsaKey

ID = "aik.strength"
CURVE_NAMES: dict[int, str] = {
    Curve.NIST_P256: "nist-p256",
    Curve.NIST_P384: "nist-p384",
    Curve.NIST_P521: "nist-p521",
}
_STRONG_RSA = {bits: passed(ID, f"RSA, {bits} bits") for bits in (2048, 3072, 4096)}
_STRONG_ECC = {curve: passed(ID, f"ECC, {name}") for curve, name in CURVE_NAMES.items()}


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask what the policy wants of RSA sizes and of curves, and what no policy may waive."""
    if evidence.public is None:
        return skipped(ID, "the AIK could not be read")
    key = evidence.public.key
    if not isinstance(key, RsaKey):
        return _judge_curve(key, context.policy)
    bits, policy = key.modulus.bit_length(), context.policy
    if bits != key.bits or bits != 8 * key.size:
        seen = f"the modulus has {bits} bits in {key.size} octets"
        return failed(ID, f"keyBits is {key.bits}, {seen}")
    if bits < policy.min_rsa_bits:
        return failed(ID, f"RSA, {bits} bits, expected at least {policy.min_rsa_bits}")
    if key.exponent < DEFAULT_EXPONENT or not key.exponent & 1:
        return failed(ID, f"exponent is {key.exponent}, expected an odd one of at least 65537")
    if has_roca_fingerprint(key.modulus):
        return failed(ID, "the modulus bears the fingerprint of ROCA (CVE-2017-15361)")
    return _STRONG_RSA.get(bits) or passed(ID, f"RSA, {bits} bits")


def _judge_curve(key: EccKey, policy: Policy) -> CheckResult:
    """Ask whether attest knows the curve and the policy allows it."""
    curve = CURVE_NAMES.get(key.curve)
    if curve is None or curve not in policy.curves:
        wanted = ", ".join(sorted(policy.curves))
        return failed(ID, f"curve {curve or f'0x{key.curve:04x}'}, expected one of {wanted}")
    return _STRONG_ECC[key.curve]
