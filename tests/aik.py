"""Attestation keys in software: they sign what they are told, so that a test can tell one lie.

Nothing here comes from the package under test. The octets follow TPM 2.0 Library Part 2, written
down a second time.
"""

import functools
import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypedDict, Unpack

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

ALG: Final = {
    "sha1": 0x0004,
    "keyedhash": 0x0008,
    "sha256": 0x000B,
    "sha384": 0x000C,
    "sha512": 0x000D,
    "null": 0x0010,
    "sm3_256": 0x0012,
    "rsassa": 0x0014,
    "rsaes": 0x0015,
    "rsapss": 0x0016,
    "ecdsa": 0x0018,
    "ecdaa": 0x001A,
    "sm2": 0x001B,
    "ecschnorr": 0x001C,
    "sha3_256": 0x0027,
    "sha3_384": 0x0028,
    "sha3_512": 0x0029,
}
CURVE: Final = {"nist-p256": 0x0003, "nist-p384": 0x0004, "nist-p521": 0x0005}
HIERARCHY: Final = {
    "owner": 0x40000001,
    "null-hierarchy": 0x40000007,
    "endorsement": 0x4000000B,
    "platform": 0x4000000C,
}

FIXED_TPM: Final = 1 << 1
ST_CLEAR: Final = 1 << 2
FIXED_PARENT: Final = 1 << 4
SENSITIVE_DATA_ORIGIN: Final = 1 << 5
USER_WITH_AUTH: Final = 1 << 6
ADMIN_WITH_POLICY: Final = 1 << 7
NO_DA: Final = 1 << 10
ENCRYPTED_DUPLICATION: Final = 1 << 11
RESTRICTED: Final = 1 << 16
DECRYPT: Final = 1 << 17
SIGN: Final = 1 << 18
X509_SIGN: Final = 1 << 19
ATTRIBUTES: Final = 0x00050072
"""What tpm2_createak sets: all that is demanded of an AIK, and userWithAuth."""

NULL: Final = b"\x00\x10"
_CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {
    "nist-p256": ec.SECP256R1,
    "nist-p384": ec.SECP384R1,
    "nist-p521": ec.SECP521R1,
}
_HASHES: Final[dict[str, type[hashes.HashAlgorithm]]] = {
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha3_256": hashes.SHA3_256,
    "sha3_384": hashes.SHA3_384,
    "sha3_512": hashes.SHA3_512,
}


class Claims(TypedDict, total=False):
    """What a public area may say in place of the truth; algorithms by name or by number."""

    type: str | int
    name_alg: str | int
    attributes: int
    auth_policy: bytes
    symmetric: bytes
    scheme: str | int
    scheme_hash: str | int
    key_bits: int
    exponent: int
    modulus: bytes
    curve: str | int
    kdf: bytes
    x: bytes
    y: bytes
    size: int
    trailing: bytes


def alg(name: str | int) -> int:
    """The TPM_ALG_ID of a name; a number stays what it is."""
    return ALG[name] if isinstance(name, str) else name


def sized(octets: bytes, size: int | None = None) -> bytes:
    """A TPM2B: a 16-bit size, true unless another is given, and the octets."""
    return struct.pack(">H", len(octets) if size is None else size) + octets


def digest(name: str, *parts: bytes) -> bytes:
    """The digest of all parts, one after the other."""
    return hashlib.new(name, b"".join(parts)).digest()


