"""``aik.trust``: something besides the response itself ties the key to a known TPM."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.policy.anchoring import Trust
from attest.result import Anchor, CheckResult, failed, passed, skipped, warned

ID = "aik.trust"
_NO_ANCHOR = Trust.UNANCHORED
_UNANCHORED = warned(
    ID, "no anchor asked for: the evidence is self-consistent, and any software could have made it"
)
_WANTED = {Trust.ENROLLED: "not enrolled", Trust.CERTIFIED: "not certified"}


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Ask for the anchor that the policy wants."""
    trust = context.policy.aik.trust
    if evidence.public is None:
        return skipped(ID, "the AIK could not be read")
    if trust is _NO_ANCHOR:
        return _UNANCHORED
    if trust is Trust.TEE:
        return failed(ID, f"trust: {trust} is not verified by this version")
    if context.anchor is None:
        name = context.name.hex() if context.name is not None else "unknown"
        return failed(ID, f"the AIK {name} is {_WANTED[trust]}{_reason(context, trust)}")
    return passed(ID, _anchored(context.anchor))


def _reason(context: Context, trust: Trust) -> str:
    """Say what the evidence offers instead of an anchor."""
    certification, chained = context.certification, context.chained
    if trust is Trust.CERTIFIED:
        return ": aik.chain does not pass" if chained.fault else f": {chained.unasked}"
    if certification.ak_name is not None:
        return f", nor is the AK {certification.ak_name.hex()} that certifies it"
    return ", and aik.certify does not pass" if certification.fault else ""


def _anchored(anchor: Anchor) -> str:
    """Say what the anchor is."""
    known = f"{anchor.kind} {anchor.key.hex()}"
    told = f"enrolled by {known}" if anchor.chain is None else f"certified, {known}"
    return told if anchor.via is None else f"{told}, of the AK that certifies the AIK"
