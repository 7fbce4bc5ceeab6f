"""The envelope: requests sealed to the server, responses opened with the client's key, no I/O.

Hybrid encryption: AES-256-GCM with a fresh key, and that key wrapped with RSA-OAEP. Nothing in an
envelope says who sealed it; whoever knows a public key can seal to it.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from attest.document import MAX_RESPONSE, read_document
from attest.errors import MalformedError
from attest.members import MISSING, decoded, octets, unlike
from client.errors import SecurityError

MAX_REQUEST = 10 * 1024 * 1024
"""Octets of a request, before they are sealed."""
MAX_WIRE = MAX_RESPONSE
"""Octets of a sealed response, as JSON."""
MAX_OPENED = MAX_WIRE // 4 * 3
"""Octets of an opened response: what base64 can hold within MAX_WIRE."""
MAX_PEM = 16 * 1024
"""Octets of a public key in PEM; one of MAX_SERVER_BITS takes less than 3 KiB."""
MIN_SERVER_BITS = 2048
MAX_SERVER_BITS = 16384
MIN_EXPONENT = 65537
MAX_EXPONENT_BITS = 64
"""Bits of an exponent that OpenSSL computes with, whatever the modulus."""

KEY_OCTETS = 32
NONCE_OCTETS = 12
TAG_OCTETS = 16

_NAMES = {
    "version": "1.0",
    "algorithm": "hybrid-aes256-rsa4096",
    "key_algorithm": "RSA-OAEP-SHA256",
    "payload_algorithm": "AES-256-GCM",
}
_PAYLOAD = frozenset({"ciphertext", "nonce", "tag"})
_ENVELOPE = frozenset({*_NAMES, "encrypted_payload", "encrypted_aes_key", "processed_at"})
_MOST_MEMBERS = len(_ENVELOPE) + len(_PAYLOAD)
_UNOPENED = "response: is not sealed to this key, or was changed"

_OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
_SPKI = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
_BEGIN = "-----BEGIN PUBLIC KEY-----"
_END = "-----END PUBLIC KEY-----"


def seal(plaintext: bytes | bytearray, server_key: rsa.RSAPublicKey) -> bytes:
    """Seal a request to the server; two calls never give the same octets.

    Args:
        plaintext: The request, at most MAX_REQUEST octets.
        server_key: A key that ``load_server_key`` returned.

    Returns:
        The body to send: JSON octets.

    Raises:
        ValueError: The plaintext is too long; the exception does not hold it.
    """
    size = len(plaintext)
    if size > MAX_REQUEST:
        del plaintext  # an exception keeps the locals of its frames
        raise ValueError(f"plaintext: {size} octets exceed {MAX_REQUEST}")
    key = secrets.token_bytes(KEY_OCTETS)
    nonce = secrets.token_bytes(NONCE_OCTETS)
    sealed = AESGCM(key).encrypt(nonce, plaintext, None)
    payload = {"ciphertext": sealed[:-TAG_OCTETS], "nonce": nonce, "tag": sealed[-TAG_OCTETS:]}
    envelope = {
        "version": _NAMES["version"],
        "algorithm": _NAMES["algorithm"],
        "encrypted_payload": payload,
        "encrypted_aes_key": server_key.encrypt(key, _OAEP),
        "key_algorithm": _NAMES["key_algorithm"],
        "payload_algorithm": _NAMES["payload_algorithm"],
    }
    return msgspec.json.encode(envelope)  # octets become standard base64


def open_response(sealed: bytes, private_key: rsa.RSAPrivateKey) -> bytes:
    """Open a sealed response.

    Args:
        sealed: The response's body as it came.
        private_key: The key whose public half the request named.

    Returns:
        The plaintext, which nothing but its integrity has been said of.

    Raises:
        SecurityError: It is no envelope, or not sealed to this key. Which of the steps of
            decryption failed is not told; neither the exception nor its frames hold any secret.
    """
    opened = opened_or_fault(sealed, private_key)
    del sealed, private_key  # an exception keeps the locals of its frames
    if isinstance(opened, str):
        raise SecurityError(opened)
    return opened


def opened_or_fault(sealed: bytes, private_key: rsa.RSAPrivateKey) -> bytes | str:
    """Open a sealed response as ``open_response`` does, and return the fault as text.

    For callers with secrets in their own frames: no exception ever holds those.
    """
    try:
        envelope = _read(sealed, (private_key.key_size + 7) // 8)
    except MalformedError as error:
        return str(error)
    key = _unwrapped(envelope.wrapped_key, private_key)
    try:
        return AESGCM(key).decrypt(envelope.nonce, envelope.ciphertext + envelope.tag, None)
    except InvalidTag:
        return _UNOPENED


class _Sealed(msgspec.Struct, frozen=True):
    """The octets of an envelope, still sealed."""

    ciphertext: bytes
    nonce: bytes
    tag: bytes
    wrapped_key: bytes


def _unwrapped(wrapped: bytes, private_key: rsa.RSAPrivateKey) -> bytes:
    """Unwrap the AES key; where there is none, return one by chance that opens nothing.

    So a bad key and a bad tag fail at one place, and an attacker learns nothing of the padding.
    """
    substitute = secrets.token_bytes(KEY_OCTETS)
    try:
        key = private_key.decrypt(wrapped, _OAEP)
    except ValueError:
        return substitute
    return key if len(key) == KEY_OCTETS else substitute


def _read(sealed: bytes, key_size: int) -> _Sealed:
    """Read an envelope: every member known, each once, each of its one type and size."""
    document = _document(sealed)
    for name, wanted in _NAMES.items():
        if document.get(name, MISSING) != wanted:
            raise MalformedError(name, f'expected "{wanted}"')
    payload = document.get("encrypted_payload", MISSING)
    if type(payload) is not dict:
        raise MalformedError("encrypted_payload", unlike(payload, "an object"))
    if document.keys() - _ENVELOPE or payload.keys() - _PAYLOAD:
        raise MalformedError("response", "holds a member that no envelope has")
    claimed = document.get("processed_at", 0)  # a claim outside the seal: typed, and not used
    if type(claimed) is not int:
        raise MalformedError("processed_at", unlike(claimed, "a whole number"))
    return _Sealed(
        octets(payload, "ciphertext", MAX_OPENED),
        _exactly(payload, "nonce", NONCE_OCTETS),
        _exactly(payload, "tag", TAG_OCTETS),
        _exactly(document, "encrypted_aes_key", key_size),
    )


def _document(sealed: bytes) -> dict[str, Any]:
    """Read the JSON of an envelope; what cannot be one is refused before it is decoded.

    Few members and no array: so decoding takes no more memory than the octets do. Faults repeat
    nothing of the response, which may hold a plaintext that was never sealed.
    """
    if len(sealed) > MAX_WIRE:
        raise MalformedError("response", f"{len(sealed)} octets exceed {MAX_WIRE}")
    if b"[" in sealed or sealed.count(b":") > _MOST_MEMBERS:
        raise MalformedError("response", "is no envelope")
    try:
        return read_document(sealed)
    except MalformedError:
        fault = "is no JSON object with each member once"
    raise MalformedError("response", fault)


def _exactly(parent: dict[str, Any], name: str, size: int) -> bytes:
    """Take octets of one size."""
    taken = octets(parent, name, size)
    if len(taken) != size:
        raise MalformedError(name, f"{len(taken)} octets, expected {size}")
    return taken


def load_server_key(pem: bytes) -> rsa.RSAPublicKey:
    """Load the server's key: one PEM block (RFC 7468, 13) and nothing beside it.

    Raises:
        SecurityError: No such block, no RSA key in the one DER form of SubjectPublicKeyInfo, a
            modulus of other than 2048 to 16384 bits, or an exponent that is even or below 65537.
    """
    der = _public_der(pem)
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SecurityError("server key: is no public key") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise SecurityError("server key: is no RSA key")
    if key.public_bytes(*_SPKI) != der:
        raise SecurityError("server key: is not SubjectPublicKeyInfo in DER")
    _refuse_weak(key)
    return key


def server_key_sha256(key: rsa.RSAPublicKey) -> str:
    """Return SHA-256 of the key's DER SubjectPublicKeyInfo (RFC 5280, 4.1), in lower-case hex."""
    return hashlib.sha256(key.public_bytes(*_SPKI)).hexdigest()


