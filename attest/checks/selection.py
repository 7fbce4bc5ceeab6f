"""``quote.selection``: signed selection, reported values and reported selection are one set."""

from __future__ import annotations

from functools import lru_cache

from attest.context import Context
from attest.evidence import Evidence
from attest.members import PcrValues, Selected, parsed_banks
from attest.result import CheckResult, failed, passed, skipped
from attest.text import shown
from attest.tpm.attestation import TpmsQuoteInfo
from attest.tpm.constants import HASH_SIZES, PCR_COUNT
from attest.tpm.pcr import TpmsPcrSelection

ID = "quote.selection"
_EQUAL = passed(ID, "signed selection, pcr_values and pcr_banks agree")
_LONGEST_BANKS = 1024
"""Characters of pcr_banks: every PCR of every bank takes fewer."""


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare the signed selection with what the server reports, bank by bank."""
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    info = evidence.attest.attested
    if not isinstance(info, TpmsQuoteInfo):
        return skipped(ID, "the signed structure is no quote")
    banks = evidence.pcr_banks
    readable = banks if banks is not None and len(banks) <= _LONGEST_BANKS else ""
    signed, fault, banks_agree = _selections(info.pcr_select, readable)
    if fault is not None:
        return failed(ID, fault)
    if evidence.pcr_values is None or banks is None:
        return failed(ID, "pcr_values or pcr_banks could not be read")
    if not _covers(signed, evidence.pcr_values):
        values = {bank: pcrs.keys() for bank, pcrs in evidence.pcr_values.items()}
        return failed(ID, f"signed are {_written(signed)}, pcr_values has {_written(values)}")
    if not banks_agree:
        return failed(ID, f'signed are {_written(signed)}, pcr_banks says "{shown(banks)}"')
    return _EQUAL


@lru_cache(maxsize=256)
def _selections(
    selections: tuple[TpmsPcrSelection, ...], banks: str
) -> tuple[Selected, str | None, bool]:
    """Read the signed selection, what makes it none, and whether pcr_banks says the same."""
    signed, fault = _signed_selection(selections)
    return signed, fault, parsed_banks(banks) == signed


def _signed_selection(
    selections: tuple[TpmsPcrSelection, ...],
) -> tuple[Selected, str | None]:
    """Read the signed selection as a set; say what makes it none."""
    seen: dict[str, frozenset[int]] = {}
    for selection in selections:
        bank = selection.bank
        if selection.hash not in HASH_SIZES:
            return seen, f"the signed selection has the unknown bank {bank}"
        if bank in seen:
            return seen, f"the signed selection has the bank {bank} twice"
        if selection.indices and selection.indices[-1] >= PCR_COUNT:
            return seen, f"the signed selection has PCR {selection.indices[-1]}, which no TPM has"
        seen[bank] = frozenset(selection.indices)
    selected = {bank: indices for bank, indices in seen.items() if indices}
    if not selected:
        return selected, "the quote covers no PCR"
    return selected, None


def _covers(signed: Selected, values: PcrValues) -> bool:
    """Tell whether the reported values are of exactly the selected PCRs."""
    if values.keys() != signed.keys():
        return False
    for bank, indices in signed.items():  # noqa: SIM110 - a generator would double the cost
        if values[bank].keys() != indices:
            return False
    return True


def _written(selected: Selected) -> str:
    """Write a selection in tpm2-tools' spelling."""
    banks = (f"{bank}:{','.join(map(str, sorted(pcrs)))}" for bank, pcrs in selected.items())
    return shown("+".join(banks)) or "none"
