"""What a policy says of the key that signs quotes: how it has to be anchored, and to what."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct


class Trust(StrEnum):
    """How a policy wants the AIK to be anchored (``aik.trust``)."""

    UNANCHORED = "unanchored"
    ENROLLED = "enrolled"
    CERTIFIED = "certified"
    TEE = "tee"


class RootFile(Struct, frozen=True):
    """A file of CA certificates, pinned by digest.

    Attributes:
        file: Path as the policy writes it, relative to the policy.
        sha256: SHA-256 of the file's octets.
        octets: The octets themselves, which are read where a chain is judged.
    """

    file: str
    sha256: bytes
    octets: bytes = b""


class RevokedCertificate(Struct, frozen=True):
    """A certificate that may stand in no chain; exactly one way of naming it is set.

    Attributes:
        sha256: SHA-256 of its DER octets.
        issuer: Its issuer (RFC 4514), together with ``serial``.
        serial: Its serial number.
        spki_sha256: SHA-256 of a SubjectPublicKeyInfo, for all certificates of this key.
        reason: Why, or None.
    """

    sha256: bytes | None = None
    issuer: str | None = None
    serial: int | None = None
    spki_sha256: bytes | None = None
    reason: str | None = None


class Identity(Struct, frozen=True):
    """One machine that a certificate chain may name; exactly one member is set.

    Attributes:
        leaf_sha256: SHA-256 of the leaf certificate's DER octets.
        subject: Subject of the leaf.
        gce: Project and instance of the leaf's Google Compute Engine extension.
    """

    leaf_sha256: bytes | None = None
    subject: str | None = None
    gce: tuple[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as the policy writes it."""
        if self.leaf_sha256 is not None:
            return {"leaf_sha256": self.leaf_sha256.hex()}
        if self.gce is not None:
            project, instance = self.gce
            return {"gce": {"project": project, "instance": instance}}
        return {"subject": self.subject}


class AikRules(Struct, frozen=True):
    """What the policy asks of the key that signs quotes (``aik``).

    Attributes:
        trust: Kind of anchor.
        names: Enrolled TPM Names (nameAlg and digest).
        spki_sha256: Enrolled SHA-256 digests of DER SubjectPublicKeyInfo.
        roots: Root certificates, for ``certified``.
        identity: Machines, for ``certified``.
        intermediates: CA certificates that complete chains and are trusted for nothing by
            themselves, for ``certified``.
        revoked: Certificates that may stand in no chain, for ``certified``.
        hierarchies: Allowed hierarchies by name, or None where any is.
    """

    trust: Trust
    names: frozenset[bytes] = frozenset()
    spki_sha256: frozenset[bytes] = frozenset()
    roots: tuple[RootFile, ...] = ()
    identity: tuple[Identity, ...] = ()
    intermediates: tuple[RootFile, ...] = ()
    revoked: tuple[RevokedCertificate, ...] = ()
    hierarchies: tuple[str, ...] | None = None
