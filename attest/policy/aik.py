"""The part ``aik`` of a policy: how the key that signs quotes has to be anchored."""

from __future__ import annotations

import hashlib
import re

from attest.policy import files
from attest.policy.anchoring import AikRules, Identity, RevokedCertificate, RootFile, Trust
from attest.policy.document import cited
from attest.policy.model import HIERARCHIES
from attest.policy.scalars import distinct, matching, octets, text, word
from attest.policy.section import Value
from attest.tpm.constants import HASH_SIZES

_TRUSTS = tuple(str(trust) for trust in Trust)
_OWNERS = {
    "names": Trust.ENROLLED,
    "spki_sha256": Trust.ENROLLED,
    "roots": Trust.CERTIFIED,
    "identity": Trust.CERTIFIED,
    "intermediates": Trust.CERTIFIED,
    "revoked_certificates": Trust.CERTIFIED,
}
"""Keys that only one kind of trust has."""

_SERIAL = "-?[0-9A-Fa-f]{1,64}"

_NAME_ALGS = {f"{alg:04x}": size for alg, size in HASH_SIZES.items()}
"""Digest sizes by nameAlg as a Name begins."""


def read_aik(value: Value) -> AikRules:
    """Read ``aik``, whose ``trust`` has no default.

    Raises:
        PolicyError: A key is missing, unknown or that of another trust, or a root file is not the
            one that the policy pins.
    """
    section = value.section()
    trust = Trust(word(section.need("trust"), _TRUSTS))
    for key, owner in _OWNERS.items():
        if key in section and owner is not trust:
            raise section.key_error(key, f"belongs to trust {owner}, not to {trust}")
    rules = AikRules(
        trust=trust,
        names=frozenset(section.given("names", _names, ())),
        spki_sha256=frozenset(section.given("spki_sha256", _digests, ())),
        roots=section.given("roots", _roots, ()),
        identity=section.given("identity", _identities, ()),
        intermediates=section.given("intermediates", _roots, ()),
        revoked=section.given("revoked_certificates", _revoked_certificates, ()),
        hierarchies=section.given("hierarchy", _hierarchies, None),
    )
    section.finish()
    if trust is Trust.ENROLLED and not (rules.names or rules.spki_sha256):
        raise section.missing("names", "trust enrolled needs names or spki_sha256")
    if trust is Trust.CERTIFIED and not rules.roots:
        raise section.missing("roots", "trust certified needs roots")
    if trust is Trust.CERTIFIED and not rules.identity:
        raise section.missing("identity", "trust certified needs identity: a root is no machine")
    return rules


def _names(value: Value) -> tuple[bytes, ...]:
    return distinct(value, _name)


def _digests(value: Value) -> tuple[bytes, ...]:
    return distinct(value, _sha256)


def _identities(value: Value) -> tuple[Identity, ...]:
    return distinct(value, _identity)


def _hierarchies(value: Value) -> tuple[str, ...]:
    return distinct(value, lambda item: word(item, HIERARCHIES))


def _sha256(value: Value) -> bytes:
    return octets(value, 32)


def _name(value: Value) -> bytes:
    """Read a TPM Name (TPM 2.0 Library Part 1, 16): nameAlg in two octets, then the digest."""
    prefix = value.text[:4].lower()
    if value.quoted and prefix not in _NAME_ALGS:
        raise value.error(f"expected a TPM Name, found nameAlg {cited(prefix)}")
    return octets(value, 2 + _NAME_ALGS.get(prefix, 32))


def _roots(value: Value) -> tuple[RootFile, ...]:
    return distinct(value, _root)


def _root(value: Value) -> RootFile:
    """Read one file of CA certificates and hold it against its digest; no more is judged here."""
    section = value.section()
    file, pin = section.need("file"), section.need("sha256")
    section.finish()
    path, wanted = text(file), _sha256(pin)
    if not files.stays_inside(path):
        raise file.error("must be relative and stay in the policy's folder")
    try:
        content = files.read_beside(value.document.path, path)
    except (OSError, ValueError) as error:
        raise file.error(f"cannot be read: {files.reason(error)}") from error
    digest = hashlib.sha256(content)
    if digest.digest() != wanted:
        raise pin.error(f"differs from the file's SHA-256, {digest.hexdigest()}")
    return RootFile(path, wanted, content)


def _identity(value: Value) -> Identity:
    """Read one machine, named in exactly one way."""
    section = value.section()
    leaf = section.given("leaf_sha256", _sha256, None)
    gce = section.given("gce", _gce, None)
    subject = section.given("subject", text, None)
    section.finish()
    if sum(way is not None for way in (leaf, gce, subject)) != 1:
        raise value.error("expected exactly one of leaf_sha256, gce or subject")
    return Identity(leaf_sha256=leaf, subject=subject, gce=gce)


def _gce(value: Value) -> tuple[str, str]:
    section = value.section()
    gce = text(section.need("project")), text(section.need("instance"))
    section.finish()
    return gce


def _revoked_certificates(value: Value) -> tuple[RevokedCertificate, ...]:
    return distinct(value, _revoked_certificate)


def _revoked_certificate(value: Value) -> RevokedCertificate:
    """Read one certificate that is revoked, named in exactly one way."""
    section = value.section()
    revoked = RevokedCertificate(
        sha256=section.given("sha256", _sha256, None),
        issuer=section.given("issuer", text, None),
        serial=section.given("serial", _serial, None),
        spki_sha256=section.given("spki_sha256", _sha256, None),
        reason=section.given("reason", text, None),
    )
    section.finish()
    if (revoked.issuer is None) is not (revoked.serial is None):
        raise value.error("issuer and serial belong together")
    ways = (revoked.sha256, revoked.issuer, revoked.spki_sha256)
    if sum(way is not None for way in ways) != 1:
        raise value.error("expected exactly one of sha256, issuer with serial, or spki_sha256")
    return revoked


def _serial(value: Value) -> int:
    """Read a serial number in hex, as results and tools for certificates write it."""
    if not value.quoted:
        raise value.error("expected a serial number in hex, in quotes")
    return int(matching(value, re.compile(_SERIAL)), 16)
