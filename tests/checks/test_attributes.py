"""``aik.attributes``: an attestation key is restricted, signs, and never leaves its TPM."""

import pytest

from tests import aik
from tests.judging import answer, refusing, verified

CHECK = "aik.attributes"
REQUIRED = {
    "restricted": aik.RESTRICTED,
    "sign": aik.SIGN,
    "fixedTPM": aik.FIXED_TPM,
    "fixedParent": aik.FIXED_PARENT,
    "sensitiveDataOrigin": aik.SENSITIVE_DATA_ORIGIN,
}
FORBIDDEN = {"decrypt": aik.DECRYPT, "encryptedDuplication": aik.ENCRYPTED_DUPLICATION}
FREE = (2, 6, 7, 8, 9, 10, 19)
RESERVED = (0, 3, 12, 13, 14, 15, *range(20, 32))
BARE = sum(REQUIRED.values())


def judged(attributes: int) -> tuple[str, str]:
    return answer(verified(aik.rsa_aik().claiming(attributes=attributes)), CHECK)


def test_attributes_pass_on_an_attestation_key() -> None:
    reason = "restricted signing key, fixed to its TPM and made there"
    assert answer(verified(), CHECK) == ("pass", reason)


def test_attributes_pass_with_no_more_than_is_required() -> None:
    assert judged(BARE)[0] == "pass"


@pytest.mark.parametrize("bit", FREE)
def test_attributes_leave_the_free_bits_free(bit: int) -> None:
    assert judged(BARE | 1 << bit)[0] == "pass"


def test_attributes_pass_with_every_free_bit() -> None:
    assert judged(BARE | sum(1 << bit for bit in FREE))[0] == "pass"


@pytest.mark.parametrize(("name", "bit"), REQUIRED.items())
def test_attributes_fail_where_a_required_bit_is_clear(name: str, bit: int) -> None:
    seen = aik.ATTRIBUTES ^ bit
    assert judged(seen) == ("fail", f"objectAttributes is 0x{seen:08x}: {name} is clear")


@pytest.mark.parametrize(("name", "bit"), FORBIDDEN.items())
def test_attributes_fail_where_a_forbidden_bit_is_set(name: str, bit: int) -> None:
    seen = aik.ATTRIBUTES | bit
    assert judged(seen) == ("fail", f"objectAttributes is 0x{seen:08x}: {name} is set")


@pytest.mark.parametrize("bit", RESERVED)
def test_attributes_fail_where_a_reserved_bit_is_set(bit: int) -> None:
    seen = aik.ATTRIBUTES | 1 << bit
    reason = f"objectAttributes is 0x{seen:08x}: reserved bits 0x{1 << bit:08x} are set"
    assert judged(seen) == ("fail", reason)


def test_attributes_name_every_fault() -> None:
    reason = (
        "objectAttributes is 0x80020801: restricted is clear, sign is clear, fixedTPM is clear, "
        "fixedParent is clear, sensitiveDataOrigin is clear, decrypt is set, "
        "encryptedDuplication is set, reserved bits 0x80000001 are set"
    )
    assert judged(0x80020801) == ("fail", reason)


def test_attributes_cover_every_bit_once() -> None:
    named = [*REQUIRED.values(), *FORBIDDEN.values(), *(1 << bit for bit in (*FREE, *RESERVED))]
    assert sorted(named) == [1 << bit for bit in range(32)]


def test_attributes_alone_refuse_a_key_that_signs_anything() -> None:
    key = aik.rsa_aik().claiming(attributes=aik.ATTRIBUTES ^ aik.RESTRICTED)
    assert refusing(verified(key)) == {CHECK}


def test_attributes_are_skipped_without_a_readable_key() -> None:
    result = verified(public=b"")
    assert answer(result, CHECK) == ("skip", "the AIK could not be read")


def test_attributes_skipped_refuse() -> None:
    assert CHECK in refusing(verified(public=b""))
