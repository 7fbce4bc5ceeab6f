"""Reference values of other tools: tpm2_pcrread, plain JSON, the tpm_policy of Keylime."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from msgspec import Struct

from attest.errors import PolicyError
from attest.policy.model import PcrRule, RuleKind
from attest.policy.scalars import distinct, octets, one_of
from attest.policy.section import Document, Section, Value, open_section
from attest.policy.worth import IMA, LeftOut, Pcr, growing_rules, spelled, why_left_out
from attest.tpm.constants import BANKS, HASH_SIZES, PCR_COUNT, Alg

Values = dict[Pcr, tuple[bytes, ...]]
"""Golden values of each PCR."""

_INDICES = {str(index): index for index in range(PCR_COUNT)}
_PREFIXED = re.compile("0x(?:[0-9A-Fa-f]{2})+")
_MASK = re.compile("0x[0-9A-Fa-f]{1,6}")
_KEYLIME_BANKS = (Alg.SHA1, Alg.SHA256, Alg.SHA384, Alg.SHA512)


class Imported(Struct, frozen=True):
    """What reference values make.

    Attributes:
        golden: Rules of kind VALUES.
        rules: Rules on PCRs that grow.
        left_out: PCRs that get no golden value, and why.
    """

    golden: tuple[PcrRule, ...]
    rules: tuple[PcrRule, ...]
    left_out: tuple[LeftOut, ...]


def import_values(
    content: bytes,
    path: str,
    form: str,
    *,
    bank: Alg | None = None,
    wanted: frozenset[Pcr] = frozenset(),
) -> Imported:
    """Read reference values.

    A dump (``tpm2_pcrread``, ``json``) holds whatever a machine holds, so PCRs that no golden value
    suits are left out; what Keylime's policy names is what somebody chose, and is kept.

    Args:
        content: Octets of the file.
        path: The file, as errors name it.
        form: One of ``FORMATS``.
        bank: For Keylime's policy, which names no banks: the one to take.
        wanted: PCRs that get golden values; none: all that are worth one.

    Raises:
        PolicyError: The file is not of this form, or has not what is wanted.
    """
    values, left_out = FORMATS[form](content, path, bank)
    kept: Values = {}
    for pcr, seen in sorted(values.items()):
        banks = [other for other, index in values if index == pcr[1]]
        reason = None if form == "keylime" else why_left_out(pcr, seen, banks)
        if wanted:
            reason = None if pcr in wanted else reason or "was not asked for"
        if reason is None:
            kept[pcr] = seen
        else:
            left_out.append(LeftOut(pcr, reason))
    missing = sorted(wanted - kept.keys())
    if missing:
        raise PolicyError(path, f"{spelled(missing[0])}: is not in the file")
    if not kept:
        said = "; ".join(map(str, left_out))
        raise PolicyError(path, f"no PCR is worth a golden value: {said}")
    golden = tuple(
        PcrRule(Alg(alg), index, RuleKind.VALUES, seen) for (alg, index), seen in kept.items()
    )
    return Imported(golden, growing_rules(values), tuple(left_out))


def _pcrread(content: bytes, path: str, bank: Alg | None) -> tuple[Values, list[LeftOut]]:
    """Read what ``tpm2_pcrread`` prints; a bank that is not allocated is there without PCRs."""
    _no_bank(path, bank)
    return _banks(open_section(content, Document(path)), _prefixed, empty=True), []


def _plain_json(content: bytes, path: str, bank: Alg | None) -> tuple[Values, list[LeftOut]]:
    """Read ``{"sha256": {"0": "<hex>"}}``, the shape of ``pcr_values``; lists are alternatives."""
    _no_bank(path, bank)
    return _banks(_json_section(content, path), _hex, empty=False), []


def _keylime(content: bytes, path: str, bank: Alg | None) -> tuple[Values, list[LeftOut]]:
    """Read Keylime's tpm_policy: values by PCR, of any bank by their length, and a mask."""
    section = _json_section(content, path)
    mask = section.given("mask", _mask, None)
    values: Values = {}
    for number, wanted in section.entries():
        index = _index(section, number)
        if index == IMA:
            raise section.key_error(number, "PCR 10 grows, and is never one golden value")
        if mask is not None and not mask >> index & 1:
            raise section.key_error(number, "is not in the mask")
        taken, chosen = _of_one_bank(wanted, bank)
        values[taken, index] = chosen
    banks = {alg for alg, _ in values}
    if not banks:
        raise PolicyError(path, "holds no PCR")
    if len(banks) > 1:
        raise PolicyError(path, "values of several banks: --bank names the one to take")
    named = {index for _, index in values}
    unnamed = [index for index in range(PCR_COUNT) if (mask or 0) >> index & 1]
    (alg,) = banks
    reason = "stands in Keylime's mask without a value"
    return values, [LeftOut((alg, index), reason) for index in unnamed if index not in named]


