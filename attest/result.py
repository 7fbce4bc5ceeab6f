"""What an appraisal gives: outcomes, reasons, and one decision derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from attest.digests import evidence_sha256
from attest.policy.anchoring import Identity
from attest.policy.compare import NOTHING_COMPARED, Comparison, Difference
from attest.policy.model import ALWAYS_MANDATORY, MANDATORY_WITHOUT_TPM, Policy
from attest.tpm.attestation import TpmsAttest
from attest.tpm.constants import alg_name
from attest.version import __version__

if TYPE_CHECKING:
    from attest.certificates.model import Chain

SCHEMA = 1
VERIFIER = f"tpm-attest {__version__}"


class Outcome(StrEnum):
    """How one check ended."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    SKIP = "skip"


class Assurance(StrEnum):
    """What was proven of the signing key, whatever the decision."""

    NONE = "none"
    SELF_CONSISTENT = "self-consistent"
    ANCHORED = "anchored"


_PASS, _FAIL, _WARN, _SKIP = Outcome


class CheckResult(msgspec.Struct, frozen=True, gc=False):
    """One question and its answer.

    Attributes:
        id: Dotted id, such as ``quote.nonce``.
        outcome: How it ended.
        reason: What was seen, and what was wanted; safe to print.
    """

    id: str
    outcome: Outcome
    reason: str


def passed(check: str, reason: str) -> CheckResult:
    """Say that what was seen is what was wanted."""
    return CheckResult(check, _PASS, reason)


def failed(check: str, reason: str) -> CheckResult:
    """Say that what was seen is not what was wanted."""
    return CheckResult(check, _FAIL, reason)


def warned(check: str, reason: str) -> CheckResult:
    """Say that something was seen that a policy may want otherwise."""
    return CheckResult(check, _WARN, reason)


def skipped(check: str, reason: str) -> CheckResult:
    """Say that the question could not be asked."""
    return CheckResult(check, _SKIP, reason)


class Anchor(msgspec.Struct, frozen=True, gc=False):
    """What ties the AIK to a known TPM.

    Attributes:
        trust: Kind of anchor: ``enrolled`` or ``certified``.
        kind: What the anchor is known by: ``name`` or ``spki_sha256`` where it was enrolled,
            ``leaf_sha256`` where it has a certificate.
        key: These octets.
        via: ``certify`` where the anchor is that of an AK, which certifies the AIK; else None.
        chain: The certificate chain, for ``certified``.
        identity: Which identity of the policy the chain matches, for ``certified``.
    """

    trust: str
    kind: str
    key: bytes
    via: str | None = None
    chain: Chain | None = None
    identity: Identity | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the anchor as a result's JSON has it."""
        whole: dict[str, Any] = {"trust": self.trust, self.kind: self.key.hex()}
        if self.via is not None:
            whole["via"] = self.via
        if self.chain is not None:
            whole |= self.chain.to_dict()
        if self.identity is not None:
            whole["identity"] = self.identity.to_dict()
        return whole


_SELF_CONSISTENCY = ALWAYS_MANDATORY - MANDATORY_WITHOUT_TPM


def _refuses(check: CheckResult, mandatory: frozenset[str]) -> bool:
    """Tell whether a check stands in the way: a failure, or a mandatory one that did not pass."""
    outcome = check.outcome
    return outcome is _FAIL or (outcome is not _PASS and check.id in mandatory)