def _public_der(pem: bytes) -> bytes:
    """Take the DER out of exactly one PEM block of a public key."""
    if len(pem) > MAX_PEM:
        raise SecurityError(f"server key: {len(pem)} octets exceed {MAX_PEM}")
    lines = pem.decode("ascii", "replace").replace("\r\n", "\n").strip("\n").split("\n")
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:  # noqa: PLR2004 - both and one
        raise SecurityError(f"server key: expected one block of {_BEGIN}")
    try:
        return decoded("server key", "".join(lines[1:-1]), MAX_PEM)
    except MalformedError as error:
        raise SecurityError(str(error)) from error


def _refuse_weak(key: rsa.RSAPublicKey) -> None:
    """Refuse a key that is too small, or that nothing can be sealed to."""
    numbers = key.public_numbers()
    if not MIN_SERVER_BITS <= key.key_size <= MAX_SERVER_BITS:
        wanted = f"{MIN_SERVER_BITS} to {MAX_SERVER_BITS}"
        raise SecurityError(f"server key: {key.key_size} bits, expected {wanted}")
    if not numbers.n & 1:
        raise SecurityError("server key: an even modulus is no RSA key")
    exponent = numbers.e
    if exponent < MIN_EXPONENT or not exponent & 1 or exponent.bit_length() > MAX_EXPONENT_BITS:
        wanted = f"an odd one from {MIN_EXPONENT}, of at most {MAX_EXPONENT_BITS} bits"
        raise SecurityError(f"server key: exponent {hex(exponent)[:20]}, expected {wanted}")
