"""Ways from a leaf to a pinned root: found by names, in few steps, among what is at hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attest.certificates.certificate import Certificate
from attest.certificates.model import ChainError, ChainFault
from attest.certificates.roots import Roots
from attest.text import shown

MAX_LENGTH = 8
"""Certificates of one way, leaf and root included."""
MAX_WAYS = 8
"""Ways that are tried, the ones valid at the time first."""
MAX_STEPS = 256
"""Certificates that are looked at as the next one: hostile ones could all issue each other."""

Way = tuple[Certificate, ...]
"""A leaf, the certificate of its issuer, and so on to a root."""


def find_ways(
    leaf: Certificate, given: tuple[Certificate, ...], roots: Roots, at: datetime
) -> tuple[Way, ...]:
    """Find ways from a leaf to a pinned root; signatures are looked at later.

    Args:
        leaf: Where the ways begin.
        given: Intermediates of the evidence, in any order.
        roots: Pinned roots, and the policy's intermediates.
        at: What is valid at this moment is tried first.

    Raises:
        ChainError: NO_PATH, at the last certificate that could be reached.
    """
    search = _Search(given, roots, at)
    found: list[Way] = []
    for way in search.ways((leaf,)):
        found.append(way)
        if len(found) == MAX_WAYS:
            break
    if not found:
        raise search.error()
    return tuple(found)


class _Search:
    """Depth first, with a bound on all steps together."""

    def __init__(self, given: tuple[Certificate, ...], roots: Roots, at: datetime) -> None:
        self._anchors = _by_subject(roots.anchors, at)
        self._others = _by_subject((*given, *roots.intermediates), at)
        self._steps = MAX_STEPS
        self._end: Way = ()

    def ways(self, way: Way) -> Iterator[Way]:
        """Yield the ways that begin like this."""
        last = way[-1]
        if len(way) > len(self._end):
            self._end = way
        issuer = last.names[1]
        for anchor in self._anchors.get(issuer, ()):
            if _may_issue(anchor, last):
                yield (*way, anchor)
        if len(way) + 1 == MAX_LENGTH:
            return
        known = {certificate.sha256 for certificate in way}
        for other in self._others.get(issuer, ()):
            if not self._steps:
                return
            self._steps -= 1
            if other.sha256 not in known and _may_issue(other, last):
                yield from self.ways((*way, other))

    def error(self) -> ChainError:
        """Say where the longest way ended."""
        last = self._end[-1]
        if not self._steps:
            fault = f"no pinned root within {MAX_STEPS} steps"
        else:
            issuer = shown(last.issuer) or "empty"
            fault = f"no path to a pinned root: no certificate of its issuer, {issuer}"
        return ChainError(last.place, ChainFault.NO_PATH, fault)


def _by_subject(
    certificates: tuple[Certificate, ...], at: datetime
) -> dict[str, list[Certificate]]:
    """Group certificates by subject, those valid at the moment first, each once."""
    distinct: dict[bytes, Certificate] = {}
    for certificate in certificates:
        distinct.setdefault(certificate.sha256, certificate)
    ordered = sorted(distinct.values(), key=lambda one: not one.not_before <= at <= one.not_after)
    grouped: dict[str, list[Certificate]] = {}
    for certificate in ordered:
        grouped.setdefault(certificate.names[0], []).append(certificate)
    return grouped


def _may_issue(issuer: Certificate, issued: Certificate) -> bool:
    """Tell whether key identifiers allow it, where both have one (RFC 5280, 4.2.1.1)."""
    wanted, seen = issued.key_ids[1], issuer.key_ids[0]
    return not wanted or not seen or wanted == seen
