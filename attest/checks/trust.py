"""``aik.trust``: something besides the response itself ties the key to a known TPM."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.policy.model import Trust
from attest.result import CheckResult, failed, passed, skipped, warned

ID = "aik.trust"
_NO_ANCHOR = Trust.UNANCHORED
_UNANCHORED = warned(
    ID, "no anchor asked for: the evidence is self-consistent, and any software could have made it"
)


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask for the anchor that the policy wants."""
    trust = context.policy.aik.trust
    if evidence.public is None:
        return skipped(ID, "the AIK could not be read")
    if trust is _NO_ANCHOR:
        return _UNANCHORED
    if trust is not Trust.ENROLLED:
        return failed(ID, f"trust: {trust} is not verified by this version")
    if context.anchor is None:
        name = context.name.hex() if context.name is not None else "unknown"
        return failed(ID, f"the AIK {name} is not enrolled")
    return passed(ID, f"enrolled by {context.anchor.kind} {context.anchor.key.hex()}")
