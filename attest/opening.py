"""Opens DSSE envelopes: by a public key that must have signed, or without one, and says which."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Struct, ValidationError, convert, to_builtins

from attest.document import read_document
from attest.errors import MalformedError, SigningError
from attest.members import decoded
from attest.signing import MAX_FILE, MIN_RSA_BITS, NEEDS
from attest.text import shown

if TYPE_CHECKING:
    from securesystemslib.signer import SSlibKey

MAX_PAYLOAD = 1024 * 1024
"""Octets of a payload."""

_ONE_BLOCK = re.compile(rb"\s*-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----\s*")
_CURVES = ("secp256r1", "secp384r1", "secp521r1")


class _Signature(Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: str


class _Envelope(Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "payloadType"}):
    """An envelope as DSSE 1.0 writes it."""

    payload: str
    kind: str
    signatures: list[_Signature]


class EnvelopeKey:
    """A public key that DSSE envelopes are verified with."""

    def __init__(self, key: SSlibKey) -> None:
        """Take the key."""
        self._key = key

    def verifies(self, members: dict[str, Any]) -> bool:
        """Tell whether this key signed an envelope."""
        from securesystemslib.dsse import Envelope  # noqa: PLC0415 - an extra
        from securesystemslib.exceptions import (  # noqa: PLC0415 - an extra
            VerificationError,
        )

        try:
            Envelope.from_dict(members).verify([self._key], 1)
        except (VerificationError, ValueError):  # ValueError: no base64, a key's id twice
            return False
        return True


def load_envelope_key(place: str) -> EnvelopeKey:
    """Load a public key from a PEM file: RSA, ECDSA on a NIST curve, or Ed25519.

    Raises:
        SigningError: The file cannot be read, holds anything else, or the extra is missing.
    """
    try:
        from securesystemslib.signer import SSlibKey  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SigningError(place, NEEDS) from error
    try:
        with Path(place).open("rb") as stream:
            octets = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise SigningError(place, error.strerror or str(error)) from error
    if len(octets) > MAX_FILE or not _ONE_BLOCK.fullmatch(octets):
        raise SigningError(place, "expected one public key in PEM, and nothing else")
    try:
        key = load_pem_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError(place, "no public key can be read") from error
    weak_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS
    odd_curve = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in _CURVES
    known = isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey)
    if weak_rsa or odd_curve or not known:
        raise SigningError(place, "expected a key of RSA from 2048 bits, ECDSA or Ed25519")
    return EnvelopeKey(SSlibKey.from_crypto(key))


def open_envelope(octets: bytes, payload_type: str, key: EnvelopeKey | None) -> tuple[bytes, bool]:
    """Return the payload of an envelope, and whether the key signed it.

    Args:
        octets: The envelope, as JSON.
        payload_type: What the payload must be.
        key: Who must have signed; None: nobody is asked, and the answer is False.

    Raises:
        MalformedError: No envelope, or one around something else.
    """
    document = read_document(octets)
    try:
        envelope = convert(document, _Envelope)
    except ValidationError as error:
        raise MalformedError("envelope", shown(str(error))) from error
    if envelope.kind != payload_type:
        fault = f'is "{shown(envelope.kind)}", expected "{payload_type}"'
        raise MalformedError("envelope.payloadType", fault)
    payload = decoded("envelope.payload", envelope.payload, MAX_PAYLOAD)
    return payload, key is not None and key.verifies(to_builtins(envelope))
