"""TPM structures written down: the quote, the public area and the signature of a software key."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from msgspec import Struct

from attest.crypto import digest
from attest.tpm.constants import TPM_GENERATED_VALUE, Alg, AttestType, Attributes, Curve

FIRMWARE = 0x64656D6F
"""firmwareVersion of every quote made here: "demo" in ASCII."""
COORDINATE_OCTETS = 32
SELECT_OCTETS = 3

_ATTRIBUTES = (
    Attributes.FIXED_TPM
    | Attributes.FIXED_PARENT
    | Attributes.SENSITIVE_DATA_ORIGIN
    | Attributes.USER_WITH_AUTH
    | Attributes.RESTRICTED
    | Attributes.SIGN
)


class Quoted(Struct, frozen=True):
    """What a quote says.

    Attributes:
        extra_data: qualifyingData of the request.
        pcrs: Values of the SHA-256 bank by index, 32 octets each.
        clock: Milliseconds.
        safe: Whether the clock is said never to have gone back.
    """

    extra_data: bytes
    pcrs: Mapping[int, bytes]
    clock: int
    safe: bool = True


def sized(octets: bytes) -> bytes:
    """Write a TPM2B: the size in 16 bits, then the octets."""
    return struct.pack(">H", len(octets)) + octets


def quote(signer: bytes, quoted: Quoted) -> bytes:
    """Write TPMS_ATTEST of type quote (TPM 2.0 Library Part 2, 10.12.12).

    Args:
        signer: Qualified Name of the key that signs it.
        quoted: What it says; the PCR digest is SHA-256.
    """
    bitmap = sum(1 << index for index in quoted.pcrs).to_bytes(SELECT_OCTETS, "little")
    values = b"".join(quoted.pcrs[index] for index in sorted(quoted.pcrs))
    return (
        struct.pack(">IH", TPM_GENERATED_VALUE, AttestType.QUOTE)
        + sized(signer)
        + sized(quoted.extra_data)
        + struct.pack(">QIIBQ", quoted.clock, 1, 0, quoted.safe, FIRMWARE)
        + struct.pack(">IHB", 1, Alg.SHA256, SELECT_OCTETS)
        + bitmap
        + sized(digest(Alg.SHA256, values))
    )


def public_area(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey) -> bytes:
    """Write TPMT_PUBLIC (TPM 2.0 Library Part 2, 12.2.4) of a P-256 or RSA attestation key."""
    numbers = key.public_numbers()
    if isinstance(numbers, rsa.RSAPublicNumbers):
        modulus = numbers.n.to_bytes(key.key_size // 8, "big")
        tail = struct.pack(">HI", key.key_size, 0) + sized(modulus)  # exponent 0: 65537
        return _head(Alg.RSA, Alg.RSASSA) + tail
    x, y = (part.to_bytes(COORDINATE_OCTETS, "big") for part in (numbers.x, numbers.y))
    tail = struct.pack(">HH", Curve.NIST_P256, Alg.NULL) + sized(x) + sized(y)
    return _head(Alg.ECC, Alg.ECDSA) + tail


def _head(kind: Alg, scheme: Alg) -> bytes:
    """Write what all attestation keys begin with: no policy, no symmetric, SHA-256 throughout."""
    head = struct.pack(">HHIH", kind, Alg.SHA256, _ATTRIBUTES, 0)
    return head + struct.pack(">HHH", Alg.NULL, scheme, Alg.SHA256)


def rsassa_signature(signature: bytes) -> bytes:
    """Write TPMT_SIGNATURE (TPM 2.0 Library Part 2, 11.3.4) around a PKCS #1 signature."""
    return struct.pack(">HH", Alg.RSASSA, Alg.SHA256) + sized(signature)


def ecdsa_signature(der: bytes) -> bytes:
    """Write TPMT_SIGNATURE around a P-256 signature in DER."""
    r, s = utils.decode_dss_signature(der)
    parts = (sized(part.to_bytes(COORDINATE_OCTETS, "big")) for part in (r, s))
    return struct.pack(">HH", Alg.ECDSA, Alg.SHA256) + b"".join(parts)
