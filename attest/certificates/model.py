"""What certificates say and how they fail, as frozen values that cost nothing to import."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from attest.errors import AttestError

MAX_CERTIFICATES = 16
"""Certificates in a chain."""
MAX_CERTIFICATE_OCTETS = 16 * 1024
"""Octets of one certificate, with the padding of its NVRAM index."""

MAX_CHAIN_OCTETS = 64 * 1024
"""Octets of all certificates of a chain, without padding: to read them costs time by the octet."""


class ChainFault(StrEnum):
    """Why a chain is refused."""

    EMPTY = "empty"
    TOO_MANY = "too-many"
    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    CA_AS_LEAF = "ca-as-leaf"
    WRONG_USAGE = "wrong-usage"
    NOT_AN_EK = "not-an-ek"
    NO_PATH = "no-path"
    NO_CA = "no-ca"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    REVOKED = "revoked"
    WEAK = "weak"
    CRITICAL_EXTENSION = "critical-extension"
    SIGNATURE = "signature"
    PATH = "path"
    OTHER_KEY = "other-key"
    OTHER_IDENTITY = "other-identity"


class ChainError(AttestError):
    """A certificate that does not anchor what it should.

    Attributes:
        place: Which certificate, such as ``aik_cert_chain_b64[1]``, or the whole chain.
        kind: The reason, for programs.
        fault: The reason, for people, such as ``expired at 2025-11-03T17:53:04+00:00``.
    """

    def __init__(self, place: str, kind: ChainFault, fault: str) -> None:
        """Keep place, kind and words apart."""
        super().__init__(place, kind, fault)
        self.place = place
        self.kind = kind
        self.fault = fault

    def __str__(self) -> str:
        """Write the error as one line: place, colon, fault."""
        return f"{self.place}: {self.fault}"


class Purpose(StrEnum):
    """What the key of a leaf is for."""

    AK = "ak"
    EK = "ek"


class TpmSpecification(Struct, frozen=True):
    """TPM specification that a TPM was made to (TCG EK Credential Profile, 3.1.1).

    Attributes:
        family: Such as ``2.0``.
        level: Level of the family.
        revision: Revision of the level, such as 138 for 1.38.
    """

    family: str
    level: int
    revision: int


class TpmPart(Struct, frozen=True):
    """The TPM that a leaf names in its subjectAltName (TCG EK Credential Profile, 3.2.9).

    Attributes:
        manufacturer: TPMManufacturer as it stands there, such as ``id:494E5443``.
        vendor: The vendor id behind it, such as ``INTC``; None where the registry has none.
        vendor_name: Name of the vendor in the registry, such as ``Intel``; None with ``vendor``.
        model: TPMModel.
        version: TPMVersion, the firmware, such as ``id:00490004``.
    """

    manufacturer: str
    vendor: str | None
    vendor_name: str | None
    model: str
    version: str


class GceInstance(Struct, frozen=True):
    """The machine that Google names in extension 1.3.6.1.4.1.11129.2.1.21.

    Attributes:
        zone: Such as ``us-central1-a``.
        project_number: Number of the project.
        project_id: Id of the project, such as ``my-project``.
        instance_id: Number of the instance, unique and never used again.
        instance_name: Name of the instance, which a later instance may bear again.
        production: Whether Google's production issued the certificate.
    """

    zone: str
    project_number: int
    project_id: str
    instance_id: int
    instance_name: str
    production: bool


class Chain(Struct, frozen=True):
    """A chain that holds: what it says, and in which interval of time.

    Attributes:
        purpose: What the leaf was validated as.
        leaf_sha256: SHA-256 of the leaf's DER octets, without padding.
        spki_sha256: SHA-256 of the leaf's SubjectPublicKeyInfo, as ``attest.crypto.spki_sha256``
            computes it for the same key.
        subject: Subject of the leaf, RFC 4514; empty where its names stand in subjectAltName.
        issuer: Issuer of the leaf, RFC 4514.
        serial: Serial number of the leaf.
        usages: Dotted extended key usages of the leaf; empty without the extension.
        root_sha256: SHA-256 of the root's DER octets.
        root_subject: Subject of the root, RFC 4514.
        path: SHA-256 of each certificate, leaf first, root last.
        not_before: First moment at which all certificates of the path are valid.
        not_after: Last such moment.
        tpm: What the leaf says of the TPM, or None.
        specification: What the TPM was made to, or None.
        gce: The Google Compute Engine instance, or None.
    """

    purpose: Purpose
    leaf_sha256: bytes
    spki_sha256: bytes
    subject: str
    issuer: str
    serial: int
    usages: tuple[str, ...]
    root_sha256: bytes
    root_subject: str
    path: tuple[bytes, ...]
    not_before: datetime
    not_after: datetime
    tpm: TpmPart | None = None
    specification: TpmSpecification | None = None
    gce: GceInstance | None = None

    def holds_at(self, at: datetime) -> bool:
        """Tell whether all certificates of the path are valid at a moment (aware)."""
        return self.not_before <= at <= self.not_after

    def to_dict(self) -> dict[str, Any]:
        """Return what a result says of the chain: hex, RFC 3339, large numbers as decimals."""
        gce = None if self.gce is None else asdict(self.gce)
        if gce is not None:
            gce |= {key: str(gce[key]) for key in ("project_number", "instance_id")}
        return {
            "leaf_sha256": self.leaf_sha256.hex(),
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": f"{self.serial:x}",
            "root_sha256": self.root_sha256.hex(),
            "root_subject": self.root_subject,
            "not_before": self.not_before.isoformat(),
            "not_after": self.not_after.isoformat(),
            "tpm": None if self.tpm is None else asdict(self.tpm),
            "gce": gce,
        }
