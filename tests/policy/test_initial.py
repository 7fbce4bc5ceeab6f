"""The rules ``initial`` and ``extended`` on every PCR."""

from __future__ import annotations

import pytest

from attest.policy.initial import is_initial
from attest.policy.model import PcrRule, RuleKind
from attest.tpm.constants import Alg

SIZES = (20, 32, 48, 64)
ZERO_AT_START = (*range(17), 23)
ONES_AT_START = tuple(range(17, 23))


def is_extended(index: int, value: bytes) -> bool:
    return PcrRule(Alg.SHA256, index, RuleKind.EXTENDED).allows(value)


@pytest.mark.parametrize("size", SIZES)
def test_zero_is_initial_where_start_up_leaves_zero(size: int) -> None:
    assert [i for i in range(24) if is_initial(i, bytes(size))] == list(ZERO_AT_START)


@pytest.mark.parametrize("size", SIZES)
def test_ones_are_initial_where_only_a_dynamic_launch_resets(size: int) -> None:
    assert [i for i in range(24) if is_initial(i, b"\xff" * size)] == list(ONES_AT_START)


@pytest.mark.parametrize("index", range(24))
@pytest.mark.parametrize("octet", [b"\x00", b"\xff"])
def test_constant_values_are_never_extended(index: int, octet: bytes) -> None:
    assert not is_extended(index, octet * 32)


@pytest.mark.parametrize("last", [3, 4])
def test_zeros_that_end_in_a_locality_are_initial_for_pcr_0_only(last: int) -> None:
    value = bytes(31) + bytes([last])

    assert [i for i in range(24) if is_initial(i, value)] == [0]
    assert [i for i in range(24) if is_extended(i, value)] == list(range(1, 24))


@pytest.mark.parametrize(
    "value",
    [
        bytes(31) + b"\x01",
        bytes(31) + b"\x02",
        bytes(31) + b"\x05",
        bytes(30) + b"\x01\x03",
        b"\x03" + bytes(31),
        b"\xff" * 31 + b"\x04",
        b"\x01" * 32,
    ],
)
@pytest.mark.parametrize("index", range(24))
def test_other_values_are_extended_on_every_pcr(index: int, value: bytes) -> None:
    assert is_extended(index, value)
    assert not is_initial(index, value)


@pytest.mark.parametrize("index", range(24))
def test_no_octets_are_neither(index: int) -> None:
    assert not is_initial(index, b"")
    assert not is_extended(index, b"")


def test_pcrs_that_the_contract_does_not_know_have_no_initial_value() -> None:
    assert not is_initial(24, bytes(32))
    assert is_extended(24, b"\x01" * 32)
