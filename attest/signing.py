"""Keys that sign what attest says, as JWT or DSSE envelope, and keys that verify envelopes."""

from __future__ import annotations

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from attest.errors import SigningError

if TYPE_CHECKING:
    from joserfc.jwk import ECKey, OKPKey, RSAKey
    from securesystemslib.signer import Signer, SSlibKey

MAX_FILE = 64 * 1024
"""Octets of a key's file."""
MIN_RSA_BITS = 2048
TOKEN = "hsm:"
"""How the URI of a key on a PKCS#11 token begins: ``hsm:[KEYID][?label=TOKEN]``."""
NEEDS = "signing needs: pip install 'tpm-attest[jose]'"

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_ONE_BLOCK = re.compile(rb"\s*-----BEGIN ([A-Z ]*PRIVATE KEY)-----[^-]*-----END \1-----\s*")
_ONE_PUBLIC = re.compile(rb"\s*-----BEGIN PUBLIC KEY-----[^-]*-----END PUBLIC KEY-----\s*")
_TOKEN_URI = re.compile(r"hsm:[0-9]{0,9}(\?label=[^&=#]+)?")


class JwtKey:
    """A private key that signs JSON Web Tokens (RFC 7519).

    Attributes:
        algorithm: ``ES256``, ``ES384``, ``ES512``, ``EdDSA`` or ``RS256``, by the key.
        key_id: Thumbprint of the public key (RFC 7638), which tokens name as ``kid``.
    """

    def __init__(self, algorithm: str, key: ECKey | OKPKey | RSAKey) -> None:
        """Take a key and the one algorithm that it signs with."""
        self._key = key
        self.algorithm = algorithm
        self.key_id = key.thumbprint()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the claims as a signed token in compact form."""
        from joserfc import jwt  # noqa: PLC0415 - an extra
        from joserfc.errors import SecurityWarning  # noqa: PLC0415 - an extra

        header = {"alg": self.algorithm, "typ": "JWT", "kid": self.key_id}
        with warnings.catch_warnings():
            # RFC 9864 renames EdDSA to Ed25519, which verifiers of EAR do not read yet.
            warnings.simplefilter("ignore", SecurityWarning)
            return jwt.encode(header, dict(claims), self._key, algorithms=[self.algorithm])


class DsseKey:
    """A private key that signs DSSE envelopes (secure-systems-lab/dsse, v1.0)."""

    def __init__(self, place: str, signer: Signer) -> None:
        """Take a signer, and the name of its key for errors."""
        self._place = place
        self._signer = signer

    def sign(self, payload: bytes, payload_type: str) -> str:
        """Return an envelope around the payload, as JSON on one line.

        Raises:
            SigningError: The token does not sign: it is gone, or refuses the PIN.
        """
        from securesystemslib.dsse import Envelope  # noqa: PLC0415 - an extra

        envelope = Envelope(payload, payload_type, {})
        try:
            envelope.sign(self._signer)
        except _token_errors() as error:
            raise SigningError(self._place, _said(error)) from error
        return json.dumps(envelope.to_dict(), separators=(",", ":"))


def load_jwt_key(place: str, password: str | None = None) -> JwtKey:
    """Load a key for JSON Web Tokens from a PEM file.

    Args:
        place: The file: one private key, RSA of at least 2048 bits, ECDSA on P-256, P-384 or
            P-521, or Ed25519, and nothing else.
        password: What the file is encrypted with; None where it is not.

    Raises:
        SigningError: The file cannot be read, holds anything else, or the extra is missing.
    """
    try:
        from joserfc.jwk import ECKey, OKPKey, RSAKey  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SigningError(place, NEEDS) from error
    if place.startswith(TOKEN):
        raise SigningError(place, "a PKCS#11 token signs DSSE envelopes alone, no JWT")
    key = _read(place, password)
    octets = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    if isinstance(key, rsa.RSAPrivateKey):
        return JwtKey("RS256", RSAKey.import_key(octets))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return JwtKey(_CURVES[key.curve.name], ECKey.import_key(octets))
    return JwtKey("EdDSA", OKPKey.import_key(octets))


def load_dsse_key(place: str, password: str | None = None) -> DsseKey:
    """Load a key for DSSE envelopes from a PEM file, or find one on a PKCS#11 token.

    Args:
        place: A PEM file as for ``load_jwt_key``, or ``hsm:[KEYID][?label=TOKEN]``: a key on
            P-256 or P-384 under that id (2 where it is missing), on the token of that label or on
            the only one. The environment variable PYKCS11LIB names the token's module.
        password: What the file is encrypted with, or the token's PIN.

    Raises:
        SigningError: There is no such key, it is of another kind, or the extra is missing.
    """
    try:
        from securesystemslib.signer import CryptoSigner  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SigningError(place, NEEDS) from error
    if place.startswith(TOKEN):
        return DsseKey(place, _token_signer(place, password))
    return DsseKey(place, CryptoSigner(_read(place, password)))


def verifying_key(octets: bytes, place: str) -> SSlibKey:
    """Take one public key in PEM, of a kind that signs here, to verify DSSE envelopes with.

    Args:
        octets: The key, and nothing else.
        place: Where it comes from, for errors.

    Raises:
        SigningError: There is no such key, or the extra is missing.
    """
    try:
        from securesystemslib.signer import SSlibKey  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SigningError(place, NEEDS) from error
    if len(octets) > MAX_FILE or not _ONE_PUBLIC.fullmatch(octets):
        raise SigningError(place, "expected one public key in PEM, and nothing else")
    try:
        key = load_pem_public_key(octets)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError(place, "no public key can be read") from error
    _check_strength(place, key)
    return SSlibKey.from_crypto(key)


def public_key_sha256(octets: bytes) -> str:
    """Return SHA-256 of a public key in PEM, in hex: of its DER SubjectPublicKeyInfo (RFC 5280).

    Args:
        octets: A key that ``verifying_key`` takes.
    """
    key = load_pem_public_key(octets)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def _read(place: str, password: str | None) -> _PrivateKey:
    """Read the one private key of a PEM file."""
    try:
        with Path(place).open("rb") as stream:
            octets = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise SigningError(place, error.strerror or str(error)) from error
    if len(octets) > MAX_FILE or not _ONE_BLOCK.fullmatch(octets):
        raise SigningError(place, "expected one private key in PEM, and nothing else")
    secret = None if password is None else password.encode("utf-8", "surrogateescape")
    try:
        key = load_pem_private_key(octets, secret)
    except TypeError as error:  # this is how the library tells the two apart
        fault = "is encrypted: its password is missing" if secret is None else "is not encrypted"
        raise SigningError(place, fault) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError(place, "no private key can be read, or the password is wrong") from error
    _check_strength(place, key)
    return cast("_PrivateKey", key)


def _check_strength(place: str, key: object) -> None:
    """Refuse a key that is none of a kind that signs here."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        if key.key_size < MIN_RSA_BITS:
            raise SigningError(
                place, f"RSA of {key.key_size} bits, expected {MIN_RSA_BITS} or more"
            )
    elif isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        if key.curve.name not in _CURVES:
            raise SigningError(place, f"curve {key.curve.name}, expected {', '.join(_CURVES)}")
    elif not isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        raise SigningError(place, "expected a key of RSA, ECDSA or Ed25519")


