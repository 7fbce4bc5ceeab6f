"""A response to Evidence: theirs, parsed, unjudged, with every fault at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Annotated, Any, TypeVar

from msgspec import Meta, Struct, ValidationError, convert, to_builtins
from msgspec.structs import astuple

from attest import crypto
from attest.document import read_document, type_name
from attest.errors import MalformedError
from attest.members import MISSING, PcrValues, decoded, octets, pcr_values, unlike
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
_OPTIONAL_MEMBERS = frozenset({"endorsement", "event_log_b64", "ima_log_b64"})
_Parsed = TypeVar("_Parsed")
_Claims = tuple[object, str | None, int | None]
"""What the server says beside the evidence, and nothing vouches for: id, tier, time."""
_Parts = tuple[
    TpmsAttest | None, TpmtSignature | None, TpmtPublic | None, crypto.VerifyingKey | None
]


class Evidence(Struct, frozen=True, gc=False):
    """Evidence (RFC 9334) of one response; what could not be read is None, and a fault says why.

    Attributes:
        present: Whether the response says that it carries TPM evidence.
        declined: Whether it is exactly ``{"is_available": false}``.
        absence: Which member is missing, where there is no evidence at all; else None.
        faults: Every fault of form, each with its place; empty where all could be read.
        payload_id: ``_metadata.payload_id``, of any type.
        tier: ``_metadata.security_tier``.
        processed_at: ``_metadata.processed_at``: a time that the server claims, Unix seconds.
        member: ``_metadata.tpm_attestation`` as it came.
        attest: The quote.
        signature: Its signature.
        public: The key that is said to have signed it.
        key: The same, ready to verify.
        pcr_values: Reported PCR values by bank and index, as the server names the banks.
        pcr_banks: Reported selection, as the server writes it.
    """

    present: bool = False
    declined: bool = False
    absence: str | None = None
    faults: tuple[str, ...] = ()
    payload_id: object = None
    tier: str | None = None
    processed_at: int | None = None
    member: Mapping[str, Any] | None = None
    attest: TpmsAttest | None = None
    signature: TpmtSignature | None = None
    public: TpmtPublic | None = None
    key: crypto.VerifyingKey | None = None
    pcr_values: PcrValues | None = None
    pcr_banks: str | None = None


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
    metadata = document.get("_metadata", MISSING)
    if type(metadata) is not dict:
        return _without_metadata(metadata)
    tier = metadata.get("security_tier")
    if tier is not None and type(tier) is not str:
        faults.append(f"_metadata.security_tier: {unlike(tier, 'a string')}")
        tier = None
    processed_at = metadata.get("processed_at")
    claims = metadata.get("payload_id"), tier, processed_at if type(processed_at) is int else None
    member = metadata.get("tpm_attestation", MISSING)
    if type(member) is dict and member.get("is_available") is True:
        return _read_member(claims, member, faults)
    return _without_evidence(claims, member, faults)


def _without_metadata(metadata: object) -> Evidence:
    """Return what there is where not even metadata can be read."""
    if metadata is MISSING:
        return Evidence(absence="_metadata")
    return Evidence(faults=(f"_metadata: {unlike(metadata, 'an object')}",))


def _without_evidence(claims: _Claims, member: object, faults: list[str]) -> Evidence:
    """Return what there is where no quote is to be read."""
    if type(member) is dict:
        _refuse_unless_declined(member, faults)
    elif member is not MISSING:
        faults.append(f"tpm_attestation: {unlike(member, 'an object')}")
    payload_id, tier, processed_at = claims
    return Evidence(
        declined=type(member) is dict and not faults,
        absence="_metadata.tpm_attestation" if member is MISSING else None,
        faults=tuple(faults),
        payload_id=payload_id,
        tier=tier,
        processed_at=processed_at,
        member=member if type(member) is dict else None,
    )


def _refuse_unless_declined(member: Mapping[str, Any], faults: list[str]) -> None:
    """Name what keeps a member from being exactly ``{"is_available": false}``."""
    available = member.get("is_available")
    if available is not False:
        seen = type_name(available) if "is_available" in member else "missing"
        faults.append(f"is_available: {seen}, expected true or false")
    elif len(member) > 1:
        others = shown(", ".join(name for name in member if name != "is_available"))
        faults.append(f"is_available: false, and yet there are further members: {others}")


def _read_member(claims: _Claims, member: Mapping[str, Any], faults: list[str]) -> Evidence:
    """Read ``tpm_attestation`` where it is available."""
    attest, signature, public, key = _all_at_once(member) or _one_by_one(member, faults)
    banks = member.get("pcr_banks", MISSING)
    if type(banks) is not str:
        faults.append(f"pcr_banks: {unlike(banks, 'a string')}")
        banks = None
    values = pcr_values(member, faults)
    if not _OPTIONAL_MEMBERS.isdisjoint(member):
        _bound_optional_members(member, faults)
    return Evidence(
        True,
        False,
        None,
        tuple(faults),
        *claims,
        member,
        attest,
        signature,
        public,
        key,
        values,
        banks,
    )


_texts_of = itemgetter("quote_b64", "signature_b64", "aik_pubkey_b64")


class _Structures(Struct, frozen=True, gc=False):
    """The members of ``tpm_attestation`` that are TPM structures in base64."""

    quote_b64: Annotated[bytes, Meta(max_length=MAX_STRUCTURE)]
    signature_b64: Annotated[bytes, Meta(max_length=MAX_STRUCTURE)]
    aik_pubkey_b64: Annotated[bytes, Meta(max_length=MAX_STRUCTURE)]


def _all_at_once(member: Mapping[str, Any]) -> _Parts | None:
    """Read quote, signature and key, or None where any is at fault.

    Base64 is canonical where the octets, written anew, give the same text.
    """
    try:
        quote, signature, aik = structures = astuple(convert(member, _Structures))
        if to_builtins(structures) != _texts_of(member):
            return None
        public = parse_public(aik)
        return parse_attest(quote), parse_signature(signature), public, crypto.build_key(public)
    except (ValidationError, MalformedError):
        return None


def _one_by_one(member: Mapping[str, Any], faults: list[str]) -> _Parts:
    """Read quote, signature and key where one is at fault; name each fault, keep the others."""
    attest = _structure(member, "quote_b64", parse_attest, faults)
    signature = _structure(member, "signature_b64", parse_signature, faults)
    public = _structure(member, "aik_pubkey_b64", parse_public, faults)
    key = None
    if public is not None:
        try:
            key = crypto.build_key(public)
        except MalformedError as error:
            faults.append(f"aik_pubkey_b64: {error}")
    return attest, signature, public, key


def _structure(
    member: Mapping[str, Any], name: str, parse: Callable[[bytes], _Parsed], faults: list[str]
) -> _Parsed | None:
    """Read one TPM structure in base64, or name the fault."""
    try:
        data = octets(member, name, MAX_STRUCTURE)
    except MalformedError as error:
        faults.append(str(error))
        return None
    try:
        return parse(data)
    except MalformedError as error:
        faults.append(f"{name}: {error}")
        return None


def _bound_optional_members(member: Mapping[str, Any], faults: list[str]) -> None:
    """Refuse optional members of wrong type or size; what they say is judged elsewhere."""
    try:
        for name, most in (("event_log_b64", MAX_EVENT_LOG), ("ima_log_b64", MAX_IMA_LOG)):
            if name in member:
                octets(member, name, most)
        endorsement = member.get("endorsement", {})
        if type(endorsement) is not dict:
            raise MalformedError("endorsement", unlike(endorsement, "an object"))
        for name in _ENDORSED_STRUCTURES:
            if name in endorsement:
                decoded(f"endorsement.{name}", endorsement[name], MAX_STRUCTURE)
        for name in _ENDORSED_CHAINS:
            if name in endorsement:
                _bound_chain(name, endorsement[name])
    except MalformedError as error:
        faults.append(str(error))


def _bound_chain(name: str, chain: object) -> None:
    """Refuse a certificate chain with too many or too large certificates."""
    if type(chain) is not list:
        raise MalformedError(f"endorsement.{name}", unlike(chain, "an array"))
    if not 0 < len(chain) <= MAX_CERTIFICATES:
        fault = f"{len(chain)} certificates, expected 1 to {MAX_CERTIFICATES}"
        raise MalformedError(f"endorsement.{name}", fault)
    for position, certificate in enumerate(chain):
        decoded(f"endorsement.{name}[{position}]", certificate, MAX_CERTIFICATE)
