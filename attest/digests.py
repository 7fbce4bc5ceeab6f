"""SHA-256 as results and records name things by it; of evidence, over its RFC 8785 form."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

_EMPTY = hashlib.sha256()
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_MOST_LEVELS = 4
"""Objects inside each other that are looked through; servers send three."""
_WORDS = frozenset({str, bool, type(None)})


def sha256(octets: bytes | bytearray) -> hashlib._Hash:
    """Hash octets; a copy of an empty hash is made faster than a new one."""
    state = _EMPTY.copy()
    state.update(octets)
    return state


def evidence_sha256(member: Mapping[str, Any] | None) -> str | None:
    """Return SHA-256 over the RFC 8785 form of a ``tpm_attestation`` member, in hex.

    None where there is no member, or where it holds numbers that RFC 8785 cannot write.
    """
    if member is None:
        return None
    if _plain(member, _MOST_LEVELS):
        try:
            octets = _encode_sorted(member)
        except UnicodeEncodeError:  # half of a surrogate pair: the library says what it is
            octets = b"\x80"
        if octets.isascii():
            return sha256(octets).hexdigest()
    import rfc8785  # noqa: PLC0415 - needed for few members, and not at start-up

    try:
        return hashlib.sha256(rfc8785.dumps(dict(member))).hexdigest()
    except rfc8785.CanonicalizationError:
        return None


def _plain(value: object, levels: int) -> bool:
    """Tell whether a value is objects of text, truth values and nulls, and nothing else.

    Where it is ASCII too, msgspec's form with sorted members is the RFC 8785 form, many times
    faster: there are no numbers to write, and UTF-8 and UTF-16 sort the names alike.
    """
    if type(value) is not dict or not levels:
        return False
    for name, one in value.items():
        if type(name) is not str:
            return False
        if type(one) not in _WORDS and not _plain(one, levels - 1):
            return False
    return True
