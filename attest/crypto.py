"""Keys, signatures and Names: the one place where attest calls cryptography."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from msgspec import Struct

from attest.errors import MalformedError
from attest.tpm.constants import Alg, Curve, Handle
from attest.tpm.public import EccKey, RsaKey, TpmtPublic
from attest.tpm.signature import TpmtSignature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class RsaVerifyingKey(Struct, frozen=True, gc=False):
    """An RSA key, ready to verify.

    Attributes:
        key: The key.
        size: Octets of its modulus, and so of its signatures.
        bits: Bits of its modulus.
    """

    key: rsa.RSAPublicKey
    size: int
    bits: int


class EccVerifyingKey(Struct, frozen=True, gc=False):
    """An ECC key, ready to verify.

    Attributes:
        key: The key.
        size: Octets of its field, and so the most that r and s have.
        bits: Bits of its field.
    """

    key: ec.EllipticCurvePublicKey
    size: int
    bits: int


VerifyingKey = RsaVerifyingKey | EccVerifyingKey

_DIGESTS: dict[int, Callable[[bytes], Any]] = {
    Alg.SHA1: hashlib.sha1,
    Alg.SHA256: hashlib.sha256,
    Alg.SHA384: hashlib.sha384,
    Alg.SHA512: hashlib.sha512,
    Alg.SHA3_256: hashlib.sha3_256,
    Alg.SHA3_384: hashlib.sha3_384,
    Alg.SHA3_512: hashlib.sha3_512,
}
_PREFIXES = {number: int(number).to_bytes(2, "big") for number in _DIGESTS}
_HASHES: dict[int, hashes.HashAlgorithm] = {
    Alg.SHA1: hashes.SHA1(),  # noqa: S303 - named, so that a policy's allow-list can refuse it
    Alg.SHA256: hashes.SHA256(),
    Alg.SHA384: hashes.SHA384(),
    Alg.SHA512: hashes.SHA512(),
    Alg.SHA3_256: hashes.SHA3_256(),
    Alg.SHA3_384: hashes.SHA3_384(),
    Alg.SHA3_512: hashes.SHA3_512(),
}
_CURVES: dict[int, tuple[ec.EllipticCurve, int]] = {
    Curve.NIST_P256: (ec.SECP256R1(), 32),
    Curve.NIST_P384: (ec.SECP384R1(), 48),
    Curve.NIST_P521: (ec.SECP521R1(), 66),
}
_PKCS1 = padding.PKCS1v15()
_PSS: dict[int, padding.PSS] = {
    number: padding.PSS(padding.MGF1(algorithm), padding.PSS.AUTO)
    for number, algorithm in _HASHES.items()
}
_RSASSA = Alg.RSASSA
_RSA_SCHEMES = (Alg.RSASSA, Alg.RSAPSS)
_ECDSA = {number: ec.ECDSA(algorithm) for number, algorithm in _HASHES.items()}

NONCE_OCTETS = 16
"""Octets of SHA-256(payload_id) in qualifyingData."""

_PRIMARY_SEEDS = (Handle.ENDORSEMENT, Handle.OWNER, Handle.NULL, Handle.PLATFORM)
_HANDLE_OCTETS = {handle: handle.to_bytes(4, "big") for handle in _PRIMARY_SEEDS}


def digest(alg: int, octets: bytes) -> bytes:
    """Hash octets; ``alg`` is one of HASH_SIZES, else KeyError."""
    result: bytes = _DIGESTS[alg](octets).digest()
    return result


def compute_name(public: TpmtPublic) -> bytes:
    """Return the Name of a key: nameAlg || H(public area) (TPM 2.0 Library Part 1, 16)."""
    name_alg = public.name_alg
    name: bytes = _PREFIXES[name_alg] + _DIGESTS[name_alg](public.octets).digest()
    return name


def qualified_name(name_alg: int, parent: bytes, name: bytes) -> bytes:
    """Return nameAlg || H(parent || Name); ``parent`` is a handle's octets or a qualified Name."""
    qualified: bytes = _PREFIXES[name_alg] + _DIGESTS[name_alg](parent + name).digest()
    return qualified


def primary_hierarchy(name_alg: int, name: bytes, qualified: bytes) -> Handle | None:
    """Find the hierarchy under which a key of this qualified Name is a primary, if any."""
    for handle, parent in _HANDLE_OCTETS.items():
        if qualified_name(name_alg, parent, name) == qualified:
            return handle
    return None


def build_key(public: TpmtPublic) -> VerifyingKey | None:
    """Build the key of a public area.

    Returns:
        The key; None where it is well-formed but not one to compute with: a curve that attest does
        not know, an exponent that no RSA key has, a modulus under the library's bound.

    Raises:
        MalformedError: What stands there cannot be a key at all.
    """
    if isinstance(public.key, RsaKey):
        return _build_rsa(public.key)
    return _build_ecc(public.key)


