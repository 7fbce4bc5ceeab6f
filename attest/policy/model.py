"""What a policy says, as frozen values: compiled once, compared many times."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import force_setattr

from attest.policy.anchoring import AikRules, Identity, RootFile, Trust  # noqa: F401 - names of old
from attest.policy.initial import initial_values, unextended_values
from attest.policy.origin import NO_DEMANDS, Demands, Provenance
from attest.tpm.constants import HASH_SIZES, Alg, Handle

TIERS = ("standard", "high", "maximum")
"""Security tiers of the NOMYO protocol."""

SCHEMES: dict[str, tuple[Alg, Alg]] = {
    f"{scheme.name.lower()}-{digest.name.lower()}": (scheme, digest)
    for scheme in (Alg.RSASSA, Alg.RSAPSS, Alg.ECDSA)
    for digest in (Alg.SHA256, Alg.SHA384, Alg.SHA512, Alg.SHA3_256, Alg.SHA3_384, Alg.SHA3_512)
}
"""Signature schemes that a policy may allow, by name."""

DEFAULT_SCHEMES = tuple(name for name in SCHEMES if "sha3_" not in name)
CURVES = ("nist-p256", "nist-p384", "nist-p521")
DEFAULT_MIN_RSA_BITS = 2048

HIERARCHIES: dict[str, Handle] = {
    "endorsement": Handle.ENDORSEMENT,
    "owner": Handle.OWNER,
    "platform": Handle.PLATFORM,
    "null-hierarchy": Handle.NULL,
}
"""Hierarchies by the names of policy and result, in the order of how often AIKs stand there."""


MANDATORY_WITHOUT_TPM = frozenset({"policy.scope", "policy.validity"})
"""Checks that must pass where a policy lets a response without a TPM pass, and it is one."""

ALWAYS_MANDATORY = MANDATORY_WITHOUT_TPM | {
    "evidence.present",
    "evidence.form",
    "quote.magic",
    "quote.type",
    "quote.signature",
    "quote.selection",
    "quote.digest",
    "aik.attributes",
    "aik.strength",
    "aik.scheme",
}
"""Checks that must pass whatever a policy says, where there is evidence."""


class NonceMode(StrEnum):
    """Where the expected extraData comes from (``nonce``)."""

    PAYLOAD_ID = "payload-id"
    GIVEN = "given"
    NONE = "none"


class RuleKind(StrEnum):
    """What a rule on a single PCR asks for; the words are those of the policy file."""

    VALUES = "values"
    EXTENDED = "extended"
    INITIAL = "initial"
    ANY = "any"


class Validity(Struct, frozen=True):
    """A half-open span of time; a missing end is open.

    Attributes:
        start: First moment inside (``from``), with time zone.
        end: First moment outside (``until``), with time zone.
    """

    start: datetime | None = None
    end: datetime | None = None

    def contains(self, at: datetime | None) -> bool:
        """Tell whether a moment lies inside; an unknown one does only where both ends are open."""
        if self.start is None and self.end is None:
            return True
        if at is None:
            return False
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def overlaps(self, other: Validity) -> bool:
        """Tell whether a moment exists that lies inside both."""
        begins = [span.start for span in (self, other) if span.start is not None]
        ends = [span.end for span in (self, other) if span.end is not None]
        return not begins or not ends or max(begins) < min(ends)

    def __str__(self) -> str:
        """Write the span for a person: ``from A until B``."""
        start = f"from {self.start.isoformat()}" if self.start else ""
        end = f"until {self.end.isoformat()}" if self.end else ""
        return f"{start} {end}".strip() or "always"


ALWAYS = Validity()


class PcrRule(Struct, frozen=True):
    """What one PCR must hold.

    Attributes:
        bank: Bank of the PCR.
        index: Number of the PCR, 0 to 23.
        kind: VALUES compares with ``values``; a baseline has only these.
        values: Golden values as octets, in the order of the file; empty unless ``kind`` is VALUES.
        octets: Values that decide; they follow from the others.
        inside: Whether the PCR must hold one of the deciding values, or none of them.
    """

    bank: Alg
    index: int
    kind: RuleKind
    values: tuple[bytes, ...] = ()
    octets: frozenset[bytes] = frozenset()
    inside: bool = True

    def __post_init__(self) -> None:
        """Derive once what every appraisal compares with."""
        size = HASH_SIZES[self.bank]
        octets = frozenset(self.values)
        if self.kind is RuleKind.INITIAL:
            octets = initial_values(self.index, size)
        elif self.kind is RuleKind.EXTENDED:
            octets = unextended_values(self.index, size)
        force_setattr(self, "octets", octets)
        force_setattr(self, "inside", self.kind in (RuleKind.VALUES, RuleKind.INITIAL))

    def allows(self, value: bytes) -> bool:
        """Tell whether a value of the PCR is as the rule wants it; no octets never are."""
        return bool(value) and (value in self.octets) is self.inside


class Baseline(Struct, frozen=True):
    """The golden values of one release, which match whole or not at all.

    Attributes:
        name: Unique in its policy.
        golden: Rules of kind VALUES, by bank and index in the order of the file.
        valid: When the baseline is a candidate.
        revoked: Reason of the revocation, or None.
        provenance: Where its values come from, or None.
    """

    name: str
    golden: tuple[PcrRule, ...]
    valid: Validity = ALWAYS
    revoked: str | None = None
    provenance: Provenance | None = None


class Policy(Struct, frozen=True):
    """An appraisal policy (RFC 9334), read from one YAML file.

    Attributes:
        name: Name of the policy.
        aik: What is asked of the signing key.
        rules: Rules on single PCRs (``pcrs``).
        baselines: Golden values by release, in the order of the file.
        serial: Counts up from release to release of the policy, or None.
        sha256: SHA-256 of the file's octets in hex; of a signed one, of what was signed.
        path: The file, as it was named.
        description: Free text, or None.
        valid: When the policy may be used.
        tiers: Tiers that it applies to, or None where to any.
        tpm_required: False lets a response without a TPM pass (``tpm: optional``).
        nonce: Where the expected extraData comes from.
        schemes: Allowed signature schemes, as (scheme, hash).
        min_rsa_bits: Smallest RSA modulus.
        curves: Allowed curves, by name.
        clock_safe_required: Whether ``clockInfo.safe`` must be 1.
        provenance: Where the policy comes from, or None.
        demands: What the caller demanded of the file.
        mandatory: Ids of the checks that must pass; it follows from the others.
    """

    name: str
    aik: AikRules
    rules: tuple[PcrRule, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    serial: int | None = None
    sha256: str = ""
    path: str = ""
    description: str | None = None
    valid: Validity = ALWAYS
    tiers: tuple[str, ...] | None = None
    tpm_required: bool = True
    nonce: NonceMode = NonceMode.PAYLOAD_ID
    schemes: frozenset[tuple[int, int]] = frozenset(SCHEMES[name] for name in DEFAULT_SCHEMES)
    min_rsa_bits: int = DEFAULT_MIN_RSA_BITS
    curves: frozenset[str] = frozenset(CURVES)
    clock_safe_required: bool = False
    provenance: Provenance | None = None
    demands: Demands = NO_DEMANDS
    mandatory: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Derive once what every appraisal asks for."""
        asked = {
            "quote.nonce": self.nonce is not NonceMode.NONE,
            "quote.signer": self.aik.hierarchies is not None,
            "quote.clock": self.clock_safe_required,
            "aik.trust": self.aik.trust is not Trust.UNANCHORED,
            "pcr.rules": bool(self.rules),
            "pcr.baseline": bool(self.baselines),
        }
        mandatory = ALWAYS_MANDATORY | {check for check, is_asked in asked.items() if is_asked}
        force_setattr(self, "mandatory", mandatory)

    def applies(self, tier: str | None) -> bool:
        """Tell whether the policy is meant for a tier; without one only where it is for any."""
        return self.tiers is None or tier in self.tiers

    def identity(self) -> dict[str, str | int | None]:
        """Name, serial and digest: what a result says of the policy that made it."""
        return {"name": self.name, "serial": self.serial, "sha256": self.sha256}


class PolicySet(Struct, frozen=True):
    """The policies of a directory; exactly one must apply to a response.

    Attributes:
        policies: In the order of the files' names.
        path: The directory, as it was named.
        demands: What the caller demanded of each file.
    """

    policies: tuple[Policy, ...]
    path: str = ""
    demands: Demands = NO_DEMANDS

    def applying(self, tier: str | None, at: datetime | None) -> tuple[Policy, ...]:
        """Return the policies that apply to a tier at a moment."""
        return tuple(
            policy for policy in self.policies if policy.applies(tier) and policy.valid.contains(at)
        )


def policies_of(policy: Policy | PolicySet) -> tuple[Policy, ...]:
    """Return the policies of a set, or the one policy."""
    return policy.policies if isinstance(policy, PolicySet) else (policy,)
