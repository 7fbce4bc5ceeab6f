"""What a PCR holds after start-up, and how to tell that something was measured into it."""

from __future__ import annotations

from attest.tpm.constants import PCR_COUNT

_DRTM = range(17, 23)
"""PCRs that only a dynamic launch can set to zero; until then they are all ones."""

_LOCALITIES = (3, 4)
"""Last octets of PCR 0 after a start-up from locality 3, or with an H-CRTM (locality 4)."""


def initial_values(index: int, size: int) -> frozenset[bytes]:
    """Return what start-up leaves in a PCR.

    All zero for PCR 0 to 16 and 23, all FF for 17 to 22; for PCR 0 also zeros that end in the
    locality of the start-up, 03 or 04 (TPM 2.0 Library Part 3, 9.3).

    Args:
        index: Number of the PCR, 0 to 23.
        size: Octets of its bank's digests.
    """
    if index in _DRTM:
        return frozenset({b"\xff" * size})
    zeros = {bytes(size)}
    if index == 0:
        zeros |= {bytes(size - 1) + bytes([locality]) for locality in _LOCALITIES}
    return frozenset(zeros)


def unextended_values(index: int, size: int) -> frozenset[bytes]:
    """Return what shows that nothing was measured: the initial values, all zero and all FF.

    Args:
        index: Number of the PCR, 0 to 23.
        size: Octets of its bank's digests.
    """
    return initial_values(index, size) | {bytes(size), b"\xff" * size}


def is_initial(index: int, value: bytes) -> bool:
    """Tell whether a PCR holds what start-up left there; no octets are no value."""
    return bool(value) and index < PCR_COUNT and value in initial_values(index, len(value))


def is_constant(value: bytes) -> bool:
    """Tell whether every octet is 00, or every octet is FF; no octets are no value."""
    return bool(value) and value.count(value[:1]) == len(value) and value[0] in (0x00, 0xFF)
