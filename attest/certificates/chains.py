"""The door to chains: a validator holds roots and revocations, and keeps the chains that held."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from threading import Lock

from msgspec.structs import replace

from attest.certificates.certificate import Certificate, parse_certificate
from attest.certificates.der import certificate_octets
from attest.certificates.extra import require_chains
from attest.certificates.leaf import check_leaf
from attest.certificates.model import (
    MAX_CERTIFICATE_OCTETS,
    MAX_CERTIFICATES,
    MAX_CHAIN_OCTETS,
    Chain,
    ChainError,
    ChainFault,
    Purpose,
)
from attest.certificates.path import Way, find_ways
from attest.certificates.revocation import Revocation, RevocationList
from attest.certificates.roots import Roots

MAX_KEPT = 4096
"""Validated chains that a validator keeps: about a kilobyte each."""


class ChainValidator:
    """Validates chains against one set of roots and revocations, and keeps those that held.

    What is kept holds for these certificates, roots, intermediates and revocations, and only in the
    interval in which all certificates of the path are valid; whether a chain is about a key or a
    machine is asked anew each time. Failures are not kept. May be used by several threads.
    """

    def __init__(
        self, roots: Roots, revoked: Iterable[Revocation] = (), most: int = MAX_KEPT
    ) -> None:
        """Take the roots and revocations of a policy.

        Args:
            roots: Trust anchors, and intermediates that complete chains.
            revoked: Certificates that must stand on no path, roots included.
            most: Chains that are kept, the ones last asked for.

        Raises:
            MissingExtraError: The extra ``ek`` is not installed.
        """
        require_chains("a certificate chain")
        self._roots = roots
        self._revoked = RevocationList(revoked)
        self._most = most
        self._kept: OrderedDict[bytes, Chain] = OrderedDict()
        self._lock = Lock()
        self._reading = Lock()
        self._known = {one.sha256: one for one in (*roots.anchors, *roots.intermediates)}

    def validate(self, chain: Sequence[bytes], purpose: Purpose, at: datetime, place: str) -> Chain:
        """Validate a chain at a moment, without network.

        Args:
            chain: DER certificates, the leaf first, the others in any order; the root may be left
                out. Padding after each is taken as that of an NVRAM index.
            purpose: What the leaf has to be.
            at: The moment at which all must be valid: that of the evidence. Aware.
            place: Name of the chain in errors, such as ``aik_cert_chain_b64``.

        Returns:
            What the chain says. That it is about a given key is asked by ``demand_key``, that it is
            about a given machine by ``identity``.

        Raises:
            ChainError: The chain does not hold; it says which certificate, and why.
            ValueError: The moment has no time zone.
        """
        if at.tzinfo is None or at.utcoffset() is None:
            raise ValueError("the moment of a chain needs a time zone")
        _check_sizes(chain, place)
        key = _digest(chain, purpose)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.holds_at(at):
                self._kept.move_to_end(key)
                return kept
        with self._reading:  # asn1crypto reads piece by piece, also what threads share
            validated = self._validate(chain, purpose, at, place)
        with self._lock:
            self._kept[key] = validated
            self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return validated

    def kept(self) -> int:
        """Count the chains that are kept."""
        with self._lock:
            return len(self._kept)

    def _validate(
        self, chain: Sequence[bytes], purpose: Purpose, at: datetime, place: str
    ) -> Chain:
        """Validate: read all, judge the leaf, try the ways to a root, the first one that holds."""
        from attest.certificates.validation import validate_way  # noqa: PLC0415 - an extra

        places = [f"{place}[{index}]" for index in range(len(chain))]
        cut = list(map(certificate_octets, chain, places))
        total = sum(map(len, cut))
        if total > MAX_CHAIN_OCTETS:
            fault = f"{total} octets exceed {MAX_CHAIN_OCTETS}"
            raise ChainError(place, ChainFault.TOO_LARGE, fault)
        certificates = tuple(map(self._read, cut, places))
        leaf = certificates[0]
        check_leaf(leaf, purpose)
        errors: list[ChainError] = []
        for way in find_ways(leaf, certificates[1:], self._roots, at):
            try:
                validate_way(way, at, self._revoked, self._known)
            except ChainError as error:
                errors.append(error)
            else:
                return _chain(way, purpose)
        raise errors[0]

    def _read(self, der: bytes, place: str) -> Certificate:
        """Read a certificate, but one of the policy's only once."""
        known = self._known.get(hashlib.sha256(der).digest())
        return parse_certificate(der, place) if known is None else replace(known, place=place)


def demand_key(chain: Chain, spki_sha256: bytes, place: str) -> None:
    """Refuse a chain that is about another key.

    Args:
        chain: A validated chain.
        spki_sha256: SHA-256 of the key's SubjectPublicKeyInfo (``attest.crypto.spki_sha256``).
        place: Name of the chain in errors.

    Raises:
        ChainError: OTHER_KEY.
    """
    if chain.spki_sha256 != spki_sha256:
        seen, wanted = chain.spki_sha256.hex(), spki_sha256.hex()
        fault = f"certifies the key with SPKI SHA-256 {seen}, the evidence's has {wanted}"
        raise ChainError(f"{place}[0]", ChainFault.OTHER_KEY, fault)


def _check_sizes(chain: Sequence[bytes], place: str) -> None:
    """Bound the chain before anything is computed over it."""
    if not chain:
        raise ChainError(place, ChainFault.EMPTY, "no certificate")
    if len(chain) > MAX_CERTIFICATES:
        fault = f"{len(chain)} certificates exceed {MAX_CERTIFICATES}"
        raise ChainError(place, ChainFault.TOO_MANY, fault)
    for index, octets in enumerate(chain):
        if len(octets) > MAX_CERTIFICATE_OCTETS:
            fault = f"{len(octets)} octets exceed {MAX_CERTIFICATE_OCTETS}"
            raise ChainError(f"{place}[{index}]", ChainFault.TOO_LARGE, fault)


def _digest(chain: Sequence[bytes], purpose: Purpose) -> bytes:
    """Name a chain: kept by digest, so that padding cannot fill the memory."""
    digest = hashlib.sha256(purpose.encode())
    for octets in chain:
        digest.update(len(octets).to_bytes(4, "big"))
        digest.update(octets)
    return digest.digest()


def _chain(way: Way, purpose: Purpose) -> Chain:
    leaf: Certificate = way[0]
    root = way[-1]
    return Chain(
        purpose=purpose,
        leaf_sha256=leaf.sha256,
        spki_sha256=leaf.key.spki_sha256,
        subject=leaf.subject,
        issuer=leaf.issuer,
        serial=leaf.serial,
        usages=leaf.usages or (),
        root_sha256=root.sha256,
        root_subject=root.subject,
        path=tuple(certificate.sha256 for certificate in way),
        not_before=max(certificate.not_before for certificate in way),
        not_after=min(certificate.not_after for certificate in way),
        tpm=leaf.tpm,
        specification=leaf.specification,
        gce=leaf.gce,
    )
