"""Members of a JSON object, taken exactly: typed, bounded before decoding, canonical."""

from __future__ import annotations

from binascii import a2b_base64, a2b_hex, b2a_base64
from collections.abc import Callable, Mapping, Set
from typing import Any, TypeVar

from attest.document import type_name
from attest.errors import MalformedError
from attest.text import shown
from attest.tpm.constants import BANKS, HASH_SIZES, PCR_COUNT

MAX_STRUCTURE = 64 * 1024
"""Octets of a quote, a signature, a key."""

Parsed = TypeVar("Parsed")

_INDICES = {str(index): index for index in range(32)}
_PCRS = {str(index): index for index in range(PCR_COUNT)}
_BANK_SIZES = {bank: HASH_SIZES[alg] for bank, alg in BANKS.items()}
_MAX_DIGITS = 9
"""Digits of a PCR number; more than any TPM could mean."""
_from_hex = bytes.fromhex
_NO_SIZE = -1
MISSING: Any = object()
"""Stands for a member that an object does not have."""

PcrValues = Mapping[str, Mapping[int, bytes]]
"""Reported PCR values by bank and index, as the server names the banks."""

Selected = Mapping[str, Set[int]]
"""PCR numbers by bank's name."""


def unlike(value: object, wanted: str) -> str:
    """Say that a member is missing, or of another type than wanted."""
    return "missing" if value is MISSING else f"{type_name(value)}, expected {wanted}"


def octets(parent: Mapping[str, Any], name: str, most: int) -> bytes:
    """Take octets in base64; see ``decoded``."""
    return decoded(name, parent.get(name, MISSING), most)


def structure(
    parent: Mapping[str, Any],
    name: str,
    parse: Callable[[bytes], Parsed],
    faults: list[str],
    above: str = "",
) -> Parsed | None:
    """Read one TPM structure in base64, or name the fault.

    Args:
        parent: The object that the member stands in.
        name: The member.
        parse: What reads its octets.
        faults: Takes the fault.
        above: Where the object stands, in front of the member's name: ``endorsement.``.
    """
    place = above + name
    try:
        data = decoded(place, parent.get(name, MISSING), MAX_STRUCTURE)
    except MalformedError as error:
        faults.append(str(error))
        return None
    try:
        return parse(data)
    except MalformedError as error:
        faults.append(f"{place}: {error}")
        return None


def decoded(place: str, text: object, most: int) -> bytes:
    """Decode canonical base64 (RFC 4648, 4): padded, no foreign character, no stray bit.

    Raises:
        MalformedError: No text, no canonical base64, or more than ``most`` octets, which are
            counted before decoding.
    """
    if type(text) is not str:
        raise MalformedError(place, unlike(text, "a string"))
    if 3 * len(text) > 4 * most + 8:
        raise MalformedError(place, f"{len(text)} characters hold more than {most} octets")
    try:
        data = a2b_base64(text)
    except ValueError:
        data = b""
    if b2a_base64(data, newline=False) != text.encode():
        raise MalformedError(place, "is not canonical base64")
    if len(data) > most:
        raise MalformedError(place, f"{len(data)} octets exceed {most}")
    return data


def pcr_values(member: Mapping[str, Any], faults: list[str]) -> PcrValues | None:
    """Take the reported PCR values; a value at fault is named, and stands as no octets."""
    banks = member.get("pcr_values", MISSING)
    if type(banks) is not dict:
        faults.append(f"pcr_values: {unlike(banks, 'an object')}")
        return None
    result: dict[str, dict[int, bytes]] = {}
    for bank, values in banks.items():
        if type(values) is not dict:
            faults.append(f"pcr_values.{shown(bank)}: {unlike(values, 'an object')}")
            continue
        size = _BANK_SIZES.get(bank, _NO_SIZE)
        read = _read_at_once(values, size)
        if len(read) < len(values):
            read = _read_one_by_one(bank, values, faults)
        result[bank] = read
    return result


def _read_at_once(values: Mapping[str, Any], size: int) -> dict[int, bytes]:
    """Take the values of a bank, or fewer than there are where any is at fault."""
    read: dict[int, bytes] = {}
    try:
        for index, text in values.items():
            value = a2b_hex(text)
            if len(value) == size:
                read[_INDICES[index]] = value
    except (KeyError, TypeError, ValueError):
        return {}
    return read


def _read_one_by_one(bank: str, values: Mapping[str, Any], faults: list[str]) -> dict[int, bytes]:
    """Take the values of a bank in which one is at fault, or which no TPM has."""
    size = _BANK_SIZES.get(bank)
    wanted = "hex" if size is None else f"{2 * size} hex digits"
    read: dict[int, bytes] = {}
    for key, text in values.items():
        place = f"pcr_values.{shown(bank)}.{shown(key)}"
        index = _INDICES.get(key)
        if index is None:
            index = _unusual_index(key)
        if index is None:
            faults.append(f"{place}: is no PCR number")
            continue
        value = _hex_octets(text)
        if not value or len(value) != (size or len(value)):
            faults.append(f"{place}: expected {wanted}")
            value = b""
        read[index] = value
    return read


def _unusual_index(key: str) -> int | None:
    """Read a PCR number that no TPM has; None where it is not a canonical decimal."""
    canonical = key.isascii() and key.isdigit() and not key.startswith("0")
    return int(key) if canonical and len(key) <= _MAX_DIGITS else None


def _hex_octets(text: object) -> bytes:
    """Decode hex without spaces or prefix; no octets where it is none."""
    if type(text) is not str:
        return b""
    try:
        data = _from_hex(text)
    except ValueError:
        return b""
    return data if 2 * len(data) == len(text) else b""


def parsed_banks(text: str) -> Selected | None:
    """Read a selection of bounded length, in tpm2-tools' spelling: ``sha256:0,7+sha1:10``.

    Returns:
        Indices by bank; None where anything is repeated, unknown, empty or spaced.
    """
    banks: dict[str, frozenset[int]] = {}
    for item in text.split("+"):
        bank, _, listed = item.partition(":")
        indices = [_PCRS.get(index, -1) for index in listed.split(",")]
        if bank not in BANKS or bank in banks or -1 in indices:
            return None
        banks[bank] = frozenset(indices)
        if len(banks[bank]) < len(indices):
            return None
    return banks
