"""``policy.validity``: the policy is in force at the moment of the appraisal."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.policy.model import ALWAYS
from attest.result import CheckResult, failed, passed

ID = "policy.validity"
_IN_FORCE = passed(ID, "the policy is in force")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask whether the moment lies in the policy's validity."""
    valid, at = context.policy.valid, context.request.at
    if valid is ALWAYS or valid.contains(at):
        return _IN_FORCE
    moment = at.isoformat() if at is not None else "unknown"
    return failed(ID, f"the policy is valid {valid}, and the time is {moment}")