@dataclass(frozen=True)
class Aik:
    """A software attestation key and what its public area claims.

    Attributes:
        private: The key that signs.
        scheme: ``rsassa``, ``rsapss`` or ``ecdsa``.
        hash_alg: Hash of the signing scheme, as tpm2-tools spells it.
        claims: Lies told by the public area; Name and qualified name follow them.
    """

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    scheme: str
    hash_alg: str = "sha256"
    claims: Claims = field(default_factory=Claims)

    def claiming(self, **lies: Unpack[Claims]) -> "Aik":
        """The same key under a public area that tells these lies."""
        return replace(self, claims={**self.claims, **lies})

    def public(self, **lies: Unpack[Claims]) -> bytes:
        """TPM2B_PUBLIC."""
        said: Claims = {**self.claims, **lies}
        return sized(self._area(said), said.get("size")) + said.get("trailing", b"")

    @property
    def name(self) -> bytes:
        """nameAlg || H(public area)."""
        return self._named(self._area(self.claims))

    def qualified_name(self, parent: str | bytes = "endorsement") -> bytes:
        """nameAlg || H(parent || Name), the parent a hierarchy or a qualified name."""
        above = struct.pack(">I", HIERARCHY[parent]) if isinstance(parent, str) else parent
        return self._named(above + self.name)

    @property
    def spki(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(
        self,
        octets: bytes,
        *,
        scheme: str | None = None,
        hash_alg: str | None = None,
        salt: int = -1,
    ) -> bytes:
        """TPMT_SIGNATURE over the octets.

        Args:
            octets: What is signed, usually a TPMS_ATTEST.
            scheme: Another scheme than the key's own.
            hash_alg: Another hash than the key's own.
            salt: Octets of RSAPSS salt; the hash's length if negative.
        """
        scheme, hash_alg = scheme or self.scheme, hash_alg or self.hash_alg
        algorithm = _HASHES[hash_alg]()
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = utils.decode_dss_signature(self.private.sign(octets, ec.ECDSA(algorithm)))
            width = (self.private.key_size + 7) // 8
            return ecc_signature(
                r.to_bytes(width), s.to_bytes(width), scheme=scheme, hash_alg=hash_alg
            )
        length = algorithm.digest_size if salt < 0 else salt
        pss = padding.PSS(padding.MGF1(algorithm), length)
        pad = padding.PKCS1v15() if scheme == "rsassa" else pss
        return rsa_signature(
            self.private.sign(octets, pad, algorithm), scheme=scheme, hash_alg=hash_alg
        )

    def _named(self, octets: bytes) -> bytes:
        number = alg(self.claims.get("name_alg", "sha256"))
        known = next((name for name in _HASHES if ALG[name] == number), "sha256")
        return struct.pack(">H", number) + digest(known, octets)

    def _area(self, said: Claims) -> bytes:
        kind = "rsa" if isinstance(self.private, rsa.RSAPrivateKey) else "ecc"
        head = struct.pack(
            ">HHI",
            alg(said.get("type", 0x0001 if kind == "rsa" else 0x0023)),
            alg(said.get("name_alg", "sha256")),
            said.get("attributes", ATTRIBUTES),
        )
        scheme = alg(said.get("scheme", self.scheme))
        details = struct.pack(">H", scheme)
        if scheme != ALG["null"]:
            details += struct.pack(">H", alg(said.get("scheme_hash", self.hash_alg)))
        if scheme == ALG["ecdaa"]:
            details += struct.pack(">H", 0)
        common = head + sized(said.get("auth_policy", b"")) + said.get("symmetric", NULL) + details
        return common + (self._rsa(said) if kind == "rsa" else self._ecc(said))

    def _rsa(self, said: Claims) -> bytes:
        numbers = self.private.public_key().public_numbers()
        assert isinstance(numbers, rsa.RSAPublicNumbers)
        true_exponent = 0 if numbers.e == 65537 else numbers.e
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8)
        return struct.pack(
            ">HI",
            said.get("key_bits", self.private.key_size),
            said.get("exponent", true_exponent),
        ) + sized(said.get("modulus", modulus))

    def _ecc(self, said: Claims) -> bytes:
        numbers = self.private.public_key().public_numbers()
        assert isinstance(numbers, ec.EllipticCurvePublicNumbers)
        curve = said.get("curve", f"nist-p{self.private.key_size}")
        width = (self.private.key_size + 7) // 8
        return (
            struct.pack(">H", CURVE[curve] if isinstance(curve, str) else curve)
            + said.get("kdf", NULL)
            + sized(said.get("x", numbers.x.to_bytes(width)))
            + sized(said.get("y", numbers.y.to_bytes(width)))
        )


def rsa_signature(
    octets: bytes, *, scheme: str | int = "rsassa", hash_alg: str | int = "sha256"
) -> bytes:
    """TPMT_SIGNATURE of an RSA scheme around a bare signature."""
    return struct.pack(">HH", alg(scheme), alg(hash_alg)) + sized(octets)


def ecc_signature(
    r: bytes, s: bytes, *, scheme: str | int = "ecdsa", hash_alg: str | int = "sha256"
) -> bytes:
    """TPMT_SIGNATURE of an ECC scheme around bare r and s."""
    return struct.pack(">HH", alg(scheme), alg(hash_alg)) + sized(r) + sized(s)


def rsa_aik(
    bits: int = 2048, scheme: str = "rsassa", hash_alg: str = "sha256", *, fresh: bool = False
) -> Aik:
    """An RSA key, made once for each size in a process unless a fresh one is asked for."""
    make = _rsa_key.__wrapped__ if fresh else _rsa_key
    return Aik(make(bits), scheme, hash_alg)


def ecc_aik(curve: str = "nist-p256", hash_alg: str = "sha256", *, fresh: bool = False) -> Aik:
    """An ECDSA key, made once for each curve in a process unless a fresh one is asked for."""
    make = _ecc_key.__wrapped__ if fresh else _ecc_key
    return Aik(make(curve), "ecdsa", hash_alg)


def exponent_aik(exponent: int, bits: int = 2048) -> Aik:
    """A fresh RSA key with this public exponent, which must be prime."""
    while True:
        numbers = rsa.generate_private_key(public_exponent=65537, key_size=bits).private_numbers()
        if (numbers.p - 1) % exponent and (numbers.q - 1) % exponent:
            return aik_of_primes((numbers.p, numbers.q), exponent)


def aik_of_primes(primes: Sequence[int], exponent: int = 65537) -> Aik:
    """An RSA key of two given primes."""
    p, q = primes
    private = pow(exponent, -1, (p - 1) * (q - 1))
    return Aik(
        rsa.RSAPrivateNumbers(
            p=p,
            q=q,
            d=private,
            dmp1=private % (p - 1),
            dmq1=private % (q - 1),
            iqmp=pow(q, -1, p),
            public_numbers=rsa.RSAPublicNumbers(exponent, p * q),
        ).private_key(),
        "rsassa",
    )


@functools.cache
def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def _ecc_key(curve: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(_CURVES[curve]())
