"""The envelope once more, written from its description alone: a peer for the tests.

It imports nothing of the client, and knows no more than an honest server does.
"""

from __future__ import annotations

import base64
import json
import os
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
PROCESSED_AT = 1_764_000_000


@cache
def client_key() -> rsa.RSAPrivateKey:
    """The client's key of the tests: as large as a real one."""
    return rsa.generate_private_key(65537, 4096)


@cache
def small_key() -> rsa.RSAPrivateKey:
    """Another client's key, small, for what is tried a thousand times."""
    return rsa.generate_private_key(65537, 2048)


@cache
def server_key() -> rsa.RSAPrivateKey:
    """The server's key of the tests."""
    return rsa.generate_private_key(65537, 2048)


def pem_of(key: rsa.RSAPublicKey) -> bytes:
    """Write a public key as the server sends it."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def text(data: bytes) -> str:
    """Write octets in standard base64."""
    return base64.b64encode(data).decode("ascii")


def sealed(
    plaintext: bytes, to: rsa.RSAPublicKey, aes_key: bytes | None = None, **lies: Any
) -> dict[str, Any]:
    """Seal a response; ``lies`` replace outer members."""
    aes_key = os.urandom(32) if aes_key is None else aes_key
    nonce = os.urandom(12)
    encryptor = Cipher(algorithms.AES(aes_key), modes.GCM(nonce)).encryptor()
    ciphertext = encryptor.update(plaintext) + encryptor.finalize()
    return {
        "version": "1.0",
        "algorithm": "hybrid-aes256-rsa4096",
        "encrypted_payload": {
            "ciphertext": text(ciphertext),
            "nonce": text(nonce),
            "tag": text(encryptor.tag),
        },
        "encrypted_aes_key": text(to.encrypt(aes_key, OAEP)),
        "key_algorithm": "RSA-OAEP-SHA256",
        "payload_algorithm": "AES-256-GCM",
        "processed_at": PROCESSED_AT,
        **lies,
    }


def octets(envelope: object) -> bytes:
    """Write an envelope as compact JSON."""
    return json.dumps(envelope, separators=(",", ":")).encode()


def sealed_octets(plaintext: bytes, to: rsa.RSAPublicKey) -> bytes:
    """Seal an honest response, as octets."""
    return octets(sealed(plaintext, to))


def opened(body: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """Open a request as the server does."""
    envelope = json.loads(body)
    payload = envelope["encrypted_payload"]
    aes_key = key.decrypt(base64.b64decode(envelope["encrypted_aes_key"]), OAEP)
    nonce, tag = base64.b64decode(payload["nonce"]), base64.b64decode(payload["tag"])
    decryptor = Cipher(algorithms.AES(aes_key), modes.GCM(nonce, tag)).decryptor()
    return decryptor.update(base64.b64decode(payload["ciphertext"])) + decryptor.finalize()
