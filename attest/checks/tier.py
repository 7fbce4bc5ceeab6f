"""``response.tier``: the response reports the security tier that was asked for."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.text import shown

ID = "response.tier"
_NOT_ASKED = skipped(ID, "the caller did not say which tier it asked for")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare the reported tier with the one that the caller asked for."""
    wanted = context.request.security_tier
    if wanted is None:
        return _NOT_ASKED
    if evidence.tier != wanted:
        seen = "none" if evidence.tier is None else f'"{shown(evidence.tier)}"'
        return failed(ID, f"the response reports {seen}, asked for was {wanted}")
    return passed(ID, f"the response reports {wanted}, as was asked for")
