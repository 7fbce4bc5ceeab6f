"""``aik.certify``: a long-lived AK certifies this very AIK, where the evidence says so."""

from __future__ import annotations

from attest.certification import NOTHING_CERTIFIED
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "aik.certify"
_NOTHING = skipped(ID, NOTHING_CERTIFIED.unasked or "")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask what the certification is worth: one that is there and wrong always refuses."""
    certification = context.certification
    if certification is NOTHING_CERTIFIED:
        return _NOTHING
    if certification.fault is not None:
        return failed(ID, certification.fault)
    if certification.told is not None:
        return passed(ID, certification.told)
    return skipped(ID, certification.unasked or "")
