"""The PCR file of tpm2_quote: selection and values as tpm2-tools holds them in memory."""

import struct
from collections.abc import Sequence
from typing import Final

from tests.aik import ALG
from tests.build import bitmap

Values = Sequence[tuple[str, int, bytes]]
"""Bank, PCR number and value, in the order of the quote."""

BANKS: Final = 16
DIGESTS: Final = 8
DIGEST_OCTETS: Final = 64


def pcr_file(values: Values) -> bytes:
    """TPML_PCR_SELECTION, then the values in lists of eight, all little-endian and padded."""
    banks = list(dict.fromkeys(bank for bank, _, _ in values))
    octets = struct.pack("<I", len(banks))
    for bank in banks:
        chosen = bitmap([index for one, index, _ in values if one == bank], 4)
        octets += struct.pack("<HB4sx", ALG[bank], 3, chosen)
    octets += bytes(8 * (BANKS - len(banks)))
    lists = [values[start : start + DIGESTS] for start in range(0, len(values), DIGESTS)]
    return octets + struct.pack("<I", len(lists)) + b"".join(map(_digests, lists))


def _digests(values: Values) -> bytes:
    octets = struct.pack("<I", len(values))
    for _, _, value in values:
        octets += struct.pack("<H", len(value)) + value.ljust(DIGEST_OCTETS, b"\0")
    return octets + bytes((2 + DIGEST_OCTETS) * (DIGESTS - len(values)))
