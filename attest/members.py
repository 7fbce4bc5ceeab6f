"""Members of a JSON object, taken exactly: typed, bounded before decoding, canonical."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Any

from attest.document import type_name
from attest.errors import MalformedError
from attest.text import shown
from attest.tpm.constants import BANKS, HASH_SIZES

_INDICES = {str(index): index for index in range(32)}
_HEX_DIGITS = {bank: 2 * HASH_SIZES[alg] for bank, alg in BANKS.items()}
_MAX_INDEX_DIGITS = 9

PcrValues = Mapping[str, Mapping[int, bytes]]
"""Reported PCR values by bank and index, as the server names the banks."""


def wrong_type(parent: Mapping[str, Any], member: str, wanted: str) -> str:
    """Say that a member is missing or of another type."""
    if member not in parent:
        return f"{member}: missing"
    return f"{member}: {type_name(parent[member])}, expected {wanted}"


def octets(parent: Mapping[str, Any], name: str, most: int) -> bytes:
    """Take octets in base64: canonical, and not more than ``most``, counted before decoding."""
    text = parent.get(name)
    if type(text) is not str:
        _, _, fault = wrong_type(parent, name, "a string").partition(": ")
        raise MalformedError(name, fault)
    return decoded(name, text, most)


def decoded(place: str, text: str, most: int) -> bytes:
    """Decode canonical base64 (RFC 4648, 4): padded, no foreign character, no stray bit."""
    if len(text) > (most + 2) // 3 * 4:
        raise MalformedError(place, f"{len(text)} characters hold more than {most} octets")
    try:
        data = a2b_base64(text)
    except ValueError:
        data = b""
    if b2a_base64(data, newline=False).decode("ascii") != text:
        raise MalformedError(place, "is not canonical base64")
    if len(data) > most:
        raise MalformedError(place, f"{len(data)} octets exceed {most}")
    return data


def pcr_values(member: Mapping[str, Any], faults: list[str]) -> PcrValues | None:
    """Take the reported PCR values; a value at fault is named, and stands as no octets."""
    banks = member.get("pcr_values")
    if type(banks) is not dict:
        faults.append(wrong_type(member, "pcr_values", "an object"))
        return None
    result: dict[str, dict[int, bytes]] = {}
    for bank, values in banks.items():
        if type(values) is not dict:
            place = f"pcr_values.{shown(bank)}"
            faults.append(f"{place}: {type_name(values)}, expected an object")
            continue
        digits = _HEX_DIGITS.get(bank)
        read: dict[int, bytes] = {}
        for key, text in values.items():
            index = _INDICES.get(key)
            if index is None:
                index = _unusual_index(key)
            value = _hex_octets(text, digits)
            if index is None or not value:
                wanted = f"{digits or 'an even number of'} hex digits"
                fault = f"expected {wanted}" if index is not None else "is no PCR number"
                faults.append(f"pcr_values.{shown(bank)}.{shown(key)}: {fault}")
            if index is not None:
                read[index] = value
        result[bank] = read
    return result


def _unusual_index(key: str) -> int | None:
    """Read a PCR number that no TPM has; None where it is not a canonical decimal."""
    canonical = key.isascii() and key.isdigit() and (key == "0" or not key.startswith("0"))
    return int(key) if canonical and len(key) <= _MAX_INDEX_DIGITS else None


def _hex_octets(text: object, digits: int | None) -> bytes:
    """Decode hex of a known number of digits, or of any; no octets where it is not hex."""
    if type(text) is not str or (digits is not None and len(text) != digits):
        return b""
    try:
        data = bytes.fromhex(text)
    except ValueError:
        return b""
    return data if 2 * len(data) == len(text) else b""
