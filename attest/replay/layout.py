"""PCR values as JSON text: the layout of a selection is found once, and then only filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter

from msgspec import Struct

from attest.tpm.constants import alg_name

IMA_PCR = 10
"""The PCR that grows while a machine runs (IMA): it changes from quote to quote."""

_LAYOUTS = 1024


class Pcrs(Struct, frozen=True, gc=False):
    """PCR values of one quote, each None where there are none.

    Attributes:
        values: JSON of all values by bank and PCR, in RFC 8785 form.
        platform: The same without PCR 10.
        selection: Which PCRs were quoted, as tpm2-tools spell it: ``sha1:0,7+sha256:10``.
    """

    values: str | None
    platform: str | None
    selection: str | None


NO_PCRS = Pcrs(None, None, None)


class _Layout(Struct, frozen=True, gc=False):
    """Where the values of one selection go.

    Attributes:
        values: Template of the JSON of all values, with ``%s`` for each.
        order: Places of the template's values among those of the quote.
        platform: The same for all but PCR 10.
        platform_order: The same.
        selection: The selection as text.
    """

    values: str
    order: Callable[[list[str]], tuple[str, ...]]
    platform: str
    platform_order: Callable[[list[str]], tuple[str, ...]]
    selection: str


def write_pcrs(pcrs: Mapping[int, Mapping[int, bytes]]) -> Pcrs:
    """Write the PCR values under a signed selection; a value that was at fault is null."""
    layout = _layout(tuple([(bank, tuple(values)) for bank, values in pcrs.items()]))
    digits = [octets.hex() for bank in pcrs.values() for octets in bank.values()]
    values = layout.values % layout.order(digits)
    platform = layout.platform % layout.platform_order(digits)
    if "" in digits:
        return Pcrs(_nulls(values), _nulls(platform), layout.selection)
    return Pcrs(values, platform, layout.selection)


def _nulls(text: str) -> str:
    """Write null where there is no value."""
    return text.replace(':""', ":null")


@lru_cache(_LAYOUTS)
def _layout(chosen: tuple[tuple[int, tuple[int, ...]], ...]) -> _Layout:
    """Find the layout of banks with their PCRs."""
    places = [(alg_name(bank), index) for bank, indices in chosen for index in indices]
    order = sorted(range(len(places)), key=lambda place: (places[place][0], str(places[place][1])))
    without = [place for place in order if places[place][1] != IMA_PCR]
    banks = sorted({alg_name(bank) for bank, _ in chosen})
    by_bank = {bank: sorted(index for name, index in places if name == bank) for bank in banks}
    return _Layout(
        _template(banks, [places[place] for place in order]),
        _picker(order),
        _template(banks, [places[place] for place in without]),
        _picker(without),
        "+".join(f"{bank}:{','.join(map(str, indices))}" for bank, indices in by_bank.items()),
    )


def _picker(order: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    """Return what picks values by their places, always as a tuple."""
    if len(order) > 1:
        return itemgetter(*order)
    return lambda digits: tuple(digits[place] for place in order)


def _template(banks: list[str], places: list[tuple[str, int]]) -> str:
    """Write the JSON of banks with their PCRs, with ``%s`` for each value."""
    written = []
    for bank in banks:
        members = ",".join(f'"{index}":"%s"' for name, index in places if name == bank)
        written.append(f'"{bank}":{{{members}}}')
    return f"{{{','.join(written)}}}"
