"""The certification of an AIK: TPM2_Certify by a long-lived AK, judged as strictly as a quote."""

from __future__ import annotations

from msgspec import Struct

from attest import crypto
from attest.attesting import (
    attributes_fault,
    magic_fault,
    primary_of,
    scheme_fault,
    scheme_name,
    signer_fault,
    strength_fault,
    type_fault,
)
from attest.endorsement import CERTIFICATION, Endorsement
from attest.evidence import Evidence
from attest.policy.model import Policy
from attest.tpm.attestation import TpmsAttest, TpmsCertifyInfo
from attest.tpm.constants import AttestType
from attest.tpm.public import TpmtPublic
from attest.tpm.signature import TpmtSignature

_OWNER = "AK"


class Certification(Struct, frozen=True, gc=False):
    """What a certification is worth; exactly one of the three texts is set.

    Attributes:
        unasked: Why there is nothing to judge.
        fault: What is wrong with it.
        told: What it says, where it holds.
        ak_name: Name of the AK, where it holds.
        ak_key: The AK, where it holds.
    """

    unasked: str | None = None
    fault: str | None = None
    told: str | None = None
    ak_name: bytes | None = None
    ak_key: crypto.VerifyingKey | None = None


NOTHING_CERTIFIED = Certification(unasked="the evidence has no certification of the AIK")


class _Parts(Struct, frozen=True, gc=False):
    """A certification whose structures could all be read."""

    certify: TpmsAttest
    signature: TpmtSignature
    public: TpmtPublic
    key: crypto.VerifyingKey | None


def certification_of(evidence: Evidence, policy: Policy, name: bytes | None) -> Certification:
    """Judge the certification in evidence.

    Args:
        evidence: The evidence.
        policy: What it asks of keys and schemes holds for the AK as for the AIK.
        name: Name of the AIK; None where that could not be read.
    """
    endorsement = evidence.endorsement
    if endorsement is None or not endorsement.offered:
        return NOTHING_CERTIFIED
    missing = [member for member in CERTIFICATION if member not in endorsement.offered]
    if missing:
        return Certification(fault=f"incomplete: {', '.join(missing)} missing")
    parts = _read(endorsement)
    if parts is None:
        return Certification(unasked="the certification could not be read")
    if name is None or evidence.attest is None:
        return Certification(unasked="the AIK or the quote could not be read")
    fault = (
        _statement_fault(parts.certify, name, evidence.attest)
        or _key_fault(parts.public, policy)
        or _signature_fault(parts, policy)
    )
    if fault is not None:
        return Certification(fault=fault)
    return _held(parts)


def _read(endorsement: Endorsement) -> _Parts | None:
    """Return what was read of a complete certification, or None where a part was not."""
    certify, signature = endorsement.certify, endorsement.signature
    public = endorsement.ak_public
    if certify is None or signature is None or public is None:
        return None
    return _Parts(certify, signature, public, endorsement.ak_key)


def _statement_fault(certify: TpmsAttest, name: bytes, quote: TpmsAttest) -> str | None:
    """Ask whether a TPM certified this AIK: its Name, and the qualified Name that signed."""
    fault = magic_fault(certify)
    if fault is not None:
        return fault
    info = certify.attested
    if not isinstance(info, TpmsCertifyInfo):
        return type_fault(certify, AttestType.CERTIFY) or "the signed structure is no certification"
    if info.name != name:
        return f"certifies {info.name.hex() or 'no Name'}, the AIK is {name.hex()}"
    if info.qualified_name != quote.qualified_signer:
        signer = quote.qualified_signer.hex() or "empty"
        seen = info.qualified_name.hex() or "empty"
        return f"certifies the qualified Name {seen}, the quote's qualifiedSigner is {signer}"
    return None


def _key_fault(public: TpmtPublic, policy: Policy) -> str | None:
    """Ask of the AK what is asked of an AIK."""
    fault = attributes_fault(public) or strength_fault(public, policy)
    return None if fault is None else f"the AK: {fault}"


def _signature_fault(parts: _Parts, policy: Policy) -> str | None:
    """Ask whether the AK signed, with its own scheme, under its own qualified Name."""
    certify, signature, public = parts.certify, parts.signature, parts.public
    fault = scheme_fault(signature, public, policy, _OWNER)
    if fault is not None:
        return fault
    key = parts.key
    unknown = "the AK is none that can be computed with"
    fault = crypto.signature_fault(key, signature, certify.signed, _OWNER) if key else unknown
    return fault or signer_fault(certify, public)


def _held(parts: _Parts) -> Certification:
    """Say what a certification says that holds."""
    certify, public = parts.certify, parts.public
    name = crypto.compute_name(public)
    hierarchy = primary_of(public, name, certify)
    place = "under a parent that is not known" if hierarchy is None else f"primary of {hierarchy}"
    scheme = scheme_name(parts.signature.scheme, parts.signature.hash)
    extra_data = certify.extra_data.hex() or "empty"
    told = f"certified by the AK {name.hex()}, {place}, {scheme}; extraData is {extra_data}"
    return Certification(told=told, ak_name=name, ak_key=parts.key)
