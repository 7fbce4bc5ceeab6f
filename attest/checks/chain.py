"""``aik.chain``: a certificate chain leads from the AIK, or its AK, to a root and to a machine."""

from __future__ import annotations

from attest.chained import NOTHING_CHAINED
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "aik.chain"
_NOTHING = skipped(ID, NOTHING_CHAINED.unasked or "")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask what the chain is worth: one that is asked for, there and wrong always refuses."""
    chained = context.chained
    if chained is NOTHING_CHAINED:
        return _NOTHING
    if chained.fault is not None:
        return failed(ID, chained.fault)
    if chained.told is not None:
        return passed(ID, chained.told)
    return skipped(ID, chained.unasked or "")
