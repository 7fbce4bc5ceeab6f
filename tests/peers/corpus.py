"""Octets of quotes, signatures and keys: recorded, forged, and mutated in a repeatable way."""

import base64
import binascii
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final

from tests import build
from tests.aik import ALG, ecc_aik, ecc_signature, rsa_aik, rsa_signature, sized
from tests.recorded import FIXTURES, Structures

MEMBERS: Final = {"quote": "quote_b64", "signature": "signature_b64", "public": "aik_pubkey_b64"}
WORDS: Final = sorted(
    {0x0000, 0x0001, 0x0002, 0x0003, 0x0020, 0x0040, 0x0080, 0x0100, 0x0200, 0x7FFF, 0xFFFF}
    | {*ALG.values(), *build.TYPE.values(), 0x0023, 0x0025, 0x0017, 0x0019, 0x001D, 0x0099}
)
"""Values that mean something somewhere: sizes at their bounds, algorithms, types."""

TRUE_SIZES: Final = 0.8
"""Share of mutated keys that keep a true TPM2B size, so that the area behind it is read."""


@functools.cache
def responses() -> dict[str, dict[str, Any]]:
    """Every fixture whose response is a JSON object, by name."""
    found = {}
    for path in sorted(FIXTURES.glob("*/response.json")):
        try:
            document = json.loads(path.read_bytes())
        except ValueError:
            continue
        if isinstance(document, dict):
            found[path.parent.name] = document
    return found


def attestation_of(response: Mapping[str, Any]) -> dict[str, Any]:
    """The ``tpm_attestation`` member, empty where there is none."""
    metadata = response.get("_metadata")
    member = metadata.get("tpm_attestation") if isinstance(metadata, dict) else None
    return member if isinstance(member, dict) else {}


def octets_of(member: Mapping[str, Any], name: str) -> bytes | None:
    """The octets of a member, or None where its base64 does not decode."""
    text = member.get(name)
    if not isinstance(text, str):
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def structures_of(member: Mapping[str, Any]) -> Structures | None:
    """All three structures, or None where one does not decode."""
    found = [octets_of(member, name) for name in MEMBERS.values()]
    whole = [octets for octets in found if octets is not None]
    return Structures(*whole) if len(whole) == len(found) else None


def recorded(kind: str) -> list[bytes]:
    """The distinct octets of one member in all fixtures."""
    members = (attestation_of(response) for response in responses().values())
    found = (octets_of(member, MEMBERS[kind]) for member in members)
    return list(dict.fromkeys(octets for octets in found if octets is not None))


def composed(kind: str) -> list[bytes]:
    """Structures that no fixture has: other types, schemes and sizes, by software keys."""
    if kind == "quote":
        key = rsa_aik()
        bodies = [build.other(name, key) for name in ("certify", "time", "creation", "nv")]
        lies: list[build.QuoteLies] = [
            {"selection": [(bank, [0, 23]) for bank in build.VALUES] * 3},
            {"selection": [("sha1", b"\x01"), ("sm3_256", b"\0\0\0\x80"), (0x99, b"\1\2")]},
            {"selection": [], "digest": b""},
        ]
        return bodies + [build.quote(key, build.VALUES, **lie) for lie in lies]
    if kind == "signature":
        bare = [b"\x00\x10", b"\x00\x05\x00\x0b" + bytes(32)]
        ecc = [ecc_signature(b"r" * 32, b"s" * 32, scheme=name) for name in ("ecdaa", "sm2")]
        return [*bare, *ecc, ecc_signature(b"r" * 128, b""), rsa_signature(b"", scheme="rsapss")]
    schemes = ("null", "ecdaa", "sm2", "ecschnorr", 0x0017, 0x0019, 0x001D)
    areas = [key.public(scheme=scheme) for key in (rsa_aik(), ecc_aik()) for scheme in schemes]
    return [*areas, ecc_aik().public(curve=0x0010), rsa_aik().public(exponent=3)]


def mutants(kind: str, seed: int, count: int) -> Iterator[bytes]:
    """Mutate the structures of one kind, the same for the same seed but for software keys."""
    random = Random(f"{kind} {seed}")  # noqa: S311 - repeatable, not secret
    seeds = [octets for octets in recorded(kind) + composed(kind) if len(octets) < 2048]
    for _ in range(count):
        octets = random.choice(seeds)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            octets = random.choice(CHANGES)(random, octets, random.choice(seeds))
        if kind == "public" and random.random() < TRUE_SIZES:
            octets = sized(octets[2:])
        yield octets


def _bit(random: Random, octets: bytes, other: bytes) -> bytes:
    at = random.randrange(len(octets) or 1)
    turned = bytes(octet ^ 1 << random.randrange(8) for octet in octets[at : at + 1])
    return octets[:at] + turned + octets[at + 1 :]


def _early_bit(random: Random, octets: bytes, other: bytes) -> bytes:
    cut = min(len(octets), 24)
    return _bit(random, octets[:cut], other) + octets[cut:]


def _word(random: Random, octets: bytes, other: bytes) -> bytes:
    at = random.randrange(len(octets) or 1)
    return octets[:at] + random.choice(WORDS).to_bytes(2, "big") + octets[at + 2 :]


def _near(random: Random, octets: bytes, other: bytes) -> bytes:
    at = random.randrange(len(octets) or 1)
    word = int.from_bytes(octets[at : at + 2], "big") + random.choice((-2, -1, 1, 2))
    return octets[:at] + (word % 65536).to_bytes(2, "big") + octets[at + 2 :]


def _cut(random: Random, octets: bytes, other: bytes) -> bytes:
    return octets[: random.randrange(len(octets) + 1)]


def _longer(random: Random, octets: bytes, other: bytes) -> bytes:
    return octets + random.randbytes(random.randrange(1, 9))


def _without(random: Random, octets: bytes, other: bytes) -> bytes:
    at = random.randrange(len(octets) + 1)
    return octets[:at] + octets[at + random.randrange(1, 9) :]


def _inserted(random: Random, octets: bytes, other: bytes) -> bytes:
    at = random.randrange(len(octets) + 1)
    return octets[:at] + random.randbytes(random.randrange(1, 9)) + octets[at:]


def _spliced(random: Random, octets: bytes, other: bytes) -> bytes:
    at = random.randrange(min(len(octets), len(other)) + 1)
    return octets[:at] + other[at:]


def _noise(random: Random, octets: bytes, other: bytes) -> bytes:
    return random.randbytes(random.randrange(160))


CHANGES: Final[list[Callable[[Random, bytes, bytes], bytes]]] = [
    *(_bit, _early_bit, _word, _near, _cut, _longer, _without, _inserted, _spliced, _noise),
    *(_early_bit, _word, _near, _bit),
]
"""What a mutation does; those that keep the length stand twice, for they reach deepest."""
