"""ROCA (CVE-2017-15361): RSA moduli whose primes an Infineon library made from too small a set.

Such primes are k * M + (65537 ** a mod M), M a primorial, so that the modulus is a power of 65537
modulo every small prime (Nemec et al., The Return of Coppersmith's Attack, CCS 2017).
"""

from __future__ import annotations

_GENERATOR = 65537
_LARGEST_PRIME = 167
"""Largest prime of M for the shortest keys that the paper covers."""


def _powers(prime: int) -> set[int]:
    """Return the subgroup that the generator makes modulo a prime."""
    group, power = {1}, _GENERATOR % prime
    while power not in group:
        group.add(power)
        power = power * _GENERATOR % prime
    return group


def _fingerprint() -> tuple[tuple[int, int], ...]:
    """Pair each telling prime with the bit set of its powers, the most telling first."""
    primes = [n for n in range(3, _LARGEST_PRIME + 1, 2) if all(n % d for d in range(3, n, 2))]
    groups = [(prime, _powers(prime)) for prime in primes]
    telling = [(prime, group) for prime, group in groups if len(group) < prime - 1]
    telling.sort(key=lambda pair: len(pair[1]) / pair[0])
    return tuple((prime, sum(1 << power for power in group)) for prime, group in telling)


_FINGERPRINT = _fingerprint()


def has_roca_fingerprint(modulus: int) -> bool:
    """Tell whether a modulus bears the fingerprint; an honest one does with odds under 2 ** -25."""
    for prime, powers in _FINGERPRINT:  # noqa: SIM110 - a generator would double the cost
        if not powers >> modulus % prime & 1:
            return False
    return True
