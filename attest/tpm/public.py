"""TPM2B_PUBLIC: the public area of a key, with its attributes and its own signing scheme."""

from __future__ import annotations

from struct import Struct as Layout
from struct import error as StructError  # noqa: N812 - it is a class

from msgspec import Struct

from attest.tpm.attestation import MAX_DIGEST
from attest.tpm.constants import HASH_SIZES, Alg, alg_name
from attest.tpm.reader import Reader, unframe
from attest.tpm.signature import MAX_ECC_OCTETS, MAX_RSA_OCTETS

DEFAULT_EXPONENT = 65537
"""What an exponent of 0 stands for (TPM 2.0 Library Part 2, 12.2.3.5)."""

_HEAD = Layout(">HHIH")
_KEY_TYPES = (Alg.RSA, Alg.ECC)
_RSA = Alg.RSA
_NULL = Alg.NULL
_UNHASHED_SCHEMES = (Alg.NULL, Alg.RSAES)
_SYMMETRIC_AND_SCHEME = Layout(">HH")
_RSA_SIZES = Layout(">HIH")
_SIZE_AND_HEAD = Layout(">HHHIH")
_HEAD_END = _SIZE_AND_HEAD.size
_RSA_PARAMETERS = Layout(">HHHHIH")
_RSA_PARAMETERS_OCTETS = _RSA_PARAMETERS.size
_HASHED_SCHEMES = frozenset(
    {Alg.RSASSA, Alg.RSAPSS, Alg.OAEP, Alg.ECDSA, Alg.SM2, Alg.ECSCHNORR, Alg.ECDH, Alg.ECMQV}
)
_NAME = "TPMT_PUBLIC"


class RsaKey(Struct, frozen=True, gc=False):
    """TPMS_RSA_PARMS and the modulus (TPM 2.0 Library Part 2, 12.2.3.5 and 11.2.4.5).

    Attributes:
        bits: keyBits.
        exponent: Public exponent; the 0 that stands for 65537 is resolved.
        modulus: Modulus.
        size: Octets that the modulus was written in.
    """

    bits: int
    exponent: int
    modulus: int
    size: int


class EccKey(Struct, frozen=True, gc=False):
    """TPMS_ECC_PARMS and the point (TPM 2.0 Library Part 2, 12.2.3.6 and 11.2.5.2).

    Attributes:
        curve: TPM_ECC_CURVE, known or not.
        x: X coordinate as its octets, big-endian.
        y: Y coordinate as its octets, big-endian.
    """

    curve: int
    x: bytes
    y: bytes


class TpmtPublic(Struct, frozen=True, gc=False):
    """TPMT_PUBLIC (TPM 2.0 Library Part 2, 12.2.4).

    Attributes:
        name_alg: Hash of the key's Name.
        attributes: TPMA_OBJECT, all 32 bits.
        auth_policy: Digest of the key's policy, or empty.
        scheme: The key's own scheme; Alg.NULL where any may be used.
        scheme_hash: Hash of the scheme; None where the scheme has none.
        key: The key itself.
        octets: The public area, over which the Name is computed.
    """

    name_alg: int
    attributes: int
    auth_policy: bytes
    scheme: int
    scheme_hash: int | None
    key: RsaKey | EccKey
    octets: bytes


def parse_public(data: bytes) -> TpmtPublic:
    """Parse TPM2B_PUBLIC (TPM 2.0 Library Part 2, 12.2.5) of an RSA or ECC signing key.

    The usual RSA key is read at a glance, all else field by field.

    Raises:
        MalformedError: Another type of key, an unknown nameAlg, a symmetric algorithm or kdf other
            than null, a size that does not fit, an octet too few or many.
    """
    return rsa_key_at_a_glance(data) or public_field_by_field(data)


