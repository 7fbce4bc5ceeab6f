"""What is asked of every key that attests and of what it signs: of an AIK, and of an AK above it.

Each function says what is wrong, or None where nothing is.
"""

from __future__ import annotations

from attest import crypto
from attest.policy.model import CURVES, HIERARCHIES, Policy
from attest.roca import has_roca_fingerprint
from attest.tpm.attestation import TpmsAttest
from attest.tpm.constants import (
    HASH_SIZES,
    RESERVED_ATTRIBUTES,
    TPM_GENERATED_VALUE,
    Alg,
    AttestType,
    Attributes,
    Curve,
    alg_name,
)
from attest.tpm.public import DEFAULT_EXPONENT, EccKey, RsaKey, TpmtPublic
from attest.tpm.signature import TpmtSignature

CURVE_NAMES: dict[int, str] = dict(
    zip((Curve.NIST_P256, Curve.NIST_P384, Curve.NIST_P521), CURVES, strict=True)
)

_TYPE_NAMES = {int(kind): f"TPM_ST_ATTEST_{kind.name}" for kind in AttestType}
_REQUIRED = {
    "restricted": Attributes.RESTRICTED,
    "sign": Attributes.SIGN,
    "fixedTPM": Attributes.FIXED_TPM,
    "fixedParent": Attributes.FIXED_PARENT,
    "sensitiveDataOrigin": Attributes.SENSITIVE_DATA_ORIGIN,
}
_FORBIDDEN = {
    "decrypt": Attributes.DECRYPT,
    "encryptedDuplication": Attributes.ENCRYPTED_DUPLICATION,
}
_REQUIRED_MASK = sum(_REQUIRED.values())
_FORBIDDEN_MASK = sum(_FORBIDDEN.values()) | RESERVED_ATTRIBUTES
_SCHEMES = {RsaKey: (Alg.RSASSA, Alg.RSAPSS), EccKey: (Alg.ECDSA,)}
"""Schemes that attest verifies, by the type of the key."""
_HIERARCHY_NAMES = {handle: name for name, handle in HIERARCHIES.items()}


def magic_fault(attest: TpmsAttest) -> str | None:
    """Compare magic with TPM_GENERATED, which a restricted key never signs for others."""
    magic = attest.magic
    if magic == TPM_GENERATED_VALUE:
        return None
    return f"magic is 0x{magic:08x}, expected 0x{TPM_GENERATED_VALUE:08x}"


def type_fault(attest: TpmsAttest, wanted: AttestType) -> str | None:
    """Compare the type of a signed structure with the one that is wanted."""
    kind = attest.type
    if kind == wanted:
        return None
    seen = _TYPE_NAMES.get(kind, "unknown")
    return f"type is 0x{kind:04x} ({seen}), expected {_TYPE_NAMES[wanted]}"


def attributes_fault(public: TpmtPublic) -> str | None:
    """Compare TPMA_OBJECT with what an attestation key has, by masks."""
    seen = public.attributes
    if seen & _REQUIRED_MASK == _REQUIRED_MASK and not seen & _FORBIDDEN_MASK:
        return None
    faults = [f"{name} is clear" for name, bit in _REQUIRED.items() if not seen & bit]
    faults += [f"{name} is set" for name, bit in _FORBIDDEN.items() if seen & bit]
    if seen & RESERVED_ATTRIBUTES:
        faults.append(f"reserved bits 0x{seen & RESERVED_ATTRIBUTES:08x} are set")
    return f"objectAttributes is 0x{seen:08x}: {', '.join(faults)}"


def strength_fault(public: TpmtPublic, policy: Policy) -> str | None:
    """Ask what the policy wants of RSA sizes and of curves, and what no policy may waive."""
    key = public.key
    if not isinstance(key, RsaKey):
        return _curve_fault(key, policy)
    bits = key.modulus.bit_length()
    if bits != key.bits or bits != 8 * key.size:
        seen = f"the modulus has {bits} bits in {key.size} octets"
        return f"keyBits is {key.bits}, {seen}"
    if bits < policy.min_rsa_bits:
        return f"RSA, {bits} bits, expected at least {policy.min_rsa_bits}"
    if key.exponent < DEFAULT_EXPONENT or not key.exponent & 1:
        return f"exponent is {key.exponent}, expected an odd one of at least 65537"
    if has_roca_fingerprint(key.modulus):
        return "the modulus bears the fingerprint of ROCA (CVE-2017-15361)"
    return None


def _curve_fault(key: EccKey, policy: Policy) -> str | None:
    """Ask whether attest knows the curve and the policy allows it."""
    curve = CURVE_NAMES.get(key.curve)
    if curve is not None and curve in policy.curves:
        return None
    wanted = ", ".join(sorted(policy.curves))
    return f"curve {curve or f'0x{key.curve:04x}'}, expected one of {wanted}"


def scheme_fault(
    signature: TpmtSignature, public: TpmtPublic, policy: Policy, owner: str
) -> str | None:
    """Compare a signature's scheme and hash with the key's own, then with the allow-list.

    Args:
        signature: The signature.
        public: The key.
        policy: The policy.
        owner: What the key is called: ``AIK`` or ``AK``.
    """
    scheme, digest = signature.scheme, signature.hash
    if scheme != public.scheme or digest != public.scheme_hash:
        own = scheme_name(public.scheme, public.scheme_hash)
        return f"signed with {scheme_name(scheme, digest)}, the {owner}'s own scheme is {own}"
    if digest not in HASH_SIZES or scheme not in _SCHEMES[type(public.key)]:
        return f"{scheme_name(scheme, digest)} is no scheme of this key that attest verifies"
    if (scheme, digest) not in policy.schemes:
        return f"{scheme_name(scheme, digest)} is not among the schemes the policy allows"
    return None


def scheme_name(scheme: int, digest: int | None) -> str:
    """Name scheme and hash as policies do."""
    return alg_name(scheme) if digest is None else f"{alg_name(scheme)}-{alg_name(digest)}"


def primary_of(public: TpmtPublic, name: bytes, attest: TpmsAttest) -> str | None:
    """Name the hierarchy under which the signer of a structure is this key as a primary, if any."""
    handle = crypto.primary_hierarchy(public.name_alg, name, attest.qualified_signer)
    return None if handle is None else _HIERARCHY_NAMES[handle]


def signer_fault(attest: TpmsAttest, public: TpmtPublic) -> str | None:
    """Ask whether qualifiedSigner can be a qualified Name of a key with this nameAlg at all."""
    signer, name_alg = attest.qualified_signer, public.name_alg
    if signer[:2] == name_alg.to_bytes(2, "big") and len(signer) == 2 + HASH_SIZES[name_alg]:
        return None
    seen = signer.hex() or "empty"
    return f"qualifiedSigner is {seen}, no {alg_name(name_alg)} qualified Name"