def _build_rsa(key: RsaKey) -> RsaVerifyingKey | None:
    """Build an RSA key; the strength of its numbers is a check's to judge."""
    modulus = key.modulus
    if not modulus & 1:
        raise MalformedError("TPMT_PUBLIC.unique", "an even modulus is no RSA key")
    try:
        built = rsa.RSAPublicNumbers(key.exponent, modulus).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    bits = modulus.bit_length()
    return RsaVerifyingKey(built, (bits + 7) // 8, bits)


def _build_ecc(key: EccKey) -> EccVerifyingKey | None:
    """Build an ECC key; a point that is not on its curve is no key."""
    known = _CURVES.get(key.curve)
    if known is None:
        return None
    curve, size = known
    for field, part in (("x", key.x), ("y", key.y)):
        if not 0 < len(part) <= size:
            fault = f"{len(part)} octets are no coordinate on {curve.name}"
            raise MalformedError(f"TPMT_PUBLIC.unique.{field}", fault)
    point = b"\x04" + key.x.rjust(size, b"\0") + key.y.rjust(size, b"\0")
    try:
        built = ec.EllipticCurvePublicKey.from_encoded_point(curve, point)
    except ValueError as error:
        fault = f"the point does not lie on {curve.name}"
        raise MalformedError("TPMT_PUBLIC.unique", fault) from error
    return EccVerifyingKey(built, size, curve.key_size)


def signature_fault(
    key: VerifyingKey, signature: TpmtSignature, signed: bytes, owner: str = "AIK"
) -> str | None:
    """Verify a signature mathematically; whether its scheme is wanted is a check's to judge.

    Args:
        key: The key.
        signature: The signature.
        signed: The octets that it should be over.
        owner: What the key is called.

    Returns:
        None where the signature is by this key over these octets, else what is wrong with it.
    """
    algorithm = _HASHES.get(signature.hash or 0)
    if algorithm is None:
        return "the hash of the signature is none that can be computed"
    try:
        if isinstance(key, RsaVerifyingKey):
            return _rsa_fault(key, signature, signed, algorithm, owner)
        return _ecdsa_fault(key, signature, signed, owner)
    except InvalidSignature:
        return f"the signature does not verify with the {owner}"
    except UnsupportedAlgorithm:
        return "the signature scheme cannot be computed with this hash here"
    except ValueError:
        return f"the {owner} is too small for the hash of the signature"


def _rsa_fault(
    key: RsaVerifyingKey,
    signature: TpmtSignature,
    signed: bytes,
    algorithm: hashes.HashAlgorithm,
    owner: str,
) -> str | None:
    """Verify RSASSA or RSAPSS; PSS with any length of salt."""
    if signature.scheme not in _RSA_SCHEMES:
        return f"the {owner} is an RSA key, and this is no RSA signature"
    if len(signature.rsa) != key.size:
        return f"{len(signature.rsa)} octets, the modulus has {key.size}"
    scheme = _PKCS1 if signature.scheme == _RSASSA else _PSS[signature.hash or 0]
    key.key.verify(signature.rsa, signed, scheme, algorithm)
    return None


def _ecdsa_fault(
    key: EccVerifyingKey, signature: TpmtSignature, signed: bytes, owner: str
) -> str | None:
    """Verify ECDSA; r and s may have lost leading zeros, and never have octets too many."""
    if signature.scheme != Alg.ECDSA:
        return f"the {owner} is an ECC key, and this is no ECDSA signature"
    for field, part in (("r", signature.r), ("s", signature.s)):
        if not 0 < len(part) <= key.size:
            return f"{field} has {len(part)} octets, expected 1 to {key.size}"
    r, s = int.from_bytes(signature.r, "big"), int.from_bytes(signature.s, "big")
    if not r or not s:
        return "r or s is zero"
    key.key.verify(utils.encode_dss_signature(r, s), signed, _ECDSA[signature.hash or 0])
    return None


def payload_nonce(payload_id: bytes) -> bytes:
    """Return what the server puts into qualifyingData: SHA-256 of the id, its first 16 octets."""
    return hashlib.sha256(payload_id).digest()[:NONCE_OCTETS]


def spki_sha256(key: VerifyingKey) -> bytes:
    """Return SHA-256 of the key's DER SubjectPublicKeyInfo (RFC 5280, 4.1)."""
    return hashlib.sha256(key.key.public_bytes(*_spki_format())).digest()


@cache
def _spki_format() -> tuple[Encoding, PublicFormat]:
    """Name the form of SubjectPublicKeyInfo; imported only where a key is enrolled by it."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - 4 ms of start-up

    return serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
