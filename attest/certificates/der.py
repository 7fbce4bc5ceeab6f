"""One DER certificate, cut out of octets that may end in the padding of an NVRAM index."""

from __future__ import annotations

from attest.certificates.model import MAX_CERTIFICATE_OCTETS, ChainError, ChainFault

_SEQUENCE = 0x30
_LONG_FORM = 0x80
_MOST_LENGTH_OCTETS = 3
_SHORTEST = 2


def certificate_octets(octets: bytes, place: str) -> bytes:
    """Cut one certificate out of what was read, without padding.

    TPMs keep certificates in NVRAM indices of fixed size: what follows the certificate there is all
    zero or all FF, and is no part of it.

    Raises:
        ChainError: TOO_LARGE, or MALFORMED where the octets are no DER SEQUENCE, cut off, or
            followed by anything but padding.
    """
    if len(octets) > MAX_CERTIFICATE_OCTETS:
        fault = f"{len(octets)} octets exceed {MAX_CERTIFICATE_OCTETS}"
        raise ChainError(place, ChainFault.TOO_LARGE, fault)
    end = _end(octets)
    if end is None:
        raise ChainError(place, ChainFault.MALFORMED, "is no DER certificate")
    if end > len(octets):
        fault = f"cut off: {len(octets)} octets, its length says {end}"
        raise ChainError(place, ChainFault.MALFORMED, fault)
    rest = octets[end:]
    if rest.strip(b"\x00") and rest.strip(b"\xff"):
        fault = f"{len(rest)} trailing octets that are no padding"
        raise ChainError(place, ChainFault.MALFORMED, fault)
    return octets[:end]


def _end(octets: bytes) -> int | None:
    """Read where the outer SEQUENCE ends, or None where there is none of definite length."""
    if len(octets) < _SHORTEST or octets[0] != _SEQUENCE:
        return None
    first = octets[1]
    if first < _LONG_FORM:
        return _SHORTEST + first
    count = first - _LONG_FORM
    length = octets[_SHORTEST : _SHORTEST + count]
    if not 0 < count <= _MOST_LENGTH_OCTETS or len(length) < count:
        return None
    return _SHORTEST + count + int.from_bytes(length, "big")