class AttestationResult(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Attestation result (RFC 9334) of one response.

    Attributes:
        checks: Every check, in the order of the contract.
        mandatory: Ids that refuse unless they pass.
        nonce_compared: Whether the policy had the nonce compared.
        payload_id: The caller's id, else the saved one, else None.
        tier: Tier that the response reports.
        anchor: What ties the AIK to a known TPM, or None.
        comparison: How the quoted PCRs stand to the policy.
        pcrs: Values under the signed selection, by bank's algorithm and index.
        aik_name: Name of the signing key.
        aik_hierarchy: Hierarchy under which it is a primary.
        attest: The quote.
        policy: The policy that judged, or None where none applies.
        member: The ``tpm_attestation`` member that was judged.
        verified_at: Moment of every validity decision.
    """

    checks: tuple[CheckResult, ...]
    mandatory: frozenset[str]
    nonce_compared: bool
    payload_id: str | None = None
    tier: str | None = None
    anchor: Anchor | None = None
    comparison: Comparison = NOTHING_COMPARED
    pcrs: Mapping[int, Mapping[int, bytes]] | None = None
    aik_name: bytes | None = None
    aik_hierarchy: str | None = None
    attest: TpmsAttest | None = None
    policy: Policy | None = None
    member: Mapping[str, Any] | None = None
    verified_at: datetime | None = None

    @property
    def baseline(self) -> str | None:
        """Name of the baseline that matched whole, or None."""
        return self.comparison.matched

    @property
    def closest_baseline(self) -> str | None:
        """Where none matched, name of the candidate with the fewest differences."""
        return self.comparison.closest

    @property
    def differences(self) -> tuple[Difference, ...]:
        """PCRs that are not as the policy wants them."""
        return self.comparison.rule_differences + self.comparison.baseline_differences

    @property
    def refusals(self) -> tuple[CheckResult, ...]:
        """The checks that refuse: failures, and mandatory checks that did not pass."""
        return tuple(check for check in self.checks if _refuses(check, self.mandatory))

    @property
    def accepted(self) -> bool:
        """The decision: every check was asked, and none refuses."""
        mandatory = self.mandatory
        for check in self.checks:
            outcome = check.outcome  # as _refuses asks, without a call for each skip
            if outcome is _FAIL or (outcome is not _PASS and check.id in mandatory):
                return False
        return bool(self.checks)

    @property
    def assurance(self) -> Assurance:
        """What was proven of the signing key, on refusals too."""
        passing = {check.id for check in self.checks if check.outcome is _PASS}
        if not passing >= _SELF_CONSISTENCY or (
            self.nonce_compared and "quote.nonce" not in passing
        ):
            return Assurance.NONE
        if self.anchor is not None and "aik.trust" in passing:
            return Assurance.ANCHORED
        return Assurance.SELF_CONSISTENT

    def __bool__(self) -> NoReturn:
        """Refuse to be a truth value: a result that exists is not yet an accepted one."""
        raise TypeError("the truth of an attestation result is ambiguous: use .accepted")

    def to_dict(self, source: str | None = None, row: int | None = None) -> dict[str, Any]:
        """Return the result as JSON has it (``attest/schemas/result.schema.json``).

        Args:
            source: Where the response came from, such as a file's name.
            row: Row in the source, counted from 0.
        """
        return {
            "schema": SCHEMA,
            "source": source,
            "row": row,
            "payload_id": self.payload_id,
            "decision": "accepted" if self.accepted else "refused",
            "assurance": str(self.assurance),
            "anchor": None if self.anchor is None else self.anchor.to_dict(),
            "baseline": self.baseline,
            "closest_baseline": self.closest_baseline,
            "differences": [difference.to_dict() for difference in self.differences],
            "tier": self.tier,
            "checks": [
                {"id": check.id, "outcome": str(check.outcome), "reason": check.reason}
                for check in self.checks
            ],
            "pcrs": _pcrs(self.pcrs),
            "aik": _aik(self.aik_name, self.aik_hierarchy),
            "clock": _clock(self.attest),
            "firmware_version": _firmware_version(self.attest),
            "policy": None if self.policy is None else self.policy.identity(),
            "evidence_sha256": evidence_sha256(self.member),
            "verified_at": None if self.verified_at is None else timestamp(self.verified_at),
            "verifier": VERIFIER,
        }


def timestamp(at: datetime) -> str:
    """Write a moment in UTC (RFC 3339)."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _pcrs(
    pcrs: Mapping[int, Mapping[int, bytes]] | None,
) -> dict[str, dict[str, str | None]] | None:
    if pcrs is None:
        return None
    return {
        alg_name(bank): {str(index): value.hex() or None for index, value in values.items()}
        for bank, values in sorted(pcrs.items(), key=lambda bank: alg_name(bank[0]))
    }


def _aik(name: bytes | None, hierarchy: str | None) -> dict[str, str | None] | None:
    return None if name is None else {"name": name.hex(), "hierarchy": hierarchy}


def _clock(attest: TpmsAttest | None) -> dict[str, Any] | None:
    if attest is None:
        return None
    clock = attest.clock_info
    return {
        "clock": str(clock.clock),
        "reset_count": clock.reset_count,
        "restart_count": clock.restart_count,
        "safe": clock.safe,
    }


def _firmware_version(attest: TpmsAttest | None) -> str | None:
    return None if attest is None else str(attest.firmware_version)
