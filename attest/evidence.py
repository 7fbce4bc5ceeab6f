"""A response to Evidence: theirs, parsed, unjudged, with every fault at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct

from attest import crypto
from attest.document import read_document, type_name
from attest.errors import MalformedError
from attest.members import PcrValues, decoded, octets, pcr_values, wrong_type
from attest.text import shown
from attest.tpm.attestation import TpmsAttest, parse_attest
from attest.tpm.public import TpmtPublic, parse_public
from attest.tpm.signature import TpmtSignature, parse_signature

KIBI = 1024
MAX_STRUCTURE = 64 * KIBI
"""Octets of a quote, a signature, a key."""
MAX_CERTIFICATE = 16 * KIBI
MAX_CERTIFICATES = 16
MAX_EVENT_LOG = 4 * KIBI * KIBI
MAX_IMA_LOG = 32 * KIBI * KIBI

_ENDORSED_STRUCTURES = ("ak_pubkey_b64", "certify_b64", "certify_signature_b64")
_ENDORSED_CHAINS = ("aik_cert_chain_b64", "ak_cert_chain_b64")
_Parsed = TypeVar("_Parsed")


class Evidence(Struct, frozen=True, gc=False):
    """Evidence (RFC 9334) of one response; what could not be read is None, and a fault says why.

    Attributes:
        present: Whether the response says that it carries TPM evidence.
        declined: Whether it is exactly ``{"is_available": false}``.
        absence: Which member is missing, where there is no evidence at all; else None.
        faults: Every fault of form, each with its place; empty where all could be read.
        attest: The quote.
        signature: Its signature.
        public: The key that is said to have signed it.
        key: The same, ready to verify.
        pcr_values: Reported PCR values by bank and index, as the server names the banks.
        pcr_banks: Reported selection, as the server writes it.
        payload_id: ``_metadata.payload_id``, of any type.
        tier: ``_metadata.security_tier``.
        processed_at: ``_metadata.processed_at``: a time that the server claims, Unix seconds.
        member: ``_metadata.tpm_attestation`` as it came.
    """

    present: bool = False
    declined: bool = False
    absence: str | None = None
    faults: tuple[str, ...] = ()
    attest: TpmsAttest | None = None
    signature: TpmtSignature | None = None
    public: TpmtPublic | None = None
    key: crypto.VerifyingKey | None = None
    pcr_values: PcrValues | None = None
    pcr_banks: str | None = None
    payload_id: object = None
    tier: str | None = None
    processed_at: int | None = None
    member: Mapping[str, Any] | None = None


def read_evidence(response: object) -> Evidence:
    """Read the evidence of a response: JSON octets or the decoded dict. Never raises."""
    try:
        document = read_document(response)
    except MalformedError as error:
        return Evidence(faults=(str(error),))
    return evidence_of(document)


def evidence_of(document: Mapping[str, Any]) -> Evidence:
    """Read the evidence of a document that ``read_document`` returned. Never raises."""
    faults: list[str] = []
    if "_metadata" not in document:
        return Evidence(absence="_metadata")
    metadata = _object(document, "_metadata", faults)
    if metadata is None:
        return Evidence(faults=tuple(faults))
    tier = metadata.get("security_tier")
    if tier is not None and type(tier) is not str:
        faults.append(f"_metadata.security_tier: {type_name(tier)}, expected a string")
        tier = None
    claimed = metadata.get("processed_at")
    claims = _Claims(metadata.get("payload_id"), tier, claimed if type(claimed) is int else None)
    member = None
    if "tpm_attestation" in metadata:
        member = _object(metadata, "tpm_attestation", faults)
    if member is None:
        return _without_evidence(claims, None, faults)
    available = member.get("is_available")
    if available is not True:
        if available is not False:
            seen = type_name(available) if "is_available" in member else "missing"
            faults.append(f"is_available: {seen}, expected true or false")
        elif len(member) > 1:
            others = ", ".join(shown(name, 40) for name in member if name != "is_available")
            faults.append(f"is_available: false, and yet there are further members: {others}")
        return _without_evidence(claims, member, faults)
    return _read_member(claims, member, faults)


class _Claims(Struct, frozen=True, gc=False):
    """What the server says beside the evidence; nothing vouches for it."""

    payload_id: object
    tier: str | None
    processed_at: int | None


def _without_evidence(
    claims: _Claims, member: Mapping[str, Any] | None, faults: list[str]
) -> Evidence:
    """Return what there is where no quote is to be read."""
    return Evidence(
        declined=member is not None and not faults,
        absence=None if member is not None or faults else "_metadata.tpm_attestation",
        faults=tuple(faults),
        payload_id=claims.payload_id,
        tier=claims.tier,
        processed_at=claims.processed_at,
        member=member,
    )


def _read_member(claims: _Claims, member: Mapping[str, Any], faults: list[str]) -> Evidence:
    """Read ``tpm_attestation`` where it is available."""
    public = _structure(member, "aik_pubkey_b64", parse_public, faults)
    banks = member.get("pcr_banks")
    if type(banks) is not str:
        faults.append(wrong_type(member, "pcr_banks", "a string"))
        banks = None
    attest = _structure(member, "quote_b64", parse_attest, faults)
    signature = _structure(member, "signature_b64", parse_signature, faults)
    key = _built_key(public, faults) if public is not None else None
    values = pcr_values(member, faults)
    if "endorsement" in member or "event_log_b64" in member or "ima_log_b64" in member:
        _bound_optional_members(member, faults)
    return Evidence(
        True,
        False,
        None,
        tuple(faults),
        attest,
        signature,
        public,
        key,
        values,
        banks,
        claims.payload_id,
        claims.tier,
        claims.processed_at,
        member,
    )


def _built_key(public: TpmtPublic, faults: list[str]) -> crypto.VerifyingKey | None:
    """Build the key once, for the one signature that it verifies."""
    try:
        return crypto.build_key(public)
    except MalformedError as error:
        faults.append(f"aik_pubkey_b64: {error}")
        return None


def _object(parent: Mapping[str, Any], member: str, faults: list[str]) -> Mapping[str, Any] | None:
    """Take a member that must be an object."""
    value = parent.get(member)
    if type(value) is not dict:
        faults.append(wrong_type(parent, member, "an object"))
        return None
    return value


def _structure(
    member: Mapping[str, Any], name: str, parse: Callable[[bytes], _Parsed], faults: list[str]
) -> _Parsed | None:
    """Take a TPM structure in base64."""
    try:
        return parse(octets(member, name, MAX_STRUCTURE))
    except MalformedError as error:
        faults.append(str(error) if error.place == name else f"{name}: {error}")
        return None


def _bound_optional_members(member: Mapping[str, Any], faults: list[str]) -> None:
    """Refuse optional members of wrong type or size; what they say is judged elsewhere."""
    try:
        for name, most in (("event_log_b64", MAX_EVENT_LOG), ("ima_log_b64", MAX_IMA_LOG)):
            if name in member:
                octets(member, name, most)
        endorsement = member.get("endorsement", {})
        if type(endorsement) is not dict:
            raise MalformedError("endorsement", f"{type_name(endorsement)}, expected an object")
        for name in _ENDORSED_STRUCTURES:
            if name in endorsement:
                octets(endorsement, name, MAX_STRUCTURE)
        for name in _ENDORSED_CHAINS:
            if name in endorsement:
                _bound_chain(name, endorsement[name])
    except MalformedError as error:
        faults.append(str(error))


def _bound_chain(name: str, chain: object) -> None:
    """Refuse a certificate chain with too many or too large certificates."""
    if type(chain) is not list:
        raise MalformedError(f"endorsement.{name}", f"{type_name(chain)}, expected an array")
    if not 0 < len(chain) <= MAX_CERTIFICATES:
        fault = f"{len(chain)} certificates, expected 1 to {MAX_CERTIFICATES}"
        raise MalformedError(f"endorsement.{name}", fault)
    for position, certificate in enumerate(chain):
        place = f"endorsement.{name}[{position}]"
        if type(certificate) is not str:
            raise MalformedError(place, f"{type_name(certificate)}, expected a string")
        decoded(place, certificate, MAX_CERTIFICATE)
