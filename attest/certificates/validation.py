"""One way from a leaf to a root, judged: times, revocations, usages, then RFC 5280."""

from __future__ import annotations

from collections.abc import Collection, Coroutine
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from asn1crypto import algos, keys
from cryptography.exceptions import UnsupportedAlgorithm
from pyhanko_certvalidator.authority import CertTrustAnchor, TrustQualifiers
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.errors import PathValidationError
from pyhanko_certvalidator.path import ValidationPath
from pyhanko_certvalidator.policy_decl import (
    CertRevTrustPolicy,
    RevocationCheckingPolicy,
    RevocationCheckingRule,
)
from pyhanko_certvalidator.sig_validate import (
    DEFAULT_VALIDATION_CONTEXT,
    DefaultSignatureValidator,
    SignatureValidationContext,
)
from pyhanko_certvalidator.validate import async_validate_path

from attest.certificates.certificate import JUDGED, UNREADABLE, Certificate
from attest.certificates.leaf import required_usage
from attest.certificates.model import ChainError, ChainFault
from attest.certificates.path import Way
from attest.certificates.revocation import RevocationList
from attest.text import shown

_ANY_USAGE = "2.5.29.37.0"
_SHA1 = "sha1"
_HASHES = frozenset({"sha256", "sha384", "sha512"})
_NEVER = frozenset({"md2", "md5"})
"""Hashes that the library refuses by itself; which others will do is judged before."""
_KINDS = {"rsassa_pkcs1v15": "rsa", "rsassa_pss": "rsa", "ecdsa": "ec"}
"""Kind of the key that makes a signature of this family."""
_UNSEEN = RevocationCheckingRule.NO_CHECK
_UNFETCHED = CertRevTrustPolicy(RevocationCheckingPolicy(_UNSEEN, _UNSEEN))
"""The library fetches nothing; what is revoked is the policy's to say."""
_PREFIX = "The path could not be validated because "
_FAILURES = (*UNREADABLE, AssertionError, NotImplementedError, UnsupportedAlgorithm)
"""What the library raises beside its own errors where a certificate is not what it says."""


def validate_way(
    way: Way, at: datetime, revoked: RevocationList, pinned: Collection[bytes]
) -> None:
    """Judge a way whose leaf is checked.

    Args:
        way: Leaf, issuers, root.
        at: When all must be valid.
        revoked: What must not stand on the way.
        pinned: SHA-256 of the certificates that the policy pins.

    Raises:
        ChainError: REVOKED, EXPIRED, NOT_YET_VALID, CRITICAL_EXTENSION, WEAK, NO_CA, WRONG_USAGE,
            SIGNATURE or PATH.
    """
    for certificate in way:
        _judge(certificate, at, revoked)
    for issued, issuer in pairwise(way):
        _judge_issuer(issuer)
        _judge_signature(issued, issuer, pinned)
    usage = required_usage(way[0])
    for intermediate in way[1:-1]:
        _judge_usage(intermediate, usage)
    _validate(way, at)


def _judge(certificate: Certificate, at: datetime, revoked: RevocationList) -> None:
    """Judge what every certificate of the way must be, the root too."""
    fault = revoked.fault(certificate)
    if fault is not None:
        raise ChainError(certificate.place, ChainFault.REVOKED, fault)
    told = at.astimezone(UTC).isoformat()
    if at < certificate.not_before:
        fault = f"not valid before {certificate.not_before.isoformat()}; judged at {told}"
        raise ChainError(certificate.place, ChainFault.NOT_YET_VALID, fault)
    if at > certificate.not_after:
        fault = f"expired at {certificate.not_after.isoformat()}; judged at {told}"
        raise ChainError(certificate.place, ChainFault.EXPIRED, fault)
    unknown = sorted(certificate.critical - JUDGED)
    if unknown:
        fault = f"critical extension {shown(unknown[0])} is unknown"
        raise ChainError(certificate.place, ChainFault.CRITICAL_EXTENSION, fault)


def _judge_issuer(issuer: Certificate) -> None:
    """Want a CA with a key that can be relied on."""
    usage = issuer.key_usage
    if not issuer.ca or (usage is not None and "key_cert_sign" not in usage):
        fault = f"may not issue certificates: {shown(issuer.subject)}"
        raise ChainError(issuer.place, ChainFault.NO_CA, fault)
    if issuer.key.weakness is not None:
        raise ChainError(issuer.place, ChainFault.WEAK, f"its key {issuer.key.weakness}")


