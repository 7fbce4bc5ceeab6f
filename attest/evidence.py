"""A response to Evidence: theirs, parsed, unjudged, with every fault at its place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from operator import itemgetter
from typing import Annotated, Any

from msgspec import Meta, Struct, ValidationError, convert, to_builtins
from msgspec.structs import astuple

from attest import crypto
from attest.document import read_document, type_name
from attest.endorsement import Endorsement, read_endorsement
from attest.errors import MalformedError
from attest.members import (
    MAX_STRUCTURE,
    MISSING,
    PcrValues,
    octets,
    pcr_values,
    structure,
    unlike,
)
from attest.text import shown
from attest.tpm.attestation import TpmsAttest, parse_attest
from attest.tpm.public import TpmtPublic, parse_public
from attest.tpm.signature import TpmtSignature, parse_signature

KIBI = 1024
MAX_EVENT_LOG = 4 * KIBI * KIBI
MAX_IMA_LOG = 32 * KIBI * KIBI

_OPTIONAL_MEMBERS = frozenset({"endorsement", "event_log_b64", "ima_log_b64"})
_Claims = tuple[object, str | None, int | None]
"""What the server says beside the evidence, and nothing vouches for: id, tier, time."""
ReadKey = tuple[TpmtPublic, crypto.VerifyingKey | None, bytes]
"""A key as it was read, ready to verify, and its Name."""
Known = Mapping[bytes, ReadKey]
"""Keys that were read before, by the octets of their TPM2B_PUBLIC."""
_NOTHING_KNOWN: Known = {}
_Parts = tuple[
    TpmsAttest | None,
    TpmtSignature | None,
    TpmtPublic | None,
    crypto.VerifyingKey | None,
    bytes | None,
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
        name: Its Name.
        pcr_values: Reported PCR values by bank and index, as the server names the banks.
        pcr_banks: Reported selection, as the server writes it.
        endorsement: What the server adds to tie the key to a TPM, or None where it adds nothing.
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
    name: bytes | None = None
    pcr_values: PcrValues | None = None
    pcr_banks: str | None = None
    endorsement: Endorsement | None = None

    @property
    def claimed_at(self) -> datetime | None:
        """The time that the server claims, in UTC; None without one, or for one in no calendar."""
        if self.processed_at is None:
            return None
        try:
            return datetime.fromtimestamp(self.processed_at, UTC)
        except (ValueError, OverflowError, OSError):
            return None


def read_evidence(response: object, known: Known = _NOTHING_KNOWN) -> Evidence:
    """Read the evidence of a response: JSON octets or the decoded dict. Never raises.

    Args:
        response: The response.
        known: Keys that need not be read again; to read one gives the same.
    """
    try:
        document = read_document(response)
    except MalformedError as error:
        return Evidence(faults=(str(error),))
    return evidence_of(document, known)


def evidence_of(document: Mapping[str, Any], known: Known = _NOTHING_KNOWN) -> Evidence:
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
        return _read_member(claims, member, faults, known)
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


def _read_member(
    claims: _Claims, member: Mapping[str, Any], faults: list[str], known: Known
) -> Evidence:
    """Read ``tpm_attestation`` where it is available."""
    read = _all_at_once(member, known) or _one_by_one(member, faults)
    attest, signature, public, key, name = read
    banks = member.get("pcr_banks", MISSING)
    if type(banks) is not str:
        faults.append(f"pcr_banks: {unlike(banks, 'a string')}")
        banks = None
    values = pcr_values(member, faults)
    endorsement = None
    if not _OPTIONAL_MEMBERS.isdisjoint(member):
        endorsement = _read_optional_members(member, faults)
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
        name,
        values,
        banks,
        endorsement,
    )


_texts_of = itemgetter("quote_b64", "signature_b64", "aik_pubkey_b64")


class _Structures(Struct, frozen=True, gc=False):
    """The members of ``tpm_attestation`` that are TPM structures in base64."""

    quote_b64: Annotated[bytes, Meta(max_length=MAX_STRUCTURE)]
    signature_b64: Annotated[bytes, Meta(max_length=MAX_STRUCTURE)]
    aik_pubkey_b64: Annotated[bytes, Meta(max_length=MAX_STRUCTURE)]


def _all_at_once(member: Mapping[str, Any], known: Known) -> _Parts | None:
    """Read quote, signature and key, or None where any is at fault.

    Base64 is canonical where the octets, written anew, give the same text.
    """
    try:
        quote, signature, aik = structures = astuple(convert(member, _Structures))
        if to_builtins(structures) != _texts_of(member):
            return None
        key = known.get(aik)
        if key is None:
            public = parse_public(aik)
            key = public, crypto.build_key(public), crypto.compute_name(public)
        return parse_attest(quote), parse_signature(signature), *key
    except (ValidationError, MalformedError):
        return None


def _one_by_one(member: Mapping[str, Any], faults: list[str]) -> _Parts:
    """Read quote, signature and key where one is at fault; name each fault, keep the others."""
    attest = structure(member, "quote_b64", parse_attest, faults)
    signature = structure(member, "signature_b64", parse_signature, faults)
    public = structure(member, "aik_pubkey_b64", parse_public, faults)
    key = name = None
    if public is not None:
        name = crypto.compute_name(public)
        try:
            key = crypto.build_key(public)
        except MalformedError as error:
            faults.append(f"aik_pubkey_b64: {error}")
    return attest, signature, public, key, name


def _read_optional_members(member: Mapping[str, Any], faults: list[str]) -> Endorsement | None:
    """Read the endorsement, and bound the logs; what they say is judged elsewhere."""
    for name, most in (("event_log_b64", MAX_EVENT_LOG), ("ima_log_b64", MAX_IMA_LOG)):
        try:
            if name in member:
                octets(member, name, most)
        except MalformedError as error:
            faults.append(str(error))
    return read_endorsement(member["endorsement"], faults) if "endorsement" in member else None
