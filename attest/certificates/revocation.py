"""Certificates that a policy revokes, by list: nothing is ever fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import astuple

from attest.certificates.certificate import Certificate
from attest.certificates.twin import fingerprints
from attest.text import shown


class Revocation(Struct, frozen=True):
    """One entry of the policy's ``revoked_certificates``; exactly one way of naming is set.

    Attributes:
        sha256: SHA-256 of the certificate's DER octets, without padding.
        issuer: Issuer as RFC 4514 text, as attest writes it; together with ``serial``.
        serial: Serial number.
        spki_sha256: SHA-256 of the SubjectPublicKeyInfo: all certificates of a key that leaked,
            whoever issues another one for it.
        reason: Why, for people, or None.
    """

    sha256: bytes | None = None
    issuer: str | None = None
    serial: int | None = None
    spki_sha256: bytes | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        """Refuse an entry that names nothing, or that two readings have."""
        if (self.issuer is None) is not (self.serial is None):
            raise ValueError("issuer and serial belong together")
        ways = (self.sha256, self.issuer, self.spki_sha256)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("expected exactly one of sha256, issuer with serial, spki_sha256")


class RevocationList:
    """Entries, ready to be asked.

    Attributes:
        sha256: SHA-256 over the entries, in whatever order.
    """

    def __init__(self, entries: Iterable[Revocation] = ()) -> None:
        """Take the entries; a list without any revokes nothing."""
        listed = tuple(entries)
        self._by_sha256 = {entry.sha256: entry for entry in listed if entry.sha256}
        self._by_key = {entry.spki_sha256: entry for entry in listed}
        self._by_serial = {(entry.issuer, entry.serial): entry for entry in listed}
        said = sorted(repr(astuple(entry)) for entry in listed)
        self.sha256 = hashlib.sha256("\n".join(said).encode()).digest()

    def fault(self, certificate: Certificate) -> str | None:
        """Say how a certificate is revoked, or None where it is not."""
        if entry := self._fingerprinted(certificate):
            way = "by fingerprint"
        elif entry := self._by_serial.get((certificate.issuer, certificate.serial)):
            way = "by issuer and serial number"
        elif entry := self._by_key.get(certificate.key.spki_sha256):
            way = "by its key"
        else:
            return None
        return f"revoked {way}" + (f": {shown(entry.reason)}" if entry.reason else "")

    def _fingerprinted(self, certificate: Certificate) -> Revocation | None:
        if not self._by_sha256:
            return None
        found = (self._by_sha256.get(one) for one in fingerprints(certificate))
        return next((entry for entry in found if entry), None)
