"""What a PCR holds after start-up, and how to tell that something was measured into it."""

from __future__ import annotations

from attest.tpm.constants import PCR_COUNT

_DRTM = range(17, 23)
"""PCRs that only a dynamic launch can set to zero; until then they are all ones."""

_LOCALITIES = (3, 4)
"""Last octets of PCR 0 after a start-up from locality 3, or with an H-CRTM (locality 4)."""


def is_initial(index: int, value: bytes) -> bool:
    """Tell whether a PCR holds what start-up left there.

    All zero for PCR 0 to 16 and 23, all FF for 17 to 22; for PCR 0 also zeros that end in the
    locality of the start-up, 03 or 04 (TPM 2.0 Library Part 3, 9.3).

    Args:
        index: Number of the PCR.
        value: Its value, as long as a digest of its bank.
    """
    if index in _DRTM:
        return is_all_ones(value)
    if index == 0 and value and value[-1] in _LOCALITIES:
        return is_all_zero(value[:-1])
    return index < PCR_COUNT and is_all_zero(value)


def is_extended(index: int, value: bytes) -> bool:
    """Tell whether something was measured into a PCR: not initial, nor all zero or all FF.

    Args:
        index: Number of the PCR.
        value: Its value, as long as a digest of its bank.
    """
    return not (not value or is_all_zero(value) or is_all_ones(value) or is_initial(index, value))


def is_all_zero(value: bytes) -> bool:
    """Tell whether every octet is 00; no octets are no value."""
    return bool(value) and value.count(0x00) == len(value)


def is_all_ones(value: bytes) -> bool:
    """Tell whether every octet is FF; no octets are no value."""
    return bool(value) and value.count(0xFF) == len(value)
