"""Mutations that keep the shape of an input: within base64 members, JSON members, YAML lines."""

from __future__ import annotations

import base64
import copy
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from random import Random
from typing import Any

from fuzz.seeds import STRUCTURES

Octets = Callable[[bytes, int], bytes]
"""Mutates octets, up to a most: libFuzzer's own mutation."""

Mutate = Callable[[bytes, int, int], bytes]
"""Mutates an input: octets, most octets, seed."""

_PLAIN_SHARE = 0.1
_TEXT_SHARE = 0.15
_OCTETS_SHARE = 0.5
_LINES_SHARE = 0.6
_WITHIN_SHARE = 0.7
_MORE = (1, 1, 1, 2, 3)
"""How many changes one mutation makes."""

_MEMBERS = (
    *STRUCTURES,
    *("is_available", "pcr_banks", "pcr_values", "event_log_b64", "ima_log_b64", "endorsement"),
    *("ak_pubkey_b64", "certify_b64", "certify_signature_b64", "aik_cert_chain_b64"),
    *("payload_id", "security_tier", "processed_at", "tpm_attestation", "_metadata"),
    *("sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "0", "7", "10"),
    *("23", "24", "07", " 7", "+7", "\u0667", "999999999", ""),
)
_VALUES: tuple[object, ...] = (
    *(None, True, False, 0, 1, -1, 1.0, -0.0, 1e300, 2**53 + 1, 2**63, 2**64, 10**30, "", "0"),
    *("maximum", "Maximum", "standard", "AAAA", "AA==", "AB==", "\0", "\u202e", "\ud800", "\uffff"),
    *([], {}, [[]], [{}], {"": None}, ["AAAA"] * 17, "A" * 64, "0" * 64, "f" * 64),
)
_NUMBERS = (b"0", b"-0", b"1.0", b"1e0", b"1E400", b"NaN", b"-Infinity", b"01", b"9" * 25)
_NOISE = (
    b" ",
    b"\t\r\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xed\xa0\x80",
    b"\0",
    b",",
    b"]",
    b"}",
    b"//",
)


class ResponseMutator:
    """Changes a response where it means something."""

    def __init__(self, octets: Octets, donors: Sequence[bytes]) -> None:
        """Take the mutation of plain octets, and responses to graft members from."""
        self._octets = octets
        self._donors = [donor for octets in donors if (donor := _document(octets)) is not None]

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        """Mutate a response; what is no JSON object, or grows too long, is mutated as octets."""
        rng = Random(seed)
        document = _document(data)
        if document is None or rng.random() < _PLAIN_SHARE:
            return self._octets(data, most)
        document = copy.deepcopy(document)
        changes = (
            self._structure,
            self._structure,
            self._graft,
            self._text,
            _change_value,
            _change_banks,
        )
        for _ in range(rng.choice(_MORE)):
            rng.choice(changes)(document, rng)
        spaced = rng.random() < _PLAIN_SHARE
        text = json.dumps(document, indent=1 if spaced else None, ensure_ascii=spaced)
        written = text.encode("utf-8", "surrogatepass")
        if rng.random() < _TEXT_SHARE:
            written = _change_text(written, rng)
        return written if len(written) <= most else self._octets(data, most)

    def _structure(self, document: dict[str, Any], rng: Random) -> None:
        """Mutate the octets within one base64 member."""
        member, name = _attestation(document), rng.choice(STRUCTURES)
        try:
            octets = base64.b64decode(member[name])
        except (LookupError, TypeError, ValueError):
            return
        if rng.random() < _OCTETS_SHARE:
            changed = self._octets(octets, 2 * len(octets) + 8)
        else:
            changed = _change_octets(octets, rng)
        member[name] = base64.b64encode(changed).decode()

    def _graft(self, document: dict[str, Any], rng: Random) -> None:
        """Take one member, or all evidence, from another response."""
        donor = rng.choice(self._donors)
        ours, theirs = _attestation(document), _attestation(donor)
        metadata = donor.get("_metadata")
        if isinstance(metadata, dict) and rng.random() < _TEXT_SHARE:
            document["_metadata"] = copy.deepcopy(metadata)
        elif theirs:
            name = rng.choice(list(theirs))
            ours[name] = copy.deepcopy(theirs[name])

    def _text(self, document: dict[str, Any], rng: Random) -> None:
        """Mutate the characters of one string."""
        places = [(where, key) for where, key in _places(document) if type(where[key]) is str]
        if not places:
            return
        where, key = rng.choice(places)
        octets = where[key].encode("utf-8", "surrogatepass")
        where[key] = self._octets(octets, len(octets) + 16).decode("utf-8", "replace")


class AppraisalMutator:
    """Changes a response behind the octet that chooses its case, and seldom that octet."""

    def __init__(self, response: ResponseMutator) -> None:
        """Take what mutates the response."""
        self._response = response

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        """Mutate case or response."""
        rng = Random(seed)
        case = data[:1] if rng.random() > _PLAIN_SHARE and data else rng.randbytes(1)
        return case + self._response(data[1:], most - 1, seed)


class PolicyMutator:
    """Changes a policy line by line, or as octets."""

    def __init__(self, octets: Octets, donors: Sequence[bytes]) -> None:
        """Take the mutation of plain octets, and policies to take lines from."""
        self._octets = octets
        self._donors = [donor.splitlines(keepends=True) for donor in donors]

    def __call__(self, data: bytes, most: int, seed: int) -> bytes:
        """Mutate a policy."""
        rng = Random(seed)
        lines = data.splitlines(keepends=True)
        if not lines or rng.random() > _LINES_SHARE:
            return self._octets(data, most)
        for _ in range(rng.choice(_MORE)):
            _change_lines(lines, rng.choice(self._donors), rng)
        written = b"".join(lines)
        return written if len(written) <= most else self._octets(data, most)


@lru_cache(maxsize=64)
def _document(octets: bytes) -> dict[str, Any] | None:
    """Read a response; the same seed is mutated many times in a row."""
    try:
        document = json.loads(octets)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _attestation(document: dict[str, Any]) -> dict[str, Any]:
    """Return ``tpm_attestation``, or an empty mapping where there is none."""
    metadata = document.get("_metadata")
    member = metadata.get("tpm_attestation") if isinstance(metadata, dict) else None
    return member if isinstance(member, dict) else {}


def _places(document: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Return container and key of every value."""
    found: list[tuple[Any, Any]] = []
    waiting: list[Any] = [document]
    while waiting:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                waiting.append(container[key])
    return found


def _change_value(document: dict[str, Any], rng: Random) -> None:
    """Replace, drop, rename, add or deepen one value, most often within the evidence."""
    around = _attestation(document) if rng.random() < _WITHIN_SHARE else document
    places = _places(around)
    if not places:
        return
    where, key = rng.choice(places)
    match rng.randrange(5):
        case 0:
            where[key] = copy.deepcopy(rng.choice(_VALUES))
        case 1:
            del where[key]
        case 2 if isinstance(where, dict):
            where[rng.choice(_MEMBERS)] = where.pop(key)
        case 3 if isinstance(where, dict):
            where[rng.choice(_MEMBERS)] = copy.deepcopy(rng.choice(_VALUES))
        case _:
            value = where[key]
            for _ in range(rng.choice((1, 2, 57, 64))):
                value = [value]
            where[key] = value


def _change_banks(document: dict[str, Any], rng: Random) -> None:
    """Add an index to ``pcr_banks``, most often one that is there."""
    member = _attestation(document)
    text = member.get("pcr_banks")
    if isinstance(text, str):
        items = text.split(",")
        items.insert(rng.randrange(len(items) + 1), rng.choice((*items, "0", "24", "")))
        member["pcr_banks"] = ",".join(items)


def _change_octets(octets: bytes, rng: Random) -> bytes:
    """Set a field to a value at its bounds, flip a bit, cut, insert or double."""
    changed = bytearray(octets)
    at = rng.randrange(len(changed) + 1)
    size = rng.choice((1, 2, 4))
    match rng.randrange(5):
        case 0 if changed:
            changed[at % len(changed)] ^= 1 << rng.randrange(8)
        case 1:
            del changed[at : at + size]
        case 2:
            changed[at:at] = rng.randbytes(size)
        case 3:
            changed[at:at] = octets[at : at + rng.randrange(40)]
        case _:
            bound = rng.choice((0, 1, 4, 16, 17, 64, 65, 66, 68, 69, 255, 0x8018, 0xFFFF))
            changed[at : at + size] = bound.to_bytes(4, "big")[-size:]
    return bytes(changed)


def _change_text(written: bytes, rng: Random) -> bytes:
    """Change what is JSON: doubled members, escapes, odd numbers, noise."""
    at = rng.randrange(len(written) + 1)
    match rng.randrange(4):
        case 0:
            brace = written.find(b"{", at)
            name = json.dumps(rng.choice(_MEMBERS)).encode()
            value = json.dumps(rng.choice(_VALUES)).encode()
            member = name + b":" + value + b"," + rng.choice((b"", b'"":"\\u003a",'))
            return written[: brace + 1] + member + written[brace + 1 :] if brace >= 0 else written
        case 1 if written[at : at + 1].isalnum() or written[at : at + 1] == b":":
            return written[:at] + b"\\u00%02x" % written[at] + written[at + 1 :]
        case 2:
            return written.replace(rng.choice((b"0", b"1", b"true")), rng.choice(_NUMBERS), 1)
        case _:
            return written[:at] + rng.choice(_NOISE) + written[at:]


def _change_lines(lines: list[bytes], donor: Sequence[bytes], rng: Random) -> None:
    """Drop, double, move, indent or graft one line."""
    at = rng.randrange(len(lines) + 1)
    match rng.randrange(5):
        case 0:
            del lines[at : at + 1]
        case 1:
            lines[at:at] = lines[at : at + rng.randrange(1, 4)]
        case 2:
            lines[at:at] = [rng.choice((b"  ", b"- ", b"    ")) + b"".join(lines[at : at + 1])]
        case 3 if donor:
            start = rng.randrange(len(donor))
            lines[at:at] = donor[start : start + rng.randrange(1, 4)]
        case _:
            rng.shuffle(lines)
