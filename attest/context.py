"""What the checks judge evidence by: the caller's expectations, and facts that several need."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from attest import crypto
from attest.attesting import primary_of
from attest.certification import NOTHING_CERTIFIED, Certification, certification_of
from attest.chained import NOTHING_CHAINED, Chained
from attest.evidence import Evidence
from attest.members import PcrValues
from attest.policy.anchoring import Trust
from attest.policy.compare import Comparison, Quoted, compare
from attest.policy.model import NonceMode, Policy
from attest.result import Anchor
from attest.text import unexpected
from attest.tpm.attestation import TpmsQuoteInfo

_GIVEN, _PAYLOAD_ID = NonceMode.GIVEN, NonceMode.PAYLOAD_ID
_UNANCHORED = Trust.UNANCHORED
_CERTIFY = "certify"
"""How an anchor reaches the AIK where it is the AK's that certifies it."""


class Request(Struct, frozen=True, gc=False):
    """What the caller knows of its own request.

    Attributes:
        payload_id: Id that the caller sent; None leaves the saved one.
        nonce: Expected extraData, for policies with ``nonce: given``.
        security_tier: Tier that the caller asked for, or None.
        at: Moment of every validity decision; None where none is known.
        cross_check: Whether a second stack is to judge structures and signatures too.
    """

    payload_id: object = None
    nonce: bytes | None = None
    security_tier: str | None = None
    at: datetime | None = None
    cross_check: bool = False


class Context(Struct, frozen=True, gc=False):
    """What the checks judge by.

    Attributes:
        policy: The policy; where none applies, one that asks for nothing.
        scope_fault: Why no policy, or not this one, applies; None where it does.
        request: The caller's side.
        payload_id: The caller's id, else the saved one; None where that is no text.
        nonce: Expected extraData, or None where there is none to expect.
        nonce_fault: Why there is none to expect, though the policy wants one compared.
        hierarchy: Hierarchy under which the AIK is a primary, by the quote's qualifiedSigner.
        quoted: PCR values under the signed selection, in its order; None without quote or values.
        comparison: Those values against the policy; None without values.
        anchor: What ties the AIK to a known TPM, or None.
        certification: What the certification of the AIK by an AK is worth.
        chained: What the certificate chain of the AIK or of that AK is worth.
    """

    policy: Policy
    scope_fault: str | None
    request: Request
    payload_id: str | None
    nonce: bytes | None
    nonce_fault: str | None
    hierarchy: str | None
    quoted: Quoted | None
    comparison: Comparison | None
    anchor: Anchor | None
    certification: Certification = NOTHING_CERTIFIED
    chained: Chained = NOTHING_CHAINED


def gather(
    evidence: Evidence, policy: Policy, scope_fault: str | None, request: Request
) -> Context:
    """Compute once what several checks and the result need."""
    payload_id, nonce, nonce_fault = _expected(evidence, policy, request)
    public, name = evidence.public, evidence.name
    attest, values = evidence.attest, evidence.pcr_values
    hierarchy = quoted = comparison = anchor = None
    if public is not None and name is not None and attest is not None:
        hierarchy = primary_of(public, name, attest)
    if attest is not None and values is not None and isinstance(attest.attested, TpmsQuoteInfo):
        quoted = _quoted(attest.attested, values)
        comparison = compare(policy, quoted, request.at)
    certification, chained = NOTHING_CERTIFIED, NOTHING_CHAINED
    if evidence.endorsement is not None:
        certification, chained = _endorsed(evidence, policy, name, request)
    if name is not None and policy.aik.trust is not _UNANCHORED:
        anchor = _anchor(evidence, policy, name, certification, chained)
    return Context(
        policy,
        scope_fault,
        request,
        payload_id,
        nonce,
        nonce_fault,
        hierarchy,
        quoted,
        comparison,
        anchor,
        certification,
        chained,
    )


