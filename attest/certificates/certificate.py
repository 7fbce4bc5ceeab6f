"""One certificate: DER octets to what chains and leaf rules judge, read whole and at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from asn1crypto import core, x509
from msgspec import Struct

from attest.certificates import gce
from attest.certificates.der import certificate_octets
from attest.certificates.keys import CertificateKey, read_key
from attest.certificates.model import (
    ChainError,
    ChainFault,
    GceInstance,
    TpmPart,
    TpmSpecification,
)
from attest.certificates.names import name_text, name_values
from attest.certificates.vendors import VENDORS, vendor_id
from attest.text import shown

_MANUFACTURER, _MODEL, _VERSION = "2.23.133.2.1", "2.23.133.2.2", "2.23.133.2.3"
_TPM = frozenset({_MANUFACTURER, _MODEL, _VERSION})
_SUBJECT_ALT_NAME = "2.5.29.17"
_TPM_SPECIFICATION = "2.23.133.2.16"

JUDGED = frozenset(
    {
        "1.3.6.1.5.5.7.1.1",  # authorityInfoAccess, which nobody follows
        "2.5.29.14",  # subjectKeyIdentifier
        "2.5.29.15",  # keyUsage
        "2.5.29.17",  # subjectAltName
        "2.5.29.19",  # basicConstraints
        "2.5.29.30",  # nameConstraints
        "2.5.29.31",  # cRLDistributionPoints, which nobody follows
        "2.5.29.32",  # certificatePolicies
        "2.5.29.33",  # policyMappings
        "2.5.29.35",  # authorityKeyIdentifier
        "2.5.29.36",  # policyConstraints
        "2.5.29.37",  # extendedKeyUsage
        "2.5.29.46",  # freshestCRL, which nobody follows
        "2.5.29.54",  # inhibitAnyPolicy
    }
)
"""Extensions that may be critical, since a validation knows what they mean (RFC 5280, 4.2)."""

_MOST_NAME_OCTETS = 2048
_MOST_EXTENSION_OCTETS = 4096
"""What is looked into costs time by the octet, and real certificates need a tenth of this."""

UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError)
"""What asn1crypto raises where octets are not what their type says."""


class Certificate(Struct, frozen=True):
    """What a certificate says; nothing of it is judged yet.

    Attributes:
        place: Where it was read, such as ``aik_cert_chain_b64[0]``.
        der: Its octets, without padding.
        sha256: Their SHA-256.
        subject: Subject, RFC 4514.
        issuer: Issuer, RFC 4514.
        serial: Serial number.
        not_before: First moment of its validity.
        not_after: Last moment of its validity.
        key: Its public key.
        signature: Family and hash of its signature, such as ``("ecdsa", "sha256")``.
        ca: cA of basicConstraints; None without the extension.
        key_usage: Key usages, as asn1crypto names them; None without the extension.
        usages: Dotted extended key usages; None without the extension.
        critical: Dotted ids of its critical extensions.
        tpm: The TPM that subjectAltName names, or None.
        specification: What the TPM was made to, or None.
        gce: The Google Compute Engine instance, or None.
        names: Subject and issuer as they are compared (RFC 5280, 7.1): case and spaces aside.
        key_ids: Identifiers of its own key and of its issuer's, each None without the extension.
        parsed: The certificate as asn1crypto reads it.
    """

    place: str
    der: bytes
    sha256: bytes
    subject: str
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    key: CertificateKey
    signature: tuple[str, str]
    ca: bool | None
    key_usage: frozenset[str] | None
    usages: tuple[str, ...] | None
    critical: frozenset[str]
    tpm: TpmPart | None
    specification: TpmSpecification | None
    gce: GceInstance | None
    names: tuple[str, str]
    key_ids: tuple[bytes | None, bytes | None]
    parsed: Any

    @property
    def self_issued(self) -> bool:
        """Tell whether subject and issuer are one."""
        return self.names[0] == self.names[1]


def parse_certificate(octets: bytes, place: str) -> Certificate:
    """Read a certificate, or its NVRAM index.

    Real parts write SET members out of order, serial numbers that are negative and other BER; all
    that is taken as it stands. What cannot be read to the end is refused, and so is another writing
    than DER around what is signed: its holder could choose it, and so the fingerprint.

    Args:
        octets: DER, maybe with padding of zeros or FF.
        place: Where the octets stand, for errors.

    Raises:
        ChainError: TOO_LARGE or MALFORMED.
    """
    der = certificate_octets(octets, place)
    try:
        return _read(der, place)
    except UNREADABLE as error:
        fault = f"cannot be read: {shown(' '.join(str(error).split()))}"
        raise ChainError(place, ChainFault.MALFORMED, fault) from error


def _read(der: bytes, place: str) -> Certificate:
    parsed = x509.Certificate.load(der, strict=True)
    body = parsed["tbs_certificate"]
    for name in (parsed.subject, parsed.issuer):
        if len(name.dump()) > _MOST_NAME_OCTETS:
            raise ValueError(f"a name has {len(name.dump())} octets, {_MOST_NAME_OCTETS} at most")
    if body["signature"].dump() != parsed["signature_algorithm"].dump():
        raise ValueError("names two signature algorithms")
    if framed(parsed, core.OctetBitString(parsed["signature_value"].native)) != der:
        raise ValueError("is no DER where its signature does not cover it")
    values = dict(_extensions(body))
    usages = parsed.extended_key_usage_value
    constraints = parsed.basic_constraints_value
    return Certificate(
        place=place,
        der=der,
        sha256=hashlib.sha256(der).digest(),
        subject=name_text(parsed.subject),
        issuer=name_text(parsed.issuer),
        serial=int(parsed.serial_number),
        not_before=_moment(parsed.not_valid_before),
        not_after=_moment(parsed.not_valid_after),
        key=read_key(parsed.public_key),
        signature=_signature(parsed),
        ca=None if constraints is None else bool(constraints["ca"].native),
        key_usage=_key_usage(parsed),
        usages=None if usages is None else tuple(usage.dotted for usage in usages),
        critical=frozenset(oid for oid, (critical, _) in values.items() if critical),
        tpm=_tpm(parsed),
        specification=_specification(parsed),
        gce=gce.read_gce_instance(values[gce.OID][1]) if gce.OID in values else None,
        names=(parsed.subject.hashable, parsed.issuer.hashable),
        key_ids=(parsed.key_identifier, parsed.authority_key_identifier),
        parsed=parsed,
    )


def framed(parsed: Any, signature: core.OctetBitString) -> bytes:
    """Write a certificate around what is signed, with a signature, in the one way that is DER."""
    body, algorithm = parsed["tbs_certificate"], parsed["signature_algorithm"]
    octets: bytes = core.Sequence(contents=body.dump() + algorithm.dump() + signature.dump()).dump()
    return octets


def _extensions(body: Any) -> Iterator[tuple[str, tuple[bool, bytes]]]:
    """Yield each extension once: dotted id, whether it is critical, and its octets."""
    seen = set()
    for extension in body["extensions"]:
        oid = extension["extn_id"].dotted
        if oid in seen:
            raise ValueError(f"extension {oid} stands there twice")
        seen.add(oid)
        size = len(extension["extn_value"].contents)
        if oid in JUDGED and size > _MOST_EXTENSION_OCTETS:
            raise ValueError(f"extension {oid} has {size} octets, {_MOST_EXTENSION_OCTETS} at most")
        if oid in JUDGED and oid != _SUBJECT_ALT_NAME:  # whose names have odd encodings
            extension["extn_value"].parsed.native  # noqa: B018 - now, so that nothing fails later
        yield oid, (bool(extension["critical"].native), extension["extn_value"].contents)


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError("validity is no date")  # noqa: TRY004 - a fault of the octets
    return value


def _signature(parsed: Any) -> tuple[str, str]:
    """Name the family and the hash of the certificate's signature, or its algorithm and nothing."""
    algorithm = parsed["signature_algorithm"]
    try:
        return algorithm.signature_algo, algorithm.hash_algo
    except ValueError:
        return algorithm["algorithm"].native, ""


def _key_usage(parsed: Any) -> frozenset[str] | None:
    usage = parsed.key_usage_value
    return None if usage is None else frozenset(usage.native)


def _tpm(parsed: Any) -> TpmPart | None:
    """Read manufacturer, model and version, each once, in whatever relative name they stand."""
    found: dict[str, str] = {}
    for general in parsed.subject_alt_name_value or ():
        if general.name == "directory_name":
            for dotted, text in name_values(general.chosen):
                if dotted in found and dotted in _TPM:
                    raise ValueError(f"subjectAltName names {dotted} twice")
                found[dotted] = text
    if not found.keys() >= _TPM:
        return None
    vendor = vendor_id(found[_MANUFACTURER])
    return TpmPart(
        manufacturer=found[_MANUFACTURER],
        vendor=vendor,
        vendor_name=None if vendor is None else VENDORS[vendor],
        model=found[_MODEL],
        version=found[_VERSION],
    )


def _specification(parsed: Any) -> TpmSpecification | None:
    for attribute in parsed.subject_directory_attributes_value or ():
        if attribute["type"].dotted == _TPM_SPECIFICATION:
            said = attribute["values"][0].native
            return TpmSpecification(said["family"], said["level"], said["revision"])
    return None
