"""Responses sealed to the client's key: the server's half of the envelope."""

from __future__ import annotations

import secrets

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from client.envelope import KEY_OCTETS, NONCE_OCTETS, TAG_OCTETS

_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


class Sealing(msgspec.Struct, frozen=True):
    """How a response is sealed.

    Attributes:
        recipient: Key that the AES key is wrapped to.
        key_octets: Octets of the AES key, 32 where it is honest.
        flipped: Bits to turn in the last octet of the tag, 0 where it is honest.
    """

    recipient: rsa.RSAPublicKey
    key_octets: int = KEY_OCTETS
    flipped: int = 0


def seal_response(plaintext: bytes, sealing: Sealing, processed_at: int) -> bytes:
    """Seal a response.

    Args:
        plaintext: JSON octets.
        sealing: To whom, and how.
        processed_at: Unix seconds, which stand outside the seal.

    Returns:
        The body to send: JSON octets.
    """
    key, nonce = secrets.token_bytes(sealing.key_octets), secrets.token_bytes(NONCE_OCTETS)
    sealed = AESGCM(key).encrypt(nonce, plaintext, None)
    tag = sealed[-TAG_OCTETS:-1] + bytes([sealed[-1] ^ sealing.flipped])
    envelope = {
        "version": "1.0",
        "algorithm": "hybrid-aes256-rsa4096",
        "encrypted_payload": {"ciphertext": sealed[:-TAG_OCTETS], "nonce": nonce, "tag": tag},
        "encrypted_aes_key": sealing.recipient.encrypt(key, _OAEP),
        "key_algorithm": "RSA-OAEP-SHA256",
        "payload_algorithm": "AES-256-GCM",
        "processed_at": processed_at,
    }
    return msgspec.json.encode(envelope)  # octets become standard base64
