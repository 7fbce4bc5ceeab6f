"""An imported store: one PEM file that a policy pins, and the lock file that says what is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from asn1crypto import pem
from msgspec import Struct

from attest.certificates.certificate import Certificate, parse_certificate
from attest.certificates.model import ChainError
from attest.certificates.roots import MAX_STORED, pem_certificates
from attest.policy.files import MAX_ROOT_OCTETS
from attest.roots.source import Member, SourceError

_PEM_MARK = b"-----BEGIN"


class Entry(Struct, frozen=True):
    """One certificate of a store.

    Attributes:
        certificate: The certificate.
        path: The file of the input that it was first found in.
    """

    certificate: Certificate
    path: str

    @property
    def kind(self) -> str:
        """Tell roots, which are trusted, from intermediates, which only help."""
        return "root" if self.certificate.self_issued else "intermediate"


class Store(Struct, frozen=True):
    """What an import makes of its input.

    Attributes:
        entries: Roots, then intermediates, each by subject and fingerprint.
        skipped: Files that hold no CA certificates, with the reason.
        bundle: The PEM file; the same certificates give the same octets.
    """

    entries: tuple[Entry, ...]
    skipped: tuple[tuple[str, str], ...]
    bundle: bytes

    @property
    def sha256(self) -> str:
        """Return the digest that a policy pins, in hex."""
        return hashlib.sha256(self.bundle).hexdigest()

    def lock(self, source: str, bundle: str, at: datetime) -> bytes:
        """Write the lock file.

        Args:
            source: Name of the input.
            bundle: Name of the PEM file, which stands beside the lock file.
            at: When the import was made, aware.
        """
        content = {
            "schema": 1,
            "source": source,
            "imported": at.astimezone(UTC).isoformat(timespec="seconds"),
            "file": bundle,
            "sha256": self.sha256,
            "certificates": [_entry(entry) for entry in self.entries],
            "skipped": [{"path": path, "reason": reason} for path, reason in self.skipped],
        }
        return json.dumps(content, indent=1).encode() + b"\n"


def build_store(members: Iterable[Member], only: tuple[str, ...] = ()) -> Store:
    """Make a store of the CA certificates in an input.

    Args:
        members: Files of the input.
        only: Patterns of paths (shell style, case matters); without any, all files count.

    Raises:
        SourceError: A file of certificates that cannot be read, no root at all, or more than a
            policy reads.
    """
    entries: dict[bytes, Entry] = {}
    skipped: list[tuple[str, str]] = []
    for member in members:
        if only and not any(fnmatchcase(member.path, pattern) for pattern in only):
            continue
        if member.octets is None:
            skipped.append((member.path, "no file of certificates, by its name"))
            continue
        for certificate in _certificates(member.octets, member.path):
            if certificate.ca:
                entries.setdefault(certificate.sha256, Entry(certificate, member.path))
            else:
                skipped.append((certificate.place, "no CA certificate"))
    return _store(entries.values(), tuple(skipped))


def _certificates(octets: bytes, path: str) -> Iterator[Certificate]:
    """Read a file of one DER certificate or of many in PEM."""
    try:
        if _PEM_MARK not in octets:
            yield parse_certificate(octets, path)
            return
        for der, place in pem_certificates(octets, path):
            yield parse_certificate(der, place)
    except ChainError as error:
        raise SourceError(error.place, error.fault) from error


def _store(found: Iterable[Entry], skipped: tuple[tuple[str, str], ...]) -> Store:
    entries = tuple(sorted(found, key=_order))
    bundle = b"".join(pem.armor("CERTIFICATE", entry.certificate.der) for entry in entries)
    if not any(entry.kind == "root" for entry in entries):
        fault = f"no root among {len(entries)} CA certificates, {len(skipped)} files skipped"
        raise SourceError("store", fault)
    if len(bundle) > MAX_ROOT_OCTETS or len(entries) > MAX_STORED:
        fault = f"{len(entries)} certificates in {len(bundle)} octets, a policy reads "
        fault += f"{MAX_STORED} in {MAX_ROOT_OCTETS}: choose files with --only"
        raise SourceError("store", fault)
    return Store(entries, skipped, bundle)


def _order(entry: Entry) -> tuple[bool, str, bytes]:
    return entry.kind != "root", entry.certificate.subject, entry.certificate.sha256


def _entry(entry: Entry) -> dict[str, Any]:
    certificate = entry.certificate
    return {
        "sha256": certificate.sha256.hex(),
        "kind": entry.kind,
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "path": entry.path,
    }