FORMATS: dict[str, Callable[[bytes, str, Alg | None], tuple[Values, list[LeftOut]]]] = {
    "tpm2_pcrread": _pcrread,
    "json": _plain_json,
    "keylime": _keylime,
}
"""What can be imported, by name."""


def _no_bank(path: str, bank: Alg | None) -> None:
    if bank is not None:
        raise PolicyError(path, "names its banks itself: --bank is for Keylime's policy alone")


def _json_section(content: bytes, path: str) -> Section:
    """Read strict JSON up to the cursor over its object, with the places that YAML gives."""
    try:
        json.loads(content)
    except (ValueError, RecursionError) as error:
        raise PolicyError(path, f"is no JSON: {error}") from error
    return open_section(content, Document(path))


def _banks(
    section: Section, read: Callable[[Value, int], tuple[bytes, ...]], *, empty: bool
) -> Values:
    """Read a mapping of banks to mappings of PCRs."""
    values: Values = {}
    for name, content in section.entries():
        if name not in BANKS:
            raise section.key_error(name, f"unknown bank, expected {one_of(BANKS)}")
        if empty and content.plain and not content.text:
            continue
        pcrs = content.section()
        for number, wanted in pcrs.entries():
            index, alg = _index(pcrs, number), BANKS[name]
            values[alg, index] = read(wanted, HASH_SIZES[alg])
    if not values:
        raise section.missing("sha256", "no bank holds a PCR")
    return values


def _index(section: Section, number: str) -> int:
    if number not in _INDICES:
        raise section.key_error(number, "expected a PCR from 0 to 23 in plain decimals")
    return _INDICES[number]


def _prefixed(value: Value, size: int) -> tuple[bytes, ...]:
    """Read a value as ``tpm2_pcrread`` prints it: ``0x`` and digits, without quotes."""
    text = value.text
    if not value.plain or not _PREFIXED.fullmatch(text) or len(text) != 2 + 2 * size:
        raise value.error(f"expected 0x and {2 * size} hex digits, not quoted")
    return (bytes.fromhex(text[2:]),)


def _hex(value: Value, size: int) -> tuple[bytes, ...]:
    if value.is_list:
        return distinct(value, lambda item: octets(item, size))
    return (octets(value, size),)


def _mask(value: Value) -> int:
    if not _MASK.fullmatch(value.text):
        raise value.error("expected a mask of 24 bits such as 0x408000")
    return int(value.text, 16)


def _of_one_bank(value: Value, bank: Alg | None) -> tuple[Alg, tuple[bytes, ...]]:
    """Read the values of a PCR that are of one bank."""
    items = value.items() if value.is_list else (value,)
    by_size = {HASH_SIZES[alg]: alg for alg in _KEYLIME_BANKS}
    found: dict[Alg, list[bytes]] = {}
    for item in items:
        size = len(item.text) // 2
        if size not in by_size:
            raise item.error(f"expected a digest of {one_of(tuple(map(str, by_size)))} octets")
        alg = bank if bank is not None and HASH_SIZES[bank] == size else by_size[size]
        found.setdefault(alg, []).append(octets(item, size))
    if bank is not None:
        found = {alg: values for alg, values in found.items() if alg is bank}
    if len(found) != 1:
        fault = "values of several banks: --bank names the one to take"
        raise value.error(fault if found else "no value of this bank")
    ((alg, values),) = found.items()
    return alg, _once(values)


def _once(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """Keep each value once: Keylime's lists may repeat themselves."""
    return tuple(dict.fromkeys(values))
