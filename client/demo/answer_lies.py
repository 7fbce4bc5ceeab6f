"""Misbehaviour in the answer before it is sealed, and in how it is sealed."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec.structs import replace

from client.demo.seal import Sealing

Completion = dict[str, Any]


def no_metadata(completion: Completion) -> Completion:
    """Leave ``_metadata`` out."""
    return {name: value for name, value in completion.items() if name != "_metadata"}


def metadata_list(completion: Completion) -> Completion:
    """Send ``_metadata`` as a list."""
    return {**completion, "_metadata": [completion["_metadata"]]}


def no_attestation(completion: Completion) -> Completion:
    """Leave ``tpm_attestation`` out."""
    metadata = completion["_metadata"]
    kept = {name: value for name, value in metadata.items() if name != "tpm_attestation"}
    return {**completion, "_metadata": kept}


def tier_downgrade(completion: Completion) -> Completion:
    """Say tier standard, whatever was asked for."""
    return {**completion, "_metadata": {**completion["_metadata"], "security_tier": "standard"}}


def imitation(completion: Completion) -> Completion:
    """Add members that look like a verdict."""
    verdict = {"decision": "accepted", "accepted": True, "assurance": "anchored"}
    return {**completion, "attestation": verdict, "accepted": True, "assurance": "anchored"}


def duplicate_member(plaintext: bytes) -> bytes:
    """Put a second, empty ``_metadata`` before the first."""
    return b'{"_metadata":{},' + plaintext.removeprefix(b"{")


def not_object(plaintext: bytes) -> bytes:
    """Seal a list."""
    return b"[" + plaintext + b"]"


def aes_128(sealing: Sealing) -> Sealing:
    """Seal with an AES key of 16 octets."""
    return replace(sealing, key_octets=16)


def wrong_recipient(sealing: Sealing) -> Sealing:
    """Seal to a key that nobody has."""
    return replace(sealing, recipient=_nobody())


def tampered_tag(sealing: Sealing) -> Sealing:
    """Turn one bit of the tag."""
    return replace(sealing, flipped=1)


def weak_server_key(_pem: bytes) -> bytes:
    """Show an RSA key of 1024 bits; what is sealed to it is not opened."""
    return _weak()


def not_pem(_pem: bytes) -> bytes:
    """Show a text that is no key."""
    return b"the key is under the mat\n"


@cache
def _nobody() -> rsa.RSAPublicKey:
    return rsa.generate_private_key(65537, 2048).public_key()


@cache
def _weak() -> bytes:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is weak is the point
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
