"""The parts ``pcrs`` and ``baselines`` of a policy: what PCRs have to hold."""

from __future__ import annotations

import re
from collections.abc import Callable

from attest.policy.model import ALWAYS, Baseline, PcrRule, RuleKind
from attest.policy.provenance import read_provenance
from attest.policy.scalars import distinct, matching, octets, one_of, text, validity
from attest.policy.section import Value
from attest.tpm.constants import BANKS, HASH_SIZES, PCR_COUNT, Alg

_NAME = re.compile("[A-Za-z0-9._-]+")
_INDICES = {str(index): index for index in range(PCR_COUNT)}
_WORDS = {str(kind): kind for kind in (RuleKind.EXTENDED, RuleKind.INITIAL, RuleKind.ANY)}
_OR_WORD = f", {one_of(_WORDS)}"

Read = Callable[[Value, Alg, int], PcrRule]


def read_rules(value: Value) -> tuple[PcrRule, ...]:
    """Read ``pcrs``: golden values or words, by bank and PCR in the order of the file."""
    return _banks(value, _rule)


def read_baselines(value: Value) -> tuple[Baseline, ...]:
    """Read ``baselines``, no name twice."""
    baselines: dict[str, Baseline] = {}
    for item in value.items():
        section = item.section()
        name = section.need("name")
        baseline = Baseline(
            name=matching(name, _NAME),
            golden=_banks(section.need("pcrs"), _golden),
            valid=section.given("valid", validity, ALWAYS),
            revoked=section.given("revoked", text, None),
            provenance=section.given("provenance", read_provenance, None),
        )
        section.finish()
        if baseline.name in baselines:
            raise name.error("another baseline has this name")
        baselines[baseline.name] = baseline
    return tuple(baselines.values())


def _banks(value: Value, read: Read) -> tuple[PcrRule, ...]:
    """Read a mapping of banks to mappings of PCRs."""
    rules = []
    banks = value.section()
    for name, content in banks.entries():
        if name not in BANKS:
            raise banks.key_error(name, f"unknown bank, expected {one_of(BANKS)}")
        pcrs = content.section()
        for number, wanted in pcrs.entries():
            if number not in _INDICES:
                raise pcrs.key_error(number, "expected a PCR from 0 to 23 in plain decimals")
            rules.append(read(wanted, BANKS[name], _INDICES[number]))
        pcrs.finish()
    banks.finish()
    return tuple(rules)


def _rule(value: Value, bank: Alg, index: int) -> PcrRule:
    """Read a rule of ``pcrs``: a word, or golden values."""
    if value.is_list:
        return _golden(value, bank, index)
    if value.text in _WORDS:
        return PcrRule(bank, index, _WORDS[value.text])
    return PcrRule(bank, index, RuleKind.VALUES, (octets(value, HASH_SIZES[bank], _OR_WORD),))


def _golden(value: Value, bank: Alg, index: int) -> PcrRule:
    """Read one golden value, or a list of those that are allowed."""

    def digest(item: Value) -> bytes:
        return octets(item, HASH_SIZES[bank])

    values = distinct(value, digest) if value.is_list else (digest(value),)
    return PcrRule(bank, index, RuleKind.VALUES, values)
