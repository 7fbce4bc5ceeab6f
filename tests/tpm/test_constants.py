"""Numbers of the specification, written down a second time."""

from __future__ import annotations

import pytest

from attest.tpm.constants import (
    BANKS,
    HASH_SIZES,
    RESERVED_ATTRIBUTES,
    Alg,
    Attributes,
    Curve,
    Handle,
    alg_name,
)
from tests.aik import ALG, CURVE, HIERARCHY, digest


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
