"""A decision as its maker hands it over, and the record that it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from attest.archive.address import address_fault
from attest.archive.record import GENESIS, SCHEMA, DecisionRecord, Mode, Phase
from attest.document import read_document
from attest.errors import MalformedError
from attest.policy.model import TIERS
from attest.result import AttestationResult, timestamp

_KINDS: dict[str, type] = {"result": AttestationResult, "released": bool, "base_url": str}
_HEX = frozenset("0123456789abcdef")
_encode = msgspec.json.Encoder().encode


class Decision(Struct, frozen=True, kw_only=True):
    """What was decided of one response.

    Everything is either one of a few words, a digest, an address, or comes from the result: there
    is no way in for a prompt, a completion or an API key.

    Attributes:
        result: What the verification said.
        mode: What the gate does with refusals.
        phase: What was judged.
        released: Whether the content goes to the caller.
        base_url: Server that was asked; without userinfo, query and fragment.
        requested_tier: Security tier that was asked for: standard, high, maximum, or None.
        server_key_sha256: SHA-256 of the server's public key, lower-case hex, or None.
        attestation: Octets of the ``tpm_attestation`` member as they came; they must be the member
            that was judged. None writes that member anew.

    Raises:
        ValueError: A member that is not as said, or an enforcing gate that releases a refusal.
        TypeError: A result, ``released`` or ``base_url`` of another type.
    """

    result: AttestationResult
    mode: Mode
    phase: Phase
    released: bool
    base_url: str
    requested_tier: str | None = None
    server_key_sha256: str | None = None
    attestation: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what no record may say."""
        for name, kind in _KINDS.items():
            if not isinstance(getattr(self, name), kind):
                raise TypeError(f"{name} is no {kind.__name__}")
        _check_word("mode", self.mode, tuple(Mode))
        _check_word("phase", self.phase, tuple(Phase))
        if self.requested_tier is not None:
            _check_word("requested_tier", self.requested_tier, TIERS)
        fault = address_fault(self.base_url)
        if fault is not None:
            raise ValueError(fault)
        if self.server_key_sha256 is not None and not _is_digest(self.server_key_sha256):
            raise ValueError("server_key_sha256 is not 64 lower-case hex digits")
        if self.released and self.mode == Mode.ENFORCE and not self.result.accepted:
            raise ValueError("a refused response is not released under enforce")
        _check_attestation(self.attestation, self.result)


def recorded(decision: Decision, seq: int, previous: str, at: datetime) -> DecisionRecord:
    """Return the record of a decision at its place in the chain."""
    result = decision.result
    return DecisionRecord(
        schema=SCHEMA,
        seq=seq,
        recorded_at=timestamp(at),
        mode=Mode(decision.mode),
        phase=Phase(decision.phase),
        released=decision.released,
        base_url=decision.base_url,
        payload_id=result.payload_id,
        requested_tier=decision.requested_tier,  # type: ignore[arg-type]  # one of TIERS
        reported_tier=result.tier,
        attestation=_attestation(decision),
        server_key_sha256=decision.server_key_sha256,
        policy_sha256=None if result.policy is None else result.policy.sha256,
        result=result.to_dict(),
        previous=previous,
    )


def _is_digest(text: object) -> bool:
    return type(text) is str and len(text) == len(GENESIS) and _HEX.issuperset(text)


def _check_word(name: str, value: object, words: Sequence[str]) -> None:
    """Refuse a value that is none of the words; the error does not repeat it."""
    if value not in words:
        raise ValueError(f"{name} is none of {', '.join(words)}")


def _attestation(decision: Decision) -> str | None:
    """Return the member that was judged, as it came, or else written anew."""
    if decision.attestation is not None:
        return decision.attestation.decode()
    member = decision.result.member
    return None if member is None else _encode(member).decode()


def _check_attestation(octets: bytes | None, result: AttestationResult) -> None:
    """Refuse octets that are not the member that was judged; the error repeats nothing of them."""
    if octets is None:
        return
    try:
        same = result.member is not None and _encode(read_document(octets)) == _encode(
            result.member
        )
    except MalformedError:
        same = False
    if not same:
        raise ValueError("attestation is not the tpm_attestation member that was judged")
