"""``aik.trust``: something besides the response itself ties the key to a known TPM."""

from __future__ import annotations

from functools import cache

from attest.context import Context
from attest.evidence import Evidence
from attest.policy.anchoring import Trust
from attest.result import CheckResult, failed, passed, skipped, warned

ID = "aik.trust"
_NO_ANCHOR = Trust.UNANCHORED
_UNANCHORED = warned(
    ID, "no anchor asked for: the evidence is self-consistent, and any software could have made it"
)
_TOLD = {
    "name": "enrolled by name",
    "spki_sha256": "enrolled by spki_sha256",
    "leaf_sha256": "certified by a chain to a pinned root",
}
"""What an anchor is, by its kind."""
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
        name = evidence.name.hex() if evidence.name is not None else "unknown"
        return failed(ID, f"the AIK {name} is {_WANTED[trust]}{_reason(context, trust)}")
    return _anchored(context.anchor.kind, context.anchor.via)


def _reason(context: Context, trust: Trust) -> str:
    """Say what the evidence offers instead of an anchor."""
    certification, chained = context.certification, context.chained
    if trust is Trust.CERTIFIED:
        return ": aik.chain does not pass" if chained.fault else f": {chained.unasked}"
    if certification.ak_name is not None:
        return f", nor is the AK {certification.ak_name.hex()} that certifies it"
    return ", and aik.certify does not pass" if certification.fault else ""


@cache
def _anchored(kind: str, via: str | None) -> CheckResult:
    """Say what anchors the key; which one it is, the result's anchor says.

    So results of all machines have this text in common.
    """
    told = _TOLD[kind]
    return passed(ID, told if via is None else f"{told}, of the AK that certifies the AIK")
