"""The records of an evidence archive: typed, and one line of octets for each.

A line is the RFC 8785 form of its record, so that the line's own SHA-256 is what the next record
names as ``previous``, and no octet of it can change unseen.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from attest.errors import MalformedError
from attest.text import shown

SCHEMA: Literal[1] = 1

MAX_LINE = 64 * 1024 * 1024
"""Octets of a line without its end; an honest response fits, since it may have no more itself."""

GENESIS = "0" * 64
"""What the first record names as the one before it."""

_MOST = 2**53 - 1
_TORN_OPENING = b'{"previous":'
OPENINGS = (b'{"attestation":', _TORN_OPENING)
"""How every line begins: RFC 8785 sorts the members."""


class Mode(StrEnum):
    """What a gate does with a refused response."""

    ENFORCE = "enforce"
    AUDIT = "audit"


class Phase(StrEnum):
    """What was judged: a probe before any prompt was sent, or the response to a prompt."""

    PREFLIGHT = "preflight"
    RESPONSE = "response"


Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""A SHA-256 digest, in lower-case hex."""

_Moment = Annotated[
    str,
    Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z\Z"),
]
_Sequence = Annotated[int, Meta(ge=0, le=_MOST)]

# A result is JSON without fractions, with member names in ASCII and of bounded depth: there
# msgspec's sorted form is the RFC 8785 form, some thirty times faster than by a library for it.
_Name = Annotated[str, Meta(pattern=r"\A[!-~]+\Z")]
_Leaf = str | Annotated[int, Meta(ge=-_MOST, le=_MOST)] | bool | None
_Flat = _Leaf | list[_Leaf] | dict[_Name, _Leaf]
_Nested = _Leaf | list[_Flat] | dict[_Name, _Flat]
_Deep = _Leaf | list[_Nested] | dict[_Name, _Nested]


class DecisionRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gate decided of one response.

    There is no member for prompts, completions or API keys, and none that takes other members.

    Attributes:
        schema: Version of this format.
        seq: Number of the record, from 0, without gaps.
        recorded_at: When it was recorded, RFC 3339 in UTC, by the recording machine's clock.
        mode: What the gate does with refusals.
        phase: What was judged.
        released: Whether the content goes to the caller.
        base_url: Server that was asked.
        payload_id: Id of the request.
        requested_tier: Security tier that was asked for.
        reported_tier: Security tier that the response reports.
        attestation: The ``tpm_attestation`` member, as the JSON that it was; None without one.
        server_key_sha256: SHA-256 of the server's public key.
        policy_sha256: SHA-256 of the policy's file; None where no policy applies.
        result: The result, as ``AttestationResult.to_dict`` gives it.
        previous: SHA-256 of the record before this one, or ``GENESIS``.
    """

    schema: Literal[1]
    seq: _Sequence
    recorded_at: _Moment
    mode: Mode
    phase: Phase
    released: bool
    base_url: str
    payload_id: str | None
    requested_tier: Literal["standard", "high", "maximum"] | None
    reported_tier: str | None
    attestation: str | None
    server_key_sha256: Sha256 | None
    policy_sha256: Sha256 | None
    result: dict[_Name, _Deep]
    previous: Sha256


class TornRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an appender says of octets that it found after the last record and that are none.

    Attributes:
        schema: Version of this format.
        seq: Number of the record.
        recorded_at: When they were found.
        torn: SHA-256 of the torn octets, without the end of their last line.
        previous: SHA-256 of the record before the torn octets, or ``GENESIS``.
    """

    schema: Literal[1]
    seq: _Sequence
    recorded_at: _Moment
    torn: Sha256
    previous: Sha256


Record = DecisionRecord | TornRecord

_encode = msgspec.json.Encoder(order="sorted").encode
_read_decision = msgspec.json.Decoder(DecisionRecord).decode
_read_torn = msgspec.json.Decoder(TornRecord).decode


def canonical(record: Record) -> bytes:
    """Write a record as the octets of its line, in RFC 8785 form, without the line's end.

    Raises:
        ValueError: A text that UTF-8 cannot write.
    """
    return _encode(record)


def digest_of(line: bytes) -> str:
    """Return the hash of a record by its line."""
    return hashlib.sha256(line).hexdigest()


def read_record(line: bytes) -> Record:
    """Read the one record of a line.

    Raises:
        MalformedError: The line is no record, or none in RFC 8785 form; no other error leaves here.
    """
    if len(line) > MAX_LINE:
        raise MalformedError("record", f"is longer than {MAX_LINE} octets")
    read = _read_torn if line.startswith(_TORN_OPENING) else _read_decision
    try:
        record: Record = read(line)
        written = canonical(record)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedError("record", shown(str(error))) from error
    if written != line:
        raise MalformedError("record", "is not in RFC 8785 form, or has a member twice")
    return record
