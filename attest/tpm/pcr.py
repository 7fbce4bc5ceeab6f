"""TPML_PCR_SELECTION: which PCRs a quote covers, in the order in which it digests them."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct as Layout

from msgspec import Struct

from attest.tpm.constants import alg_name
from attest.tpm.reader import Reader

MAX_BANKS = 16
"""HASH_COUNT of the reference implementation: more selections than hashes cannot be."""

MAX_SELECT_SIZE = 4
"""PCR_SELECT_MAX: octets of a PCR bitmap."""

_COUNT = Layout(">I")
_SELECTION = Layout(">HB")
_SELECTION_OF_24 = Layout(">HB3s")
SELECTION_OCTETS = _SELECTION_OF_24.size
"""Octets of a selection from the 24 PCRs of a PC Client: hash, size and bitmap."""


class TpmsPcrSelection(Struct, frozen=True, gc=False, cache_hash=True):
    """TPMS_PCR_SELECTION (TPM 2.0 Library Part 2, 10.6.2): the PCRs chosen from one bank.

    Attributes:
        hash: Algorithm of the bank; a bare number where the specification names none.
        indices: PCR numbers, ascending, 0 to 31.
        bank: Name of the bank, as tpm2-tools spells it.
    """

    hash: int
    indices: tuple[int, ...]
    bank: str


@lru_cache(maxsize=256)
def selection_of(bank: int, bitmap: bytes) -> TpmsPcrSelection:
    """Return the selection of a bitmap: bit 0 of octet 0 is PCR 0."""
    bits = int.from_bytes(bitmap, "little")
    indices = tuple(index for index in range(8 * len(bitmap)) if bits >> index & 1)
    return TpmsPcrSelection(bank, indices, alg_name(bank))


@lru_cache(maxsize=256)
def selections_of_24(octets: bytes) -> tuple[TpmsPcrSelection, ...] | None:
    """Read TPMS_PCR_SELECTIONs of 24 PCRs each; None where one has a bitmap of another size."""
    selections = []
    for bank, size, bitmap in _SELECTION_OF_24.iter_unpack(octets):
        if size != len(bitmap):
            return None
        selections.append(selection_of(bank, bitmap))
    return tuple(selections)


def read_selection(reader: Reader) -> tuple[TpmsPcrSelection, ...]:
    """Take a TPML_PCR_SELECTION (TPM 2.0 Library Part 2, 10.9.7).

    Raises:
        MalformedError: More than 16 banks, a bitmap of other than 1 to 4 octets, a short buffer.
    """
    (count,) = reader.unpack(_COUNT, "pcrSelect.count")
    if count > MAX_BANKS:
        reader.fail("pcrSelect.count", f"{count} exceeds {MAX_BANKS}", back=4)
    selections = []
    for position in range(count):
        bank, size = reader.unpack(_SELECTION, "pcrSelect")
        if not 1 <= size <= MAX_SELECT_SIZE:
            place = f"pcrSelect[{position}].sizeofSelect"
            reader.fail(place, f"{size} is not in 1..{MAX_SELECT_SIZE}", back=1)
        selections.append(selection_of(bank, reader.octets(size, "pcrSelect")))
    return tuple(selections)
