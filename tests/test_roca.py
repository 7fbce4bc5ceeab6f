"""ROCA: the fingerprint is found on keys that have it, and on no others."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from attest.roca import has_roca_fingerprint
from tests.aik import rsa_aik
from tests.recorded import GCE, structures_of

PRIMES = [n for n in range(2, 168) if all(n % d for d in range(2, math.isqrt(n) + 1))]
"""The 39 primes of the primorial for keys up to 960 bits: all longer keys use these and more."""

PRIMORIAL_2048 = math.prod(n for n in range(2, 702) if all(n % d for d in range(2, n)))


def is_prime(number: int) -> bool:
    """Test as Fermat did: enough for numbers that nobody chose."""
    return all(number % n for n in PRIMES) and pow(2, number - 1, number) == 1


def weak_primes(primorial: int, bits: int) -> Iterator[int]:
    """Primes as the library makes them: k * M + (65537 ** a mod M)."""
    middle = (1 << bits) // primorial // 2
    for step in itertools.count(1):
        number = (middle + step) * primorial + pow(65537, 7919 * step, primorial)
        if is_prime(number):
            yield number


def chinese(residues: dict[int, int]) -> int:
    """The smallest number with these residues modulo primes."""
    product = math.prod(residues)
    return sum(r * (product // p) * pow(product // p, -1, p) for p, r in residues.items()) % product


def generated(prime: int) -> set[int]:
    """The residues that 65537 generates."""
    return {pow(65537, exponent, prime) for exponent in range(prime)}


TELLING = [p for p in PRIMES if len(generated(p)) < p - 1]
"""Primes modulo which 65537 does not reach every residue."""


@pytest.mark.parametrize(
    ("primorial", "bits"), [(math.prod(PRIMES), 256), (PRIMORIAL_2048, 1024)], ids=["512", "2048"]
)
def test_keys_made_as_the_library_made_them_are_found(primorial: int, bits: int) -> None:
    primes = weak_primes(primorial, bits)

    assert all(has_roca_fingerprint(next(primes) * next(primes)) for _ in range(3))


def test_every_power_of_the_generator_is_found() -> None:
    primorial = math.prod(PRIMES)

    assert all(has_roca_fingerprint(pow(65537, a, primorial)) for a in range(500))


def test_honest_keys_are_not_found() -> None:
    digests = (hashlib.shake_256(b"%d" % seed).digest(256) for seed in range(20_000))
    moduli = (int.from_bytes(octets) | 1 << 2047 | 1 for octets in digests)

    assert not any(map(has_roca_fingerprint, moduli))


def test_products_of_honest_primes_are_not_found() -> None:
    numbers = [rsa_aik(bits).private.public_key().public_numbers() for bits in (1024, 2048, 3072)]

    assert not any(
        has_roca_fingerprint(number.n)
        for number in numbers
        if isinstance(number, rsa.RSAPublicNumbers)
    )


def test_key_of_a_cloud_tpm_is_not_found() -> None:
    modulus = int.from_bytes(structures_of(GCE + "sha256").public[-256:])

    assert not has_roca_fingerprint(modulus)


def test_telling_primes_are_the_published_ones() -> None:
    published = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]

    assert published == TELLING


@pytest.mark.parametrize("prime", TELLING)
def test_fingerprint_needs_every_telling_prime(prime: int) -> None:
    residues = {p: 65537 % p for p in PRIMES}
    outside = next(r for r in range(1, prime) if r not in generated(prime))

    found = [
        has_roca_fingerprint(chinese(residues)),
        has_roca_fingerprint(chinese(residues | {prime: outside})),
    ]

    assert found == [True, False]


@pytest.mark.parametrize("prime", TELLING)
def test_residue_zero_is_no_power(prime: int) -> None:
    assert not has_roca_fingerprint(chinese({p: 65537 % p for p in PRIMES} | {prime: 0}))


@pytest.mark.parametrize("prime", [prime for prime in PRIMES if prime not in TELLING])
def test_other_primes_are_not_asked(prime: int) -> None:
    assert has_roca_fingerprint(chinese({p: 65537 % p for p in PRIMES} | {prime: 0}))


@pytest.mark.parametrize("modulus", [1, 65537, 65537**2])
def test_powers_of_the_generator_themselves_are_found(modulus: int) -> None:
    assert has_roca_fingerprint(modulus)


@pytest.mark.parametrize("modulus", [0, 2, 3, 11, 2**2048 - 1])
def test_other_small_numbers_are_not_found(modulus: int) -> None:
    assert not has_roca_fingerprint(modulus)
