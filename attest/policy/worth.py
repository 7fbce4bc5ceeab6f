"""Which PCRs are worth a golden value, and which only a rule: said of each one that is left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct

from attest.policy.initial import is_constant, is_initial
from attest.policy.model import PcrRule, RuleKind
from attest.tpm.constants import BANKS, PCR_COUNT, Alg, alg_name

Pcr = tuple[int, int]
"""A bank's algorithm, and the number of a PCR."""

IMA = 10
"""PCR that grows while a machine runs (Linux IMA), so that it is never one constant."""

RESETTABLE = (16, 23)
"""PCRs that software may reset at any time (PC Client Platform TPM Profile, table of PCRs)."""

_BANK = re.compile(r"([a-z0-9_]+):([0-9]{1,2}(?:,[0-9]{1,2})*)")


class LeftOut(Struct, frozen=True):
    """A PCR that no golden value is proposed for.

    Attributes:
        pcr: The PCR.
        reason: Why.
    """

    pcr: Pcr
    reason: str

    def __str__(self) -> str:
        """Write it as tpm2-tools spell PCRs."""
        return f"{spelled(self.pcr)}: {self.reason}"


def spelled(pcr: Pcr) -> str:
    """Write a PCR as tpm2-tools do: ``sha256:7``."""
    return f"{alg_name(pcr[0])}:{pcr[1]}"


def read_selection(text: str) -> frozenset[Pcr]:
    """Read PCRs as tpm2-tools spell them: ``sha256:0,7+sha384:0``.

    Raises:
        ValueError: A bank or a PCR that there is not, PCR 10, or another spelling.
    """
    chosen: set[Pcr] = set()
    for part in text.split("+"):
        match = _BANK.fullmatch(part)
        if match is None or match[1] not in BANKS:
            raise ValueError(f"{part!r}: expected a selection such as sha256:0,7+sha384:0")
        for number in match[2].split(","):
            index = int(number)
            if str(index) != number or index >= PCR_COUNT:
                raise ValueError(f"{part!r}: expected PCRs from 0 to 23")
            if index == IMA:
                raise ValueError(f"{part!r}: PCR 10 grows, and is never one golden value")
            chosen.add((BANKS[match[1]], index))
    return frozenset(chosen)


def why_left_out(pcr: Pcr, values: Collection[bytes], banks: Collection[int]) -> str | None:
    """Say why a PCR gets no golden value; None where it is worth one.

    Args:
        pcr: The PCR.
        values: What was seen in it, each value once.
        banks: Banks that hold this PCR too.
    """
    bank, index = pcr
    if index == IMA:
        return "grows while a machine runs"
    if index in RESETTABLE:
        return "software can reset it at any time"
    if all(is_initial(index, value) or is_constant(value) for value in values):
        return "nothing was ever measured into it"
    if bank == Alg.SHA1 and any(other != Alg.SHA1 for other in banks):
        return "collisions of SHA-1 can be made, and another bank has it"
    return None


def growing_rules(seen: Mapping[Pcr, Iterable[bytes]]) -> tuple[PcrRule, ...]:
    """Propose ``extended`` for PCR 10 of each bank in which it always was."""
    rules = []
    for (bank, index), values in seen.items():
        rule = PcrRule(Alg(bank), index, RuleKind.EXTENDED)
        if index == IMA and all(map(rule.allows, values)):
            rules.append(rule)
    return tuple(rules)
