"""TPM2B_PUBLIC of a storage key, as an endorsement key is one: it decrypts and never signs."""

from __future__ import annotations

from struct import Struct as Layout

from attest.tpm.constants import HASH_SIZES, Alg, alg_name
from attest.tpm.public import DEFAULT_EXPONENT, EccKey, RsaKey, TpmtPublic
from attest.tpm.reader import Reader, unframe
from attest.tpm.signature import MAX_ECC_OCTETS, MAX_RSA_OCTETS

MAX_POLICY = 64
"""Octets of the largest digest, SHA-512."""

_AES = 0x0006
_CFB = 0x0043
_AES_BITS = (128, 192, 256)
_HEAD = Layout(">HHIH")
_SYMMETRIC = Layout(">HHH")
_RSA_SIZES = Layout(">HIH")


def parse_storage_public(data: bytes) -> TpmtPublic:
    """Parse TPM2B_PUBLIC (TPM 2.0 Library Part 2, 12.2.5) of an RSA or ECC storage key.

    Its symmetric algorithm is AES in CFB mode, for that is what protects what it stores; scheme
    and kdf are null, as a restricted decryption key has them (Part 2, 12.2.3.5 and 12.2.3.6).

    Raises:
        MalformedError: Another type of key or algorithm, a size that does not fit, an octet too
            few or many.
    """
    area = data[unframe("TPM2B_PUBLIC", data) :]
    reader = Reader("TPMT_PUBLIC", area)
    (kind, name_alg, attributes, size), policy = reader.unpack_sized(
        _HEAD, "type", "authPolicy", MAX_POLICY
    )
    if kind not in (Alg.RSA, Alg.ECC):
        reader.fail("type", f"{alg_name(kind)} is neither rsa nor ecc", back=10 + size)
    if name_alg not in HASH_SIZES:
        reader.fail("nameAlg", f"{alg_name(name_alg)} is not a known hash", back=8 + size)
    symmetric, bits, mode = reader.unpack(_SYMMETRIC, "symmetric")
    if symmetric != _AES or bits not in _AES_BITS or mode != _CFB:
        reader.fail("symmetric", "is not AES in CFB mode", back=_SYMMETRIC.size)
    _take_null(reader, "scheme")
    key = _read_rsa(reader) if kind == Alg.RSA else _read_ecc(reader)
    reader.finish()
    return TpmtPublic(name_alg, attributes, policy, Alg.NULL, None, key, area)


def _take_null(reader: Reader, field: str) -> None:
    """Take an algorithm that must be null."""
    seen = reader.uint16(field)
    if seen != Alg.NULL:
        reader.fail(field, f"{alg_name(seen)} is not null", back=2)


def _read_rsa(reader: Reader) -> RsaKey:
    """Take keyBits, exponent and modulus."""
    (bits, exponent, size), modulus = reader.unpack_sized(
        _RSA_SIZES, "parameters", "unique", MAX_RSA_OCTETS
    )
    return RsaKey(bits, exponent or DEFAULT_EXPONENT, int.from_bytes(modulus, "big"), size)


def _read_ecc(reader: Reader) -> EccKey:
    """Take curve, kdf and point."""
    curve = reader.uint16("curveID")
    _take_null(reader, "kdf")
    x = reader.sized("unique.x", MAX_ECC_OCTETS)
    return EccKey(curve, x, reader.sized("unique.y", MAX_ECC_OCTETS))
