"""DSSE envelopes (secure-systems-lab/dsse, v1.0): read strictly, verified with one pinned key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from attest.errors import MalformedError, SigningError
from attest.text import shown

if TYPE_CHECKING:
    from securesystemslib.dsse import Envelope
    from securesystemslib.signer import SSlibKey

PLACE = "envelope"
_MOST_OF_AN_ID = 64


class _Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One signature of an envelope."""

    keyid: str
    sig: str


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A DSSE envelope, as JSON has it."""

    payload: str
    payload_type: str = msgspec.field(name="payloadType")
    signatures: tuple[_Signature, ...] = ()


def is_envelope(octets: bytes) -> bool:
    """Tell whether octets claim to be a DSSE envelope: a JSON object with a ``payloadType``."""
    if not octets.lstrip().startswith(b"{"):
        return False
    import json  # noqa: PLC0415 - a few milliseconds of start-up, for signed policies alone

    try:
        return "payloadType" in json.loads(octets)
    except (ValueError, RecursionError):
        return False


def verified_payload(octets: bytes, payload_type: str, key: SSlibKey) -> bytes:
    """Return what an envelope holds, which the key signed.

    The library looks for the signature by the key's own id, so an envelope that names the key in
    another way is refused.

    Raises:
        MalformedError: This is no envelope, or one around something else.
        SigningError: The key did not sign it, or it was changed since.
    """
    from securesystemslib.exceptions import VerificationError  # noqa: PLC0415 - an extra

    envelope = _read_around(octets, payload_type)
    if key.keyid not in envelope.signatures:
        named = ", ".join(shown(keyid, _MOST_OF_AN_ID) for keyid in envelope.signatures)
        fault = f"is not signed by key {key.keyid}, but by {named or 'none'}"
        raise SigningError(PLACE, fault)
    try:
        envelope.verify([key], 1)
    except VerificationError as error:
        fault = f"the signature by key {key.keyid} does not verify: it was changed after signing"
        raise SigningError(PLACE, fault) from error
    return envelope.payload


def opened_payload(
    octets: bytes, payload_type: str, key: SSlibKey | None
) -> tuple[bytes, str | None]:
    """Return what an envelope holds, and why nobody vouches for it; None where the key does.

    Args:
        octets: The envelope.
        payload_type: What it must hold.
        key: Who must have signed; None asks nobody, and then nobody vouches.

    Raises:
        MalformedError: This is no envelope, or one around something else.
    """
    envelope = _read_around(octets, payload_type)
    if key is None:
        return envelope.payload, "no key was given to verify it with"
    try:
        return verified_payload(octets, payload_type, key), None
    except SigningError as error:
        return envelope.payload, error.fault


def unverified_payload(octets: bytes) -> bytes:
    """Return what an envelope holds, whoever signed it; for callers that know its digest.

    Raises:
        MalformedError: This is no envelope.
    """
    return _read(octets).payload


def _read_around(octets: bytes, payload_type: str) -> Envelope:
    """Read an envelope around a payload of one type."""
    envelope = _read(octets)
    if envelope.payload_type != payload_type:
        fault = f"is '{shown(envelope.payload_type)}', expected '{payload_type}'"
        raise MalformedError(f"{PLACE}.payloadType", fault)
    return envelope


def _read(octets: bytes) -> Envelope:
    """Read an envelope that is written in the one way: no member twice, base64 canonical."""
    import json  # noqa: PLC0415 - as above

    from securesystemslib.dsse import Envelope  # noqa: PLC0415 - an extra

    try:
        document = json.loads(octets, object_pairs_hook=_members)
        typed = msgspec.to_builtins(msgspec.convert(document, _Envelope))
        envelope = Envelope.from_dict(typed)
    except (ValueError, RecursionError) as error:  # ValidationError and binascii.Error are too
        raise MalformedError(PLACE, shown(str(error))) from error
    if envelope.to_dict() != document:
        raise MalformedError(PLACE, "its base64 is not canonical, or a member is missing")
    return envelope


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of members, none of them twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members
