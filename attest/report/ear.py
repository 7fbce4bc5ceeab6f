"""EAR: a result as claims of an EAT Attestation Result, with AR4SI's trustworthiness vector.

draft-ietf-rats-ear-04 and draft-ietf-rats-ar4si-09. What each claim rests on stands in
docs/formats.md; a claim that a result cannot carry is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from attest.chaining import OTHER_MACHINE
from attest.report.published import Published, is_accepted, outcomes, refusals

SUBMODULE = "tpm"
"""Label of the one appraised attester: the TPM that made the quote."""
DEVELOPER = "tpm-attest"

_NO_ASSERTION, _UNKNOWN_ELEMENTS = 0, 1
_RECOGNIZED, _GENUINE_AT_BOOT = 2, 3
_KNOWN_FAULTS_CODE, _NOT_RECOGNIZED_CODE, _CONTRAINDICATED_CODE = 32, 33, 96
_NOT_RECOGNIZED_INSTANCE, _CRYPTOGRAPHY_FAILED = 97, 99
_CRYPTOGRAPHIC = (
    "quote.magic",
    "quote.type",
    "quote.signature",
    "quote.nonce",
    "quote.selection",
    "quote.digest",
    "quote.signer",
    "aik.attributes",
    "aik.strength",
    "aik.scheme",
)
"""Checks without which a quote proves nothing: one that fails is a failed validation."""
_FIRST_PCR = "0"
"""The PCR that a measured boot begins with: without it, whoever starts may report the others."""


class Profile(Struct, frozen=True):
    """Names of claims, by the profile that a relying party reads.

    Attributes:
        uri: Value of ``eat_profile``.
        prefix: What the names of EAR's own claims begin with.
        joint: What joins the words in them.
        is_draft: Whether it is the working group's: policy ids are a list, each appraisal names its
            profile, and the whole has a status too.
    """

    uri: str
    prefix: str
    joint: str
    is_draft: bool

    def name(self, *words: str) -> str:
        """Name a claim of EAR."""
        return self.prefix + self.joint.join(words)


PROFILES = {
    "ietf": Profile("tag:ietf.org,2026:rats/ear#04", "ear_", "_", is_draft=True),
    "veraison": Profile("tag:github.com,2023:veraison/ear", "ear.", "-", is_draft=False),
    "trustee": Profile(
        "tag:github.com,2024:confidential-containers/Trustee", "ear.", "-", is_draft=False
    ),
}
"""Profiles by the names of ``--ear-profile``."""


def claims(
    result: Published, issued_at: datetime, profile: Profile = PROFILES["ietf"]
) -> dict[str, Any]:
    """Return the claims-set of one result, to be signed as a JWT.

    Args:
        result: The result.
        issued_at: Moment of signing, with zone.
        profile: Names of the claims.
    """
    appraisal = {
        profile.name("status"): status(result),
        profile.name("trustworthiness", "vector"): trustworthiness_vector(result),
        **_policy_ids(result, profile),
        "tpm_attest": _context(result),
    }
    whole = {}
    if profile.is_draft:
        whole = {profile.name("status"): status(result)}
        appraisal = {"eat_profile": profile.uri, **appraisal}
    return {
        "eat_profile": profile.uri,
        **whole,
        "iat": int(issued_at.timestamp()),
        profile.name("verifier", "id"): {"developer": DEVELOPER, "build": result["verifier"]},
        "submods": {SUBMODULE: appraisal},
    }


def status(result: Published) -> str:
    """Return the trustworthiness tier of a whole result.

    A refused response is contraindicated whatever its vector says, and one that no anchor ties to a
    TPM is never better than a warning.
    """
    if not is_accepted(result):
        return "contraindicated"
    return {"anchored": "affirming", "self-consistent": "warning"}.get(result["assurance"], "none")


def trustworthiness_vector(result: Published) -> dict[str, int]:
    """Return AR4SI's claims that a result supports: ``executables``, and others where it can."""
    outcome = outcomes(result)
    vector = {"executables": _executables(result, outcome)}
    trust = outcome.get("aik.trust")
    if trust not in ("pass", "fail"):
        return vector  # nobody expects to recognise the key: no identity, and no hardware
    if _has_failed(outcome):
        identity = _CRYPTOGRAPHY_FAILED
    elif trust == "fail":
        identity = _NOT_RECOGNIZED_INSTANCE
    else:
        identity = _RECOGNIZED if result["assurance"] == "anchored" else _NO_ASSERTION
    vector["instance-identity"] = identity
    if _is_about_hardware(result, outcome):
        vector["hardware"] = identity
    return vector


def _is_about_hardware(result: Published, outcome: Mapping[str, str]) -> bool:
    """Tell whether a TPM is recognised, or is not though a chain was to show that it is one.

    A genuine chain of another machine says nothing against its hardware.
    """
    if outcome.get("aik.trust") == "pass":
        return result["anchor"] is not None
    reasons = {check["id"]: check["reason"] for check in result["checks"]}
    return outcome.get("aik.chain") == "fail" and OTHER_MACHINE not in reasons["aik.chain"]


def _executables(result: Published, outcome: Mapping[str, str]) -> int:
    """Say what was loaded at boot, by the golden values of the PCRs."""
    if outcome.get("evidence.present") != "pass":
        return _NO_ASSERTION
    if _has_failed(outcome):
        return _CRYPTOGRAPHY_FAILED
    if outcome.get("evidence.form") != "pass":
        return _UNKNOWN_ELEMENTS
    if result["assurance"] == "none":
        return _NO_ASSERTION
    baseline = outcome.get("pcr.baseline")
    if baseline == "fail" and (known := _known_code(result)):
        return known
    if "fail" in (baseline, outcome.get("pcr.rules")):
        return _NOT_RECOGNIZED_CODE
    if baseline == "pass" and any(_FIRST_PCR in bank for bank in (result["pcrs"] or {}).values()):
        return _GENUINE_AT_BOOT
    return _NO_ASSERTION


def _known_code(result: Published) -> int | None:
    """Say what is amiss with values that a baseline knows: revoked, or out of their time.

    ``pcr.baseline`` fails with ``matches`` and a name there alone; None where no baseline matches.
    """
    (reason,) = (check["reason"] for check in result["checks"] if check["id"] == "pcr.baseline")
    _, matches, rest = reason.partition("matches ")
    if not matches:
        return None
    return _CONTRAINDICATED_CODE if ", revoked: " in rest else _KNOWN_FAULTS_CODE


def _has_failed(outcome: Mapping[str, str]) -> bool:
    """Tell whether the cryptographic validation of the evidence failed."""
    return any(outcome.get(check) == "fail" for check in _CRYPTOGRAPHIC)


def _policy_ids(result: Published, profile: Profile) -> dict[str, Any]:
    """Name the policy by its digest, since names repeat."""
    policy = result["policy"]
    if policy is None:
        return {}
    name = f"{policy['name']}@sha256:{policy['sha256']}"
    if profile.is_draft:
        return {profile.name("appraisal", "policy", "ids"): [name]}
    return {profile.name("appraisal", "policy", "id"): name}


def _context(result: Published) -> dict[str, Any]:
    """Say which response the claims are about, and what was decided: our own extension."""
    kept = ("payload_id", "evidence_sha256", "decision", "assurance", "baseline", "tier")
    context = {name: result[name] for name in kept}
    context["verified_at"] = result["verified_at"]
    context["aik_name"] = None if result["aik"] is None else result["aik"]["name"]
    context["refused_by"] = sorted({refusal.check for refusal in refusals(result)})
    return context
