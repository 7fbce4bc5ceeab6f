"""The gate: an opened answer is judged, its record made durable, and only then released.

What was judged is what is released: the answer is parsed once. Every outcome is a value, so that no
exception's frames ever hold an answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from attest.archive import Archive, Decision, Mode, Phase
from attest.context import Request
from attest.document import read_document
from attest.errors import EvidenceWriteError, MalformedError, PolicyError
from attest.evidence import Evidence, evidence_of
from attest.policy.loader import load_policy, reload_policy
from attest.policy.model import TIERS, NonceMode, Policy, PolicySet, policies_of
from attest.result import AttestationResult, CheckResult, Outcome
from attest.verify import appraise
from client.continuity import broken
from client.errors import AttestationRefused, SecurityError
from client.exchange import Sent
from client.response import AttestedResponse
from client.telemetry import Decided, observer, tell
from client.wrap import WrappedCompletion

Place = str | os.PathLike[str]

USUAL_TIER = TIERS[0]
"""The tier of a request that asks for none: ``standard``."""

CONTINUITY = "gate.continuity"
"""Id of a check that stands last in a result, and only where it does not pass."""
_DISCONTINUED = {"warn": Outcome.WARN, "require": Outcome.FAIL}

_UNREAD = (
    "response: cannot be read strictly outside _metadata: a member twice, too deep, or too many"
)
_METADATA = "response._metadata"


Answer = AttestedResponse | AttestationRefused | EvidenceWriteError | SecurityError


class Gate:
    """Decides what is released, by a policy that can be replaced while it runs."""

    def __init__(
        self,
        policy: Policy | PolicySet | Place,
        *,
        mode: str = "enforce",
        archive: Archive | Place | None = None,
        continuity: str = "warn",
    ) -> None:
        """Load the policy and open the archive.

        Args:
            policy: What ``load_policy`` returned, or the path of a policy or of a policy set.
            mode: ``enforce`` refuses; ``audit`` releases and records, and needs an archive.
            archive: Evidence archive, or its path; each decision is durable there before content
                is released.
            continuity: Whether an answer that does not continue the state of its probe is refused
                (``require``), or released with a warning in its result (``warn``).

        Raises:
            PolicyError: The policy does not load, or does not compare the payload id.
            EvidenceWriteError: The archive cannot be written, or the policy not be kept beside it.
            ValueError: Another mode or continuity, or ``audit`` without an archive.
        """
        if mode not in tuple(Mode):
            raise ValueError(f"mode is {mode!r}, expected one of {', '.join(Mode)}")
        self._mode = Mode(mode)
        if self._mode is Mode.AUDIT and archive is None:
            raise ValueError("mode is audit, which records what it releases: it needs an archive")
        if continuity not in _DISCONTINUED:
            raise ValueError(f"continuity is {continuity!r}, expected {' or '.join(_DISCONTINUED)}")
        self._discontinued = _DISCONTINUED[continuity]
        if archive is not None and not isinstance(archive, Archive):
            archive = Archive(archive)
        self._archive = archive
        self._observe = observer()
        self._policy = self._taken(policy)

    @property
    def policy(self) -> Policy | PolicySet:
        """The policy in force."""
        return self._policy

    @property
    def policy_digests(self) -> tuple[str, ...]:
        """SHA-256 of each policy file in force, in hex."""
        return tuple(one.sha256 for one in policies_of(self._policy))

    def reload_policy(self, policy: Policy | PolicySet | Place | None = None) -> None:
        """Take another policy for every decision from now on; where it fails, the old one stays.

        Args:
            policy: As for ``Gate``; None reads the file or the directory of the policy anew. A path
                is held to what the policy in force was loaded with: its key and its least serial.

        Raises:
            PolicyError: The policy does not load, does not compare the payload id, or is signed and
                older than the one in force.
            EvidenceWriteError: It cannot be kept beside the archive.
        """
        if not isinstance(policy, Policy | PolicySet):
            policy = reload_policy(self._policy, policy)
        self._policy = self._taken(policy)

    def wrap(self, client: object) -> WrappedCompletion:
        """Put an instance of NOMYO's ``SecureChatCompletion`` behind this gate.

        Raises:
            UnsupportedClient: It is none of the version that is known, 0.2.9.
        """
        return WrappedCompletion(client, self.decide)

    def decide(self, opened: bytes | Mapping[str, Any], sent: Sent) -> Answer:
        """Judge an opened answer, record the decision, and return what the caller gets.

        Args:
            opened: The plaintext of the answer, or what another client decoded it to.
            sent: What was sent; the nonce and the tier are judged by it.
        """
        try:
            return self._decided(opened, sent)
        except Exception as error:  # noqa: BLE001 - a fault of ours refuses, without its frames
            fault = type(error).__name__
        return SecurityError(f"response: could not be judged: {fault}")

    def _decided(self, opened: bytes | Mapping[str, Any], sent: Sent) -> Answer:
        """Judge an opened answer, record the decision and tell of it."""
        started_ns = time.time_ns()
        document, evidence = _read(opened)
        if evidence is None:
            return SecurityError("response: what was sealed is no JSON object")
        tier = sent.security_tier or USUAL_TIER
        request = Request(sent.payload_id, None, tier, datetime.now(UTC))
        result = self._continued(appraise(evidence, self._policy, request), sent.probe)
        passes = document is not None and (result.accepted or self._mode is Mode.AUDIT)
        octets = None  # a record then writes the member anew
        if isinstance(opened, bytes) and evidence.member is not None:
            octets = _attestation_of(opened)
        unkept = self._recorded(result, sent, octets, released=passes and _carries_content(sent))
        decided = Decided(result, sent, self._mode, _outcome(result, passes, unkept), started_ns)
        tell(self._observe, decided)
        if passes and document is not None:
            return unkept or AttestedResponse(document, result)
        refusal = AttestationRefused(result, sent.phase, prompt_sent=_carries_content(sent))
        if unkept is not None:
            refusal.add_note(f"the refusal is not in the archive: {unkept}")
        return refusal

    def _taken(self, policy: Policy | PolicySet | Place) -> Policy | PolicySet:
        """Load a policy where it is a path, and see that it can gate and is kept."""
        if not isinstance(policy, Policy | PolicySet):
            policy = load_policy(policy)
        for one in policies_of(policy):
            if one.nonce is not NonceMode.PAYLOAD_ID:
                fault = f"nonce: {one.nonce} compares no payload id, and so can gate no response"
                raise PolicyError(one.path, fault)
        if self._archive is not None:
            self._archive.keep_policy(policy)
        return policy

    def _continued(
        self, result: AttestationResult, probe: AttestationResult | None
    ) -> AttestationResult:
        """Say in a result where it does not continue the state of its probe."""
        fault = None if probe is None else broken(probe, result)
        if fault is None:
            return result
        check = CheckResult(CONTINUITY, self._discontinued, fault)
        return replace(result, checks=(*result.checks, check))

    def _recorded(
        self, result: AttestationResult, sent: Sent, attestation: bytes | None, *, released: bool
    ) -> EvidenceWriteError | None:
        """Make the decision durable; return why it is not."""
        if self._archive is None:
            return None
        decision = Decision(
            result=result,
            mode=self._mode,
            phase=sent.phase,
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


def _carries_content(sent: Sent) -> bool:
    """Tell whether a prompt was sent, and content comes back."""
    return sent.phase is Phase.RESPONSE


def _outcome(result: AttestationResult, passes: bool, unkept: EvidenceWriteError | None) -> str:
    """Name a decision as telemetry has it."""
    if not passes:
        return "refused"
    if unkept is not None:
        return "withheld"
    return "accepted" if result.accepted else "audited"


def _read(opened: bytes | Mapping[str, Any]) -> tuple[dict[str, Any] | None, Evidence | None]:
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


def _is_object(opened: bytes | Mapping[str, Any]) -> bool:
    """Tell whether this is a JSON object, strict or not."""
    if not isinstance(opened, bytes):
        return isinstance(opened, dict)
    try:
        opened.decode()  # what is looked through is not decoded
        msgspec.json.decode(opened, type=_Object)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    except RecursionError:  # some releases of Python look through any depth, and some do not
        return opened.lstrip().startswith(b"{")
    return True


class _Object(Struct):
    """An object, whatever is in it: looked through, and not held."""


class _Metadata(Struct):
    """The metadata, with the evidence as its octets."""

    tpm_attestation: msgspec.Raw


class _Response(Struct):
    """The part of an answer that a record holds."""

    metadata: _Metadata = msgspec.field(name="_metadata")


def _attestation_of(opened: bytes) -> bytes:
    """Return the octets of the ``tpm_attestation`` member of an answer that was read."""
    return bytes(msgspec.json.decode(opened, type=_Response).metadata.tpm_attestation)
