"""``verifier.cross-check``: a second, independent stack sees the same, where one is asked."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped

ID = "verifier.cross-check"
_NOT_ASKED = skipped(ID, "no cross-check was asked for")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Have libtss2 read the structures and OpenSSL verify the signatures; they must agree."""
    if not context.request.cross_check:
        return _NOT_ASKED
    from attest.crosscheck.opinion import second_opinion  # noqa: PLC0415 - an extra, and heavy

    opinion = second_opinion(evidence)
    if opinion.differences:
        return failed(ID, "; ".join(opinion.differences))
    if not opinion.compared:
        return skipped(ID, "there is nothing that could be read")
    return passed(ID, f"libtss2 and OpenSSL agree on {', '.join(opinion.compared)}")
