"""Numbers of the TPM 2.0 Library Specification, Part 2, that quotes and their keys are made of."""

from __future__ import annotations

from enum import IntEnum, IntFlag

TPM_GENERATED_VALUE = 0xFF544347
"""TPM_GENERATED (Part 2, 6.2): the ``magic`` of every structure that a TPM made itself."""


class Alg(IntEnum):
    """TPM_ALG_ID (Part 2, 6.3), as far as keys, signatures and PCR banks use them."""

    RSA = 0x0001
    SHA1 = 0x0004
    HMAC = 0x0005
    KEYEDHASH = 0x0008
    SHA256 = 0x000B
    SHA384 = 0x000C
    SHA512 = 0x000D
    NULL = 0x0010
    SM3_256 = 0x0012
    RSASSA = 0x0014
    RSAES = 0x0015
    RSAPSS = 0x0016
    OAEP = 0x0017
    ECDSA = 0x0018
    ECDH = 0x0019
    ECDAA = 0x001A
    SM2 = 0x001B
    ECSCHNORR = 0x001C
    ECMQV = 0x001D
    ECC = 0x0023
    SYMCIPHER = 0x0025
    SHA3_256 = 0x0027
    SHA3_384 = 0x0028
    SHA3_512 = 0x0029


class AttestType(IntEnum):
    """TPM_ST (Part 2, 6.9) of the structures that TPMS_ATTEST can carry."""

    NV = 0x8014
    COMMAND_AUDIT = 0x8015
    SESSION_AUDIT = 0x8016
    CERTIFY = 0x8017
    QUOTE = 0x8018
    TIME = 0x8019
    CREATION = 0x801A
    NV_DIGEST = 0x801C


class Curve(IntEnum):
    """TPM_ECC_CURVE (Part 2, 6.4)."""

    NIST_P192 = 0x0001
    NIST_P224 = 0x0002
    NIST_P256 = 0x0003
    NIST_P384 = 0x0004
    NIST_P521 = 0x0005
    BN_P256 = 0x0010
    BN_P638 = 0x0011
    SM2_P256 = 0x0020


class Attributes(IntFlag):
    """TPMA_OBJECT (Part 2, 8.3): what a key may do, and how it came to be."""

    FIXED_TPM = 1 << 1
    ST_CLEAR = 1 << 2
    FIXED_PARENT = 1 << 4
    SENSITIVE_DATA_ORIGIN = 1 << 5
    USER_WITH_AUTH = 1 << 6
    ADMIN_WITH_POLICY = 1 << 7
    FIRMWARE_LIMITED = 1 << 8
    SVN_LIMITED = 1 << 9
    NO_DA = 1 << 10
    ENCRYPTED_DUPLICATION = 1 << 11
    RESTRICTED = 1 << 16
    DECRYPT = 1 << 17
    SIGN = 1 << 18
    X509_SIGN = 1 << 19


RESERVED_ATTRIBUTES = 0xFFF0_F009
"""Bits of TPMA_OBJECT that no TPM sets: 0, 3, 12 to 15, 20 to 31."""


class Handle(IntEnum):
    """TPM_RH (Part 2, 7.4): the hierarchies that a primary key can stand under."""

    OWNER = 0x40000001
    NULL = 0x40000007
    ENDORSEMENT = 0x4000000B
    PLATFORM = 0x4000000C


HASH_SIZES: dict[int, int] = {
    Alg.SHA1: 20,
    Alg.SHA256: 32,
    Alg.SHA384: 48,
    Alg.SHA512: 64,
    Alg.SHA3_256: 32,
    Alg.SHA3_384: 48,
    Alg.SHA3_512: 64,
}
"""Digest sizes in octets of the hashes that attest computes."""

BANKS: dict[str, Alg] = {
    "sha1": Alg.SHA1,
    "sha256": Alg.SHA256,
    "sha384": Alg.SHA384,
    "sha512": Alg.SHA512,
    "sha3_256": Alg.SHA3_256,
    "sha3_384": Alg.SHA3_384,
    "sha3_512": Alg.SHA3_512,
}
"""PCR banks by the spelling of tpm2-tools."""

PCR_COUNT = 24
"""PCRs of a bank on the PC Client platform: indices 0 to 23."""

_NAMES: dict[int, str] = {int(member): member.name.lower() for member in Alg}


def alg_name(value: int) -> str:
    """Name an algorithm as tpm2-tools spells it: ``sha256``; ``0x0099`` where it has no name."""
    return _NAMES.get(value) or f"0x{value:04x}"
