"""``aik.strength``: no key that is small, misshapen or known to be weak."""

import math
import secrets

import pytest

from tests import aik
from tests.judging import answer, refusing, verified

CHECK = "aik.strength"
UNKNOWN_CURVES = (0x0000, 0x0001, 0x0002, 0x0010, 0x0020, 0x9999)


def rsa(bits: int = 2048, **claims: object) -> aik.Aik:
    return aik.rsa_aik(bits).claiming(**claims)  # type: ignore[arg-type] # as aik.Claims


def least(bits: int) -> dict[str, object]:
    return {"signature": {"min_rsa_bits": bits}}


@pytest.mark.parametrize("bits", [2048, 2056, 3072, 4096])
def test_strength_passes_on_rsa_of_the_default_size_and_more(bits: int) -> None:
    assert answer(verified(rsa(bits)), CHECK) == ("pass", f"RSA, {bits} bits")


@pytest.mark.parametrize("bits", [1024, 2040])
def test_strength_fails_on_rsa_below_the_default_size(bits: int) -> None:
    reason = f"RSA, {bits} bits, expected at least 2048"
    assert answer(verified(rsa(bits)), CHECK) == ("fail", reason)


def test_strength_passes_on_rsa_exactly_as_the_policy_asks() -> None:
    result = verified(rsa(3072), policy=least(3072))
    assert answer(result, CHECK) == ("pass", "RSA, 3072 bits")


@pytest.mark.parametrize(("bits", "asked"), [(2048, 2049), (3072, 3073), (2048, 3072)])
def test_strength_fails_on_rsa_below_what_the_policy_asks(bits: int, asked: int) -> None:
    reason = f"RSA, {bits} bits, expected at least {asked}"
    assert answer(verified(rsa(bits), policy=least(asked)), CHECK) == ("fail", reason)


@pytest.mark.parametrize("bits", [0, 2047, 2049, 3072, 65535])
def test_strength_fails_where_key_bits_are_not_those_of_the_modulus(bits: int) -> None:
    reason = f"keyBits is {bits}, the modulus has 2048 bits in 256 octets"
    assert answer(verified(rsa(key_bits=bits)), CHECK) == ("fail", reason)


def test_strength_fails_where_zeros_stand_before_the_modulus() -> None:
    modulus = rsa().public()[-256:]
    reason = "keyBits is 2048, the modulus has 2048 bits in 257 octets"
    assert answer(verified(rsa(modulus=b"\0" + modulus)), CHECK) == ("fail", reason)


def test_strength_fails_where_the_modulus_lacks_its_first_bit() -> None:
    modulus = b"\x7f" + rsa().public()[-255:]
    reason = "keyBits is 2048, the modulus has 2047 bits in 256 octets"
    assert answer(verified(rsa(modulus=modulus)), CHECK) == ("fail", reason)


def test_strength_fails_where_an_odd_size_is_told_truly() -> None:
    modulus = b"\x7f" + rsa().public()[-255:]
    reason = "keyBits is 2047, the modulus has 2047 bits in 256 octets"
    assert answer(verified(rsa(modulus=modulus, key_bits=2047)), CHECK) == ("fail", reason)


@pytest.mark.parametrize("exponent", [0, 65537, 65539, 2**31 - 1, 2**32 - 1])
def test_strength_passes_on_odd_exponents_from_65537(exponent: int) -> None:
    assert answer(verified(rsa(exponent=exponent)), CHECK) == ("pass", "RSA, 2048 bits")


@pytest.mark.parametrize("exponent", [1, 2, 3, 257, 65535, 65536, 65538, 2**32 - 2])
def test_strength_fails_on_exponents_that_are_small_or_even(exponent: int) -> None:
    reason = f"exponent is {exponent}, expected an odd one of at least 65537"
    assert answer(verified(rsa(exponent=exponent)), CHECK) == ("fail", reason)


def test_strength_alone_refuses_the_exponent_three() -> None:
    assert refusing(verified(aik.exponent_aik(3))) == {CHECK}


def test_strength_accepts_a_larger_prime_exponent() -> None:
    assert verified(aik.exponent_aik(65539)).accepted


def test_strength_fails_on_the_fingerprint_of_roca() -> None:
    key = aik.aik_of_primes([weak_prime(), weak_prime()])
    reason = "the modulus bears the fingerprint of ROCA (CVE-2017-15361)"
    assert answer(verified(key), CHECK) == ("fail", reason)


@pytest.mark.parametrize("curve", aik.CURVE)
def test_strength_passes_on_every_curve_by_default(curve: str) -> None:
    assert answer(verified(aik.ecc_aik(curve)), CHECK) == ("pass", f"ECC, {curve}")


@pytest.mark.parametrize("curve", aik.CURVE)
def test_strength_passes_on_the_one_curve_that_the_policy_allows(curve: str) -> None:
    result = verified(aik.ecc_aik(curve), policy={"signature": {"curves": [curve]}})
    assert answer(result, CHECK) == ("pass", f"ECC, {curve}")


@pytest.mark.parametrize("curve", aik.CURVE)
def test_strength_fails_on_a_curve_that_the_policy_leaves_out(curve: str) -> None:
    others = [name for name in aik.CURVE if name != curve]
    result = verified(aik.ecc_aik(curve), policy={"signature": {"curves": others[::-1]}})
    reason = f"curve {curve}, expected one of {others[0]}, {others[1]}"
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("curve", UNKNOWN_CURVES)
def test_strength_fails_on_a_curve_that_attest_does_not_verify(curve: int) -> None:
    reason = f"curve 0x{curve:04x}, expected one of nist-p256, nist-p384, nist-p521"
    result = verified(aik.ecc_aik().claiming(curve=curve))
    assert answer(result, CHECK) == ("fail", reason)


def test_strength_does_not_ask_an_ecc_key_for_rsa_bits() -> None:
    assert answer(verified(aik.ecc_aik(), policy=least(4096)), CHECK)[0] == "pass"


def test_strength_is_skipped_without_a_readable_key() -> None:
    assert answer(verified(public=b""), CHECK) == ("skip", "the AIK could not be read")


def test_strength_skipped_refuses() -> None:
    assert CHECK in refusing(verified(public=b""))


def weak_prime() -> int:
    """A prime of 1024 bits as the weak library makes them: k * M + (65537 ** a mod M)."""
    small = [n for n in range(2, 702) if all(n % d for d in range(2, math.isqrt(n) + 1))]
    primorial = math.prod(small)
    while True:
        power = pow(65537, secrets.randbelow(primorial), primorial)
        prime = (3 << 1022) // primorial * primorial + power
        prime += secrets.randbelow(2**40) * primorial
        if prime.bit_length() == 1024 and is_prime(prime):
            return prime


def is_prime(number: int) -> bool:
    """Miller and Rabin's test with 20 random bases."""
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(20):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        chain = [power]
        for _ in range(twos - 1):
            chain.append(chain[-1] ** 2 % number)
        if power != 1 and number - 1 not in chain:
            return False
    return True
