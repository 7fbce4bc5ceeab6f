"""Numbers of the specification, written down a second time."""

from __future__ import annotations

from enum import IntEnum

import pytest

from attest.tpm.constants import (
    BANKS,
    HASH_SIZES,
    PCR_COUNT,
    RESERVED_ATTRIBUTES,
    TPM_GENERATED_VALUE,
    Alg,
    AttestType,
    Attributes,
    Curve,
    Handle,
    alg_name,
)
from tests.aik import ALG, CURVE, HIERARCHY, digest

ALGORITHMS = {
    "RSA": 0x01,
    "SHA1": 0x04,
    "HMAC": 0x05,
    "KEYEDHASH": 0x08,
    "SHA256": 0x0B,
    "SHA384": 0x0C,
    "SHA512": 0x0D,
    "NULL": 0x10,
    "SM3_256": 0x12,
    "RSASSA": 0x14,
    "RSAES": 0x15,
    "RSAPSS": 0x16,
    "OAEP": 0x17,
    "ECDSA": 0x18,
    "ECDH": 0x19,
    "ECDAA": 0x1A,
    "SM2": 0x1B,
    "ECSCHNORR": 0x1C,
    "ECMQV": 0x1D,
    "ECC": 0x23,
    "SYMCIPHER": 0x25,
    "SHA3_256": 0x27,
    "SHA3_384": 0x28,
    "SHA3_512": 0x29,
}
CURVES = {
    "NIST_P192": 0x01,
    "NIST_P224": 0x02,
    "NIST_P256": 0x03,
    "NIST_P384": 0x04,
    "NIST_P521": 0x05,
    "BN_P256": 0x10,
    "BN_P638": 0x11,
    "SM2_P256": 0x20,
}
TYPES = {
    "NV": 0x8014,
    "COMMAND_AUDIT": 0x8015,
    "SESSION_AUDIT": 0x8016,
    "CERTIFY": 0x8017,
    "QUOTE": 0x8018,
    "TIME": 0x8019,
    "CREATION": 0x801A,
    "NV_DIGEST": 0x801C,
}


@pytest.mark.parametrize(
    ("numbers", "specified"),
    [(Alg, ALGORITHMS), (Curve, CURVES), (AttestType, TYPES)],
    ids=["algorithms", "curves", "types"],
)
def test_every_number_is_the_specified_one(
    numbers: type[IntEnum], specified: dict[str, int]
) -> None:
    assert {member.name: int(member) for member in numbers} == specified


def test_magic_is_ff_and_tcg() -> None:
    assert TPM_GENERATED_VALUE.to_bytes(4) == b"\xffTCG"


def test_a_bank_has_24_pcrs() -> None:
    assert PCR_COUNT == 24


@pytest.mark.parametrize(("name", "number"), ALG.items())
def test_algorithm_has_its_number(name: str, number: int) -> None:
    assert (Alg[name.upper()], alg_name(number)) == (number, name)


@pytest.mark.parametrize(
    "bank", ["sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"]
)
def test_bank_is_spelled_as_tpm2_tools_spell_it(bank: str) -> None:
    assert (BANKS[bank], HASH_SIZES[ALG[bank]]) == (ALG[bank], len(digest(bank)))


def test_banks_are_the_seven_hashes() -> None:
    assert sorted(HASH_SIZES) == sorted(BANKS.values()) == [4, 11, 12, 13, 0x27, 0x28, 0x29]


@pytest.mark.parametrize(("name", "number"), CURVE.items())
def test_curve_has_its_number(name: str, number: int) -> None:
    assert Curve[name.upper().replace("-", "_")] == number


@pytest.mark.parametrize(("name", "number"), HIERARCHY.items())
def test_hierarchy_has_its_handle(name: str, number: int) -> None:
    assert Handle[name.upper().removesuffix("-HIERARCHY")] == number


@pytest.mark.parametrize(
    ("number", "name"), [(0x0004, "sha1"), (0x0027, "sha3_256"), (0x0099, "0x0099"), (0, "0x0000")]
)
def test_algorithm_is_named_or_numbered(number: int, name: str) -> None:
    assert alg_name(number) == name


def test_attribute_bits_stand_where_the_specification_puts_them() -> None:
    assert {flag.name: flag.bit_length() - 1 for flag in Attributes} == {
        "FIXED_TPM": 1,
        "ST_CLEAR": 2,
        "FIXED_PARENT": 4,
        "SENSITIVE_DATA_ORIGIN": 5,
        "USER_WITH_AUTH": 6,
        "ADMIN_WITH_POLICY": 7,
        "FIRMWARE_LIMITED": 8,
        "SVN_LIMITED": 9,
        "NO_DA": 10,
        "ENCRYPTED_DUPLICATION": 11,
        "RESTRICTED": 16,
        "DECRYPT": 17,
        "SIGN": 18,
        "X509_SIGN": 19,
    }


def test_every_other_attribute_bit_is_reserved() -> None:
    reserved = {bit for bit in range(32) if RESERVED_ATTRIBUTES >> bit & 1}

    assert reserved == {0, 3, *range(12, 16), *range(20, 32)}
