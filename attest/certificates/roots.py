"""Root files: PEM, pinned by digest, to trust anchors and the intermediates beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from asn1crypto import pem
from msgspec import Struct

from attest.certificates.certificate import Certificate, parse_certificate
from attest.certificates.model import ChainError, ChainFault
from attest.text import shown

MAX_STORED = 2048
"""Certificates in one root file."""

_CERTIFICATE = "CERTIFICATE"


class Roots(Struct, frozen=True):
    """What chains may end in, and what helps them get there.

    Attributes:
        anchors: Self-issued CA certificates. They are trusted as they stand: what they are signed
            with proves nothing, and is not looked at.
        intermediates: The other CA certificates. They are trusted for nothing by themselves.
        sha256: SHA-256 over the fingerprints of all of them.
    """

    anchors: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]
    sha256: bytes


def load_pinned_roots(octets: bytes, sha256: bytes, place: str) -> Roots:
    """Load a root file of a policy from the octets that its digest is held against.

    Args:
        octets: Content of the file; the reader bounds it.
        sha256: The digest that the policy pins.
        place: The file, for errors.

    Raises:
        ChainError: MALFORMED where the file is another one, no PEM of certificates, or without a
            root; NO_CA, TOO_LARGE or TOO_MANY.
    """
    _hold_pin(octets, sha256, place)
    return load_roots(octets, place)


def load_pinned_intermediates(octets: bytes, sha256: bytes, place: str) -> Roots:
    """Load a file of intermediates as ``load_pinned_roots`` does, and trust none of them.

    Returns:
        The intermediates, without any anchor: what is issued by itself is left out.

    Raises:
        ChainError: As for a root file, but that no root need be there.
    """
    _hold_pin(octets, sha256, place)
    return _roots(one for one in _authorities(octets, place) if not one.self_issued)


def load_roots(octets: bytes, place: str) -> Roots:
    """Load a PEM file of CA certificates.

    Raises:
        ChainError: MALFORMED, TOO_LARGE, TOO_MANY or NO_CA, with the number of the certificate.
    """
    certificates = _authorities(octets, place)
    if not any(certificate.self_issued for certificate in certificates):
        fault = "holds no root: no CA certificate in it is issued by itself"
        raise ChainError(place, ChainFault.MALFORMED, fault)
    return _roots(certificates)


def _hold_pin(octets: bytes, sha256: bytes, place: str) -> None:
    seen = hashlib.sha256(octets).digest()
    if seen != sha256:
        fault = f"SHA-256 is {seen.hex()}, pinned is {sha256.hex()}"
        raise ChainError(place, ChainFault.MALFORMED, fault)


def _authorities(octets: bytes, place: str) -> tuple[Certificate, ...]:
    """Read a file of CA certificates, counted before any is read."""
    blocks = tuple(pem_certificates(octets, place))
    certificates = tuple(parse_certificate(der, where) for der, where in blocks)
    for certificate in certificates:
        if not certificate.ca:
            fault = f"is no CA certificate: {shown(certificate.subject)}"
            raise ChainError(certificate.place, ChainFault.NO_CA, fault)
    return certificates


def join_roots(stores: Iterable[Roots]) -> Roots:
    """Join root files, each certificate once."""
    members = (one for store in stores for one in (*store.anchors, *store.intermediates))
    return _roots(members)


def pem_certificates(octets: bytes, place: str) -> Iterator[tuple[bytes, str]]:
    """Yield the certificates of a PEM file with the place of each.

    Text between the blocks is a comment (RFC 7468, 5.2).

    Raises:
        ChainError: MALFORMED or TOO_MANY.
    """
    blocks = pem.unarmor(octets, multiple=True)
    for index in range(MAX_STORED + 1):
        try:
            kind, _, der = next(blocks)
        except StopIteration:
            return
        except (ValueError, TypeError) as error:
            fault = f"block {index} is no PEM" if index else "holds no PEM"
            raise ChainError(place, ChainFault.MALFORMED, fault) from error
        if kind != _CERTIFICATE:
            fault = f"block {index} is {shown(str(kind))}, expected {_CERTIFICATE}"
            raise ChainError(place, ChainFault.MALFORMED, fault)
        yield der, f"{place}[{index}]"
    raise ChainError(place, ChainFault.TOO_MANY, f"more than {MAX_STORED} certificates")


def _roots(certificates: Iterable[Certificate]) -> Roots:
    distinct = {certificate.sha256: certificate for certificate in certificates}
    anchors = tuple(one for one in distinct.values() if one.self_issued)
    others = tuple(one for one in distinct.values() if not one.self_issued)
    return Roots(anchors, others, hashlib.sha256(b"".join(sorted(distinct))).digest())