def rsa_key_at_a_glance(data: bytes) -> TpmtPublic | None:
    """Read an RSA key with a hashed scheme; None for whatever else, also with a fault.

    Each place follows from the size before it, and the last part must be as long as its size says:
    then no part before it was cut.
    """
    try:
        size, kind, name_alg, attributes, policy_size = _SIZE_AND_HEAD.unpack_from(data)
        policy_end = _HEAD_END + policy_size
        symmetric, scheme, scheme_hash, bits, exponent, key_size = _RSA_PARAMETERS.unpack_from(
            data, policy_end
        )
    except StructError:
        return None
    if kind != _RSA or symmetric != _NULL or scheme not in _HASHED_SCHEMES:
        return None
    if name_alg not in HASH_SIZES or (policy_size and policy_size != HASH_SIZES[name_alg]):
        return None
    modulus = data[policy_end + _RSA_PARAMETERS_OCTETS :]
    if size != len(data) - 2 or key_size != len(modulus) or key_size > MAX_RSA_OCTETS:
        return None
    number = int.from_bytes(modulus, "big")
    key = RsaKey(bits, exponent or DEFAULT_EXPONENT, number, key_size)
    policy = data[_HEAD_END:policy_end]
    return TpmtPublic(name_alg, attributes, policy, scheme, scheme_hash, key, data[2:])


def public_field_by_field(data: bytes) -> TpmtPublic:
    """Read TPM2B_PUBLIC of any key that ``parse_public`` takes.

    Raises:
        MalformedError: See ``parse_public``.
    """
    area = data[unframe("TPM2B_PUBLIC", data) :]
    reader = Reader(_NAME, area)
    (kind, name_alg, attributes, size), policy = reader.unpack_sized(
        _HEAD, "type", "authPolicy", MAX_DIGEST
    )
    if kind not in _KEY_TYPES:
        reader.fail("type", f"{alg_name(kind)} is neither rsa nor ecc", back=10 + size)
    if name_alg not in HASH_SIZES:
        reader.fail("nameAlg", f"{alg_name(name_alg)} is not a known hash", back=8 + size)
    if policy and size != HASH_SIZES[name_alg]:
        fault = f"{size} octets are no {alg_name(name_alg)} digest"
        reader.fail("authPolicy", fault, back=size)
    symmetric, scheme = reader.unpack(_SYMMETRIC_AND_SCHEME, "symmetric")
    if symmetric != _NULL:
        reader.fail("symmetric", f"{alg_name(symmetric)} is not null", back=4)
    hashed = scheme in _HASHED_SCHEMES
    scheme_hash = reader.uint16("scheme.hashAlg") if hashed else _read_odd_scheme(reader, scheme)
    key = _read_rsa(reader) if kind == _RSA else _read_ecc(reader)
    reader.finish()
    return TpmtPublic(name_alg, attributes, policy, scheme, scheme_hash, key, area)


def _read_rsa(reader: Reader) -> RsaKey:
    """Take keyBits, exponent and modulus."""
    (bits, exponent, size), modulus = reader.unpack_sized(
        _RSA_SIZES, "parameters", "unique", MAX_RSA_OCTETS
    )
    number = int.from_bytes(modulus, "big")
    return RsaKey(bits, exponent or DEFAULT_EXPONENT, number, size)


def _read_ecc(reader: Reader) -> EccKey:
    """Take curve, kdf and point."""
    curve = reader.uint16("curveID")
    kdf = reader.uint16("kdf")
    if kdf != _NULL:
        reader.fail("kdf", f"{alg_name(kdf)} is not null", back=2)
    x = reader.sized("unique.x", MAX_ECC_OCTETS)
    return EccKey(curve, x, reader.sized("unique.y", MAX_ECC_OCTETS))


def _read_odd_scheme(reader: Reader, scheme: int) -> int | None:
    """Take the rest of a scheme that has no hash, or more than a hash."""
    if scheme in _UNHASHED_SCHEMES:
        return None
    if scheme != Alg.ECDAA:
        reader.fail("scheme", f"{alg_name(scheme)} is no asymmetric scheme", back=2)
    digest = reader.uint16("scheme.hashAlg")
    reader.uint16("scheme.count")
    return digest
