"""What the checks judge evidence by: the caller's expectations, and facts that several need."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from attest import crypto
from attest.evidence import Evidence
from attest.policy.compare import Comparison, Quoted, compare
from attest.policy.model import HIERARCHIES, NonceMode, Policy
from attest.result import Anchor
from attest.tpm.attestation import TpmsAttest, TpmsQuoteInfo
from attest.tpm.constants import alg_name
from attest.tpm.public import TpmtPublic

_HIERARCHY_NAMES = {handle: name for name, handle in HIERARCHIES.items()}


class Request(Struct, frozen=True, gc=False):
    """What the caller knows of its own request.

    Attributes:
        payload_id: Id that the caller sent; None leaves the saved one.
        nonce: Expected extraData, for policies with ``nonce: given``.
        security_tier: Tier that the caller asked for, or None.
        at: Moment of every validity decision; None where none is known.
    """

    payload_id: object = None
    nonce: bytes | None = None
    security_tier: str | None = None
    at: datetime | None = None


class Context(Struct, frozen=True, gc=False):
    """What the checks judge by.

    Attributes:
        policy: The policy; where none applies, one that asks for nothing.
        scope_fault: Why no policy, or not this one, applies; None where it does.
        request: The caller's side.
        nonce: Expected extraData, or None where there is none to expect.
        nonce_fault: Why there is none to expect, though the policy wants one compared.
        name: Name of the AIK.
        hierarchy: Hierarchy under which the AIK is a primary, by the quote's qualifiedSigner.
        quoted: PCR values under the signed selection; None without quote or values.
        comparison: Those values against the policy; None without values.
        anchor: What ties the AIK to a known TPM, or None.
    """

    policy: Policy
    scope_fault: str | None
    request: Request
    nonce: bytes | None
    nonce_fault: str | None
    name: bytes | None
    hierarchy: str | None
    quoted: Quoted | None
    comparison: Comparison | None
    anchor: Anchor | None


def gather(
    evidence: Evidence, policy: Policy, scope_fault: str | None, request: Request
) -> Context:
    """Compute once what several checks and the result need."""
    nonce, nonce_fault = _expected_nonce(evidence, policy, request)
    name = hierarchy = None
    if evidence.public is not None:
        name = crypto.compute_name(evidence.public)
        if evidence.attest is not None:
            hierarchy = primary_of(evidence.public, name, evidence.attest)
    quoted = _quoted(evidence)
    comparison = None if quoted is None else compare(policy, quoted, request.at)
    anchor = _anchor(evidence, policy, name)
    return Context(
        policy,
        scope_fault,
        request,
        nonce,
        nonce_fault,
        name,
        hierarchy,
        quoted,
        comparison,
        anchor,
    )


def primary_of(public: TpmtPublic, name: bytes, attest: TpmsAttest) -> str | None:
    """Name the hierarchy under which the signer of a quote is this key as a primary, if any."""
    handle = crypto.primary_hierarchy(public.name_alg, name, attest.qualified_signer)
    return None if handle is None else _HIERARCHY_NAMES[handle]


def _expected_nonce(
    evidence: Evidence, policy: Policy, request: Request
) -> tuple[bytes | None, str | None]:
    """Return the expected extraData, and what is wrong with the ids that it comes from."""
    saved, sent = evidence.payload_id, request.payload_id
    if sent is not None and saved is not None and saved != sent:
        return None, "the saved payload_id is not the one that was sent"
    if policy.nonce is NonceMode.GIVEN:
        return request.nonce, None if request.nonce else "no nonce was given"
    if request.nonce is not None:
        return None, "a nonce was given, and the policy that applies does not ask for one"
    if policy.nonce is NonceMode.NONE:
        return None, None
    payload_id = saved if sent is None else sent
    if type(payload_id) is not str or not payload_id:
        owner = "saved" if sent is None else "given"
        return None, f"the {owner} payload_id is {'empty' if payload_id == '' else 'no string'}"
    try:
        return crypto.payload_nonce(payload_id.encode()), None
    except UnicodeEncodeError:
        return None, "the payload_id is not UTF-8"


def _quoted(evidence: Evidence) -> Quoted | None:
    """Return the reported values of the PCRs in the signed selection, and of no others."""
    if evidence.attest is None or evidence.pcr_values is None:
        return None
    info = evidence.attest.attested
    if not isinstance(info, TpmsQuoteInfo):
        return None
    quoted: dict[int, dict[int, bytes]] = {}
    for selection in info.pcr_select:
        reported = evidence.pcr_values.get(alg_name(selection.hash))
        if reported is not None and selection.indices:
            bank = quoted.setdefault(selection.hash, {})
            for index in selection.indices:
                if index in reported:
                    bank[index] = reported[index]
    return quoted


def _anchor(evidence: Evidence, policy: Policy, name: bytes | None) -> Anchor | None:
    """Return what ties the AIK to a known TPM: its enrolled Name or public key."""
    rules = policy.aik
    if name is not None and name in rules.names:
        return Anchor("enrolled", "name", name)
    if evidence.key is not None and rules.spki_sha256:
        spki = crypto.spki_sha256(evidence.key)
        if spki in rules.spki_sha256:
            return Anchor("enrolled", "spki_sha256", spki)
    return None