def _quoted(info: TpmsQuoteInfo, reported: PcrValues) -> Quoted:
    """Return the reported values of the PCRs in the signed selection, and of no others."""
    quoted: dict[int, Mapping[int, bytes]] = {}
    for selection in info.pcr_select:
        bank = reported.get(selection.bank)
        if bank is not None and selection.indices:
            if tuple(bank) != selection.indices:
                bank = {pcr: bank[pcr] for pcr in selection.indices if pcr in bank}
            quoted[selection.hash] = bank
    return quoted


def _expected(
    evidence: Evidence, policy: Policy, request: Request
) -> tuple[str | None, bytes | None, str | None]:
    """Return the payload id, the expected extraData, and why there is none to expect.

    The id is the caller's, or else the saved one, and None where that is no text.
    """
    saved, sent = evidence.payload_id, request.payload_id
    payload_id, octets = _text(saved if sent is None else sent)
    if sent is not None and saved is not None and saved != sent:
        return payload_id, None, "the saved payload_id is not the one that was sent"
    mode, nonce = policy.nonce, request.nonce
    if mode is _PAYLOAD_ID and nonce is None:
        if octets:
            return payload_id, crypto.payload_nonce(octets), None
        owner = "saved" if sent is None else "given"
        return payload_id, None, f"the {owner} payload_id is missing, empty or no text"
    if mode is _GIVEN:
        return payload_id, nonce, None if nonce else "no nonce was given"
    if nonce is not None:
        fault = "a nonce was given, and the policy that applies does not ask for one"
        return payload_id, None, fault
    return payload_id, None, None


def _text(payload_id: object) -> tuple[str | None, bytes]:
    """Return an id with its octets; None and no octets where it is no text."""
    if type(payload_id) is not str:
        return None, b""
    try:
        return payload_id, payload_id.encode()
    except UnicodeEncodeError:
        return None, b""


def _endorsed(
    evidence: Evidence, policy: Policy, name: bytes | None, request: Request
) -> tuple[Certification, Chained]:
    """Judge what the evidence offers to tie its AIK to a TPM; an exception counts against it."""
    try:
        certification = certification_of(evidence, policy, name)
    except Exception as error:  # noqa: BLE001 - whatever it is, it refuses
        certification = Certification(fault=unexpected(error))
    try:
        from attest.chaining import chain_of  # noqa: PLC0415 - for few responses

        chained = chain_of(evidence, policy.aik, certification, request.at)
    except Exception as error:  # noqa: BLE001 - whatever it is, it refuses
        chained = Chained(fault=unexpected(error))
    return certification, chained


def _anchor(
    evidence: Evidence,
    policy: Policy,
    name: bytes,
    certification: Certification,
    chained: Chained,
) -> Anchor | None:
    """Return what ties the AIK to a known TPM, by itself or through the AK that certifies it."""
    if policy.aik.trust is Trust.CERTIFIED:
        return _certified(chained)
    anchor = _enrolled(policy, name, evidence.key)
    if anchor is None and certification.ak_name is not None:
        anchor = _enrolled(policy, certification.ak_name, certification.ak_key, _CERTIFY)
    return anchor


def _enrolled(
    policy: Policy, name: bytes, key: crypto.VerifyingKey | None, via: str | None = None
) -> Anchor | None:
    """Return how a key is enrolled: by its Name, or by its public key."""
    rules = policy.aik
    if name in rules.names:
        return Anchor("enrolled", "name", name, via)
    if key is not None and rules.spki_sha256:
        spki = crypto.spki_sha256(key)
        if spki in rules.spki_sha256:
            return Anchor("enrolled", "spki_sha256", spki, via)
    return None


def _certified(chained: Chained) -> Anchor | None:
    """Return the chain that holds, by its leaf."""
    chain = chained.chain
    if chain is None:
        return None
    via = _CERTIFY if chained.is_aks else None
    return Anchor("certified", "leaf_sha256", chain.leaf_sha256, via, chain, chained.identity)