def _judge_signature(issued: Certificate, issuer: Certificate, pinned: Collection[bytes]) -> None:
    """Want SHA-2 and a signature of the issuer's kind of key; the root's own is never looked at.

    SHA-1 will do under a certificate whose very octets the policy pins, as under intermediates of
    older parts of Infineon's: to find another one with the same SHA-1 would not help anybody.
    """
    family, digest = issued.signature
    if digest not in _HASHES and not (digest == _SHA1 and issued.sha256 in pinned):
        fault = f"signed with {shown(f'{family} {digest}'.strip())}, expected SHA-256, 384 or 512"
        raise ChainError(issued.place, ChainFault.WEAK, fault)
    if _KINDS.get(family) != issuer.key.kind:
        fault = f"signed with {shown(family)}, its issuer's key is {issuer.key.kind}"
        raise ChainError(issued.place, ChainFault.SIGNATURE, fault)


def _judge_usage(intermediate: Certificate, usage: str | None) -> None:
    """Want an intermediate that is limited to usages to have the leaf's among them."""
    usages = intermediate.usages
    if usages is None or usage is None or usage in usages or _ANY_USAGE in usages:
        return
    fault = f"issues for {shown(' '.join(usages))}, not for {usage}"
    raise ChainError(intermediate.place, ChainFault.WRONG_USAGE, fault)


class _CountingValidator(DefaultSignatureValidator):
    """Counts signatures, so that an error of the library gets its place.

    Attributes:
        seen: Certificates whose signature was looked at, from the root down.
        verified: Those whose signature holds.
    """

    def __init__(self) -> None:
        self.seen = 0
        self.verified = 0

    def validate_signature(
        self,
        signature: bytes,
        signed_data: bytes,
        public_key_info: keys.PublicKeyInfo,
        signature_algorithm: algos.SignedDigestAlgorithm,
        context: SignatureValidationContext = DEFAULT_VALIDATION_CONTEXT,
    ) -> None:
        self.seen += 1
        super().validate_signature(
            signature, signed_data, public_key_info, signature_algorithm, context
        )
        self.verified += 1


def _validate(way: Way, at: datetime) -> None:
    """Validate by RFC 5280, 6.1: signatures, names, path lengths, constraints, policies."""
    root = way[-1].parsed
    most = root.max_path_length
    limits = TrustQualifiers(max_path_length=most, max_aa_path_length=most)
    anchor = CertTrustAnchor(root, limits)
    issuers = [certificate.parsed for certificate in reversed(way[1:-1])]
    signatures = _CountingValidator()
    context = ValidationContext(
        trust_roots=[anchor],
        allow_fetching=False,
        moment=at,
        best_signature_time=at,
        revinfo_policy=_UNFETCHED,
        weak_hash_algos=_NEVER,
        time_tolerance=timedelta(0),
        signature_validator=signatures,
    )
    path = ValidationPath(anchor, issuers, way[0].parsed)
    try:
        run_offline(async_validate_path(context, path))
    except (PathValidationError, *_FAILURES) as error:
        raise _mapped(error, way, signatures) from error


def run_offline(validation: Coroutine[Any, Any, Any]) -> None:
    """Run a validation to its end at once; it has nothing to wait for, since nothing is fetched.

    Raises:
        RuntimeError: It wanted to wait.
    """
    try:
        validation.send(None)
    except StopIteration:
        return
    validation.close()
    raise RuntimeError("the validation of a path wanted to wait")


def _mapped(error: Exception, way: Way, signatures: _CountingValidator) -> ChainError:
    """Give an error of the library its place: the certificate that it came to last."""
    certificate = way[len(way) - 1 - signatures.seen]
    if signatures.verified < signatures.seen:
        issuer = way[len(way) - signatures.seen]
        fault = f"its signature does not verify with the key of {shown(issuer.subject)}"
        return ChainError(certificate.place, ChainFault.SIGNATURE, fault)
    fault = " ".join(str(error).removeprefix(_PREFIX).split())
    return ChainError(certificate.place, ChainFault.PATH, shown(fault))