def _token_signer(uri: str, pin: str | None) -> Signer:
    """Find the key that a URI names, and its public half, on a PKCS#11 token."""
    from securesystemslib.signer import HSMSigner, SSlibKey  # noqa: PLC0415 - an extra

    if not _TOKEN_URI.fullmatch(uri):
        raise SigningError(uri, "expected hsm:[KEYID][?label=TOKEN]")
    if pin is None:
        raise SigningError(uri, "the PIN of the token is missing")

    def tell(_: str) -> str:
        return pin

    unknown = SSlibKey("", "ecdsa", "ecdsa-sha2-nistp256", {"public": ""})
    try:
        named = HSMSigner.from_priv_key_uri(uri, unknown, tell)  # the library reads its own URI
        _, public = HSMSigner.import_(named.hsm_keyid, named.token_label, tell)
        return HSMSigner(named.hsm_keyid, public, tell, named.token_label)
    except _token_errors() as error:
        raise SigningError(uri, _said(error)) from error


def _token_errors() -> tuple[type[Exception], ...]:
    """Return what the library raises where a token does not do as asked."""
    from securesystemslib.exceptions import UnsupportedLibraryError  # noqa: PLC0415 - an extra

    known = (UnsupportedLibraryError, ValueError, RuntimeError, OSError)
    try:
        from pkcs11.exceptions import PKCS11Error  # noqa: PLC0415 - an extra
    except ImportError:
        return known
    return (*known, PKCS11Error)


def _said(error: Exception) -> str:
    """Say what went wrong on a token; many of its errors have a name and no text."""
    return str(error) or f"the token answers {type(error).__name__}"
