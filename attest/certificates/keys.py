"""Public keys of certificates: kind, strength, and the digest that AIKs are compared by."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from msgspec import Struct

from attest.roca import has_roca_fingerprint

if TYPE_CHECKING:
    from asn1crypto.keys import PublicKeyInfo

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
"""Longer keys are no TPM maker's, and make a verifier work."""

_RSA = frozenset({"rsa", "rsaes_oaep", "rsassa_pss"})
"""EK certificates of some makers name their RSA keys by the scheme that they are for."""
_CURVES = frozenset({"secp256r1", "secp384r1", "secp521r1"})


class CertificateKey(Struct, frozen=True):
    """What is to be known of a certificate's key.

    Attributes:
        kind: ``rsa``, ``ec``, or ``other`` for what no TPM quotes with and no chain is verified by.
        spki_sha256: SHA-256 of the SubjectPublicKeyInfo: that of the key by itself, however the
            certificate writes it; for ``other`` that of the octets.
        weakness: Why the key must not be relied on, or None.
    """

    kind: str
    spki_sha256: bytes
    weakness: str | None = None


def read_key(info: PublicKeyInfo) -> CertificateKey:
    """Read a certificate's key; one that is too weak or unknown is told, not refused.

    Raises:
        ValueError: The structure cannot be read.
    """
    octets: bytes = info.dump()
    algorithm = info.algorithm
    try:
        if algorithm in _RSA:
            return _read_rsa(info)
        if algorithm == "ec":
            return _read_ec(octets)
    except (ValueError, UnsupportedAlgorithm):
        return _other(octets, "is none that can be computed with")
    return _other(octets, "is neither RSA nor ECC")


def _read_rsa(info: PublicKeyInfo) -> CertificateKey:
    numbers = info["public_key"].parsed.native
    modulus, exponent = numbers["modulus"], numbers["public_exponent"]
    bits = modulus.bit_length()
    weakness = None
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        weakness = f"has {bits} bits, expected {MIN_RSA_BITS} to {MAX_RSA_BITS}"
        return _other(info.dump(), weakness)
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    if has_roca_fingerprint(modulus):
        weakness = "bears the ROCA fingerprint (CVE-2017-15361)"
    return CertificateKey("rsa", _digest(key), weakness)


def _read_ec(octets: bytes) -> CertificateKey:
    key = load_der_public_key(octets)
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _CURVES:
        return _other(octets, "lies on none of NIST's curves P-256, P-384 and P-521")
    return CertificateKey("ec", _digest(key))


def _other(octets: bytes, weakness: str) -> CertificateKey:
    return CertificateKey("other", hashlib.sha256(octets).digest(), weakness)


def _digest(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> bytes:
    octets = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(octets).digest()
