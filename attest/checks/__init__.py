"""The checks, one question a module, in the order in which a result lists them."""

from __future__ import annotations

from collections.abc import Callable

from attest.checks import (
    attributes,
    baseline,
    certify,
    chain,
    clock,
    crosscheck,
    digest,
    form,
    kind,
    magic,
    nonce,
    present,
    rules,
    scheme,
    scope,
    selection,
    signature,
    signer,
    strength,
    tier,
    trust,
    validity,
)
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, skipped

Judge = Callable[[Evidence, Context], CheckResult]

CHECKS: dict[str, Judge] = {
    check.ID: check.judge
    for check in (
        present,
        form,
        magic,
        kind,
        signature,
        nonce,
        selection,
        digest,
        signer,
        clock,
        attributes,
        strength,
        scheme,
        trust,
        rules,
        baseline,
        scope,
        validity,
        tier,
        certify,
        chain,
        crosscheck,
    )
}
"""Every check: its id, and the function that judges by it, in the order of results."""


def _nothing_to_ask(check: str) -> Judge:
    """Return what answers a question about evidence where there is none."""
    answer = skipped(check, "there is no evidence")

    def judge(evidence: Evidence, context: Context) -> CheckResult:
        return answer

    return judge


CHECKS_WITHOUT_EVIDENCE = {
    check: _nothing_to_ask(check) if check.startswith(("quote.", "aik.", "pcr.")) else judge
    for check, judge in CHECKS.items()
}
"""The same checks, where a response has no evidence to ask about."""
