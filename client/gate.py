"""The gate: an opened answer is judged, its record made durable, and only then released.

What was judged is what is released: the answer is parsed once. Every outcome is a value, so that no
exception's frames ever hold an answer.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from attest.archive import Archive, Decision, Mode, Phase
from attest.context import Request
from attest.document import read_document
from attest.errors import EvidenceWriteError, MalformedError, PolicyError
from attest.evidence import Evidence, evidence_of
from attest.policy.loader import load_policy
from attest.policy.model import TIERS, NonceMode, Policy, PolicySet
from attest.result import AttestationResult
from attest.verify import appraise
from client.errors import AttestationRefused, SecurityError
from client.exchange import Sent

Place = str | os.PathLike[str]

USUAL_TIER = TIERS[0]
"""The tier of a request that asks for none: ``standard``."""

_UNREAD = "response: a member stands twice, or too deep, outside _metadata"
_METADATA = "response._metadata"


class AttestedResponse(dict[str, Any]):
    """A chat completion in the OpenAI shape, as it was judged.

    Attributes:
        attestation: The attestation result; under audit it may be a refusal.
    """

    def __init__(self, content: Mapping[str, Any], attestation: AttestationResult) -> None:
        """Join an answer with what was said of it."""
        super().__init__(content)
        self.attestation = attestation

    def __reduce__(self) -> tuple[type[AttestedResponse], tuple[object, ...]]:
        """Copy and pickle both parts."""
        return type(self), (dict(self), self.attestation)


Outcome = AttestedResponse | AttestationRefused | EvidenceWriteError | SecurityError


class Gate:
    """Decides what is released, by a policy that can be replaced while it runs."""

    def __init__(
        self,
        policy: Policy | PolicySet | Place,
        *,
        mode: str = "enforce",
        archive: Archive | Place | None = None,
    ) -> None:
        """Load the policy and open the archive.

        Args:
            policy: What ``load_policy`` returned, or the path of a policy or of a policy set.
            mode: ``enforce`` refuses; ``audit`` releases and records, and needs an archive.
            archive: Evidence archive, or its path; each decision is durable there before content
                is released.

        Raises:
            PolicyError: The policy does not load, or does not compare the payload id.
            EvidenceWriteError: The archive cannot be written, or the policy not be kept beside it.
            ValueError: Another mode, or ``audit`` without an archive.
        """
        if mode not in tuple(Mode):
            raise ValueError(f"mode is {mode!r}, expected one of {', '.join(Mode)}")
        self._mode = Mode(mode)
        if self._mode is Mode.AUDIT and archive is None:
            raise ValueError("mode is audit, which records what it releases: it needs an archive")
        if archive is not None and not isinstance(archive, Archive):
            archive = Archive(archive)
        self._archive = archive
        self._policy = self._taken(policy)

    @property
    def policy(self) -> Policy | PolicySet:
        """The policy in force."""
        return self._policy

    def reload_policy(self, policy: Policy | PolicySet | Place | None = None) -> None:
        """Take another policy for every decision from now on; where it fails, the old one stays.

        Args:
            policy: As for ``Gate``; None reads the file or the directory of the policy anew.

        Raises:
            PolicyError: The policy does not load, or does not compare the payload id.
            EvidenceWriteError: It cannot be kept beside the archive.
        """
        self._policy = self._taken(self._policy.path if policy is None else policy)

    def decide(self, opened: bytes, sent: Sent) -> Outcome:
        """Judge an opened answer, record the decision, and return what the caller gets.

        Args:
            opened: The plaintext of the answer.
            sent: What was sent; the nonce and the tier are judged by it.
        """
        try:
            return self._decided(opened, sent)
        except Exception as error:  # noqa: BLE001 - a fault of ours refuses, without its frames
            fault = type(error).__name__
        return SecurityError(f"response: could not be judged: {fault}")

    def _decided(self, opened: bytes, sent: Sent) -> Outcome:
        """Judge an opened answer and record the decision."""
        document, evidence = _read(opened)
        if evidence is None:
            return SecurityError("response: what was sealed is no JSON object")
        tier = sent.security_tier or USUAL_TIER
        request = Request(sent.payload_id, None, tier, datetime.now(UTC))
        result = appraise(evidence, self._policy, request)
        released = document is not None and (result.accepted or self._mode is Mode.AUDIT)
        octets = None if evidence.member is None else _attestation_of(opened)
        unkept = self._recorded(result, sent, octets, released)
        if released and document is not None:
            return unkept or AttestedResponse(document, result)
        refusal = AttestationRefused(result, Phase.RESPONSE, prompt_sent=True)
        if unkept is not None:
            refusal.add_note(f"the refusal is not in the archive: {unkept}")
        return refusal

    def _taken(self, policy: Policy | PolicySet | Place) -> Policy | PolicySet:
        """Load a policy where it is a path, and see that it can gate and is kept."""
        if not isinstance(policy, Policy | PolicySet):
            policy = load_policy(policy)
        for one in policy.policies if isinstance(policy, PolicySet) else (policy,):
            if one.nonce is not NonceMode.PAYLOAD_ID:
                fault = f"nonce: {one.nonce} compares no payload id, and so can gate no response"
                raise PolicyError(one.path, fault)
        if self._archive is not None:
            self._archive.keep_policy(policy)
        return policy

    def _recorded(
        self, result: AttestationResult, sent: Sent, attestation: bytes | None, released: bool
    ) -> EvidenceWriteError | None:
        """Make the decision durable; return why it is not."""
        if self._archive is None:
            return None
        decision = Decision(
            result=result,
            mode=self._mode,
            phase=Phase.RESPONSE,
            released=released,
            base_url=sent.base_url,
            requested_tier=sent.security_tier or USUAL_TIER,
            server_key_sha256=sent.server_key_sha256,
            attestation=attestation,
        )
        try:
            self._archive.append(decision, at=result.verified_at)
        except EvidenceWriteError as error:
            return EvidenceWriteError(error.path, error.fault)
        return None


def _read(opened: bytes) -> tuple[dict[str, Any] | None, Evidence | None]:
    """Read an answer once: the document, and its evidence; neither where it is no object.

    Where it is an object and not strict, there is evidence of that alone. What stands outside the
    metadata may be content, so no reason names it.
    """
    try:
        document = read_document(opened)
    except MalformedError as error:
        place, reason = error.place, str(error)
    else:
        return document, evidence_of(document)
    if not _is_object(opened):
        return None, None
    below = place == _METADATA or place.startswith((f"{_METADATA}.", f"{_METADATA}["))
    return None, Evidence(faults=(reason if below else _UNREAD,))


def _is_object(octets: bytes) -> bool:
    """Tell whether octets are a JSON object, strict or not."""
    try:
        return type(msgspec.json.decode(octets)) is dict
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


class _Metadata(Struct):
    """The metadata, with the evidence as its octets."""

    tpm_attestation: msgspec.Raw


class _Response(Struct):
    """The part of an answer that a record holds."""

    metadata: _Metadata = msgspec.field(name="_metadata")


def _attestation_of(opened: bytes) -> bytes:
    """Return the octets of the ``tpm_attestation`` member of an answer that was read."""
    return bytes(msgspec.json.decode(opened, type=_Response).metadata.tpm_attestation)
