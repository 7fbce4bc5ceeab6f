"""``signing``: keys are taken strictly, and what they sign other libraries verify."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from attest.errors import AttestError, SigningError
from attest.signing import MAX_FILE, NEEDS, load_dsse_key, load_jwt_key

Private = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
    | dsa.DSAPrivateKey
)

RSA: Final = rsa.generate_private_key(65537, 2048)
P256: Final = ec.generate_private_key(ec.SECP256R1())
GOOD: Final[dict[str, Private]] = {
    "ES256": P256,
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "RS256": RSA,
}
BAD: Final[dict[str, tuple[Private, str]]] = {
    "small": (
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - refused for its size
        "RSA of 1024 bits, expected 2048 or more",
    ),
    "curve": (
        ec.generate_private_key(ec.SECP256K1()),
        "curve secp256k1, expected secp256r1, secp384r1, secp521r1",
    ),
    "ed448": (ed448.Ed448PrivateKey.generate(), "expected a key of RSA, ECDSA or Ed25519"),
    "dsa": (dsa.generate_private_key(2048), "expected a key of RSA, ECDSA or Ed25519"),
}
ONE: Final = "expected one private key in PEM, and nothing else"
UNREAD: Final = "no private key can be read, or the password is wrong"
LOADERS: Final = pytest.mark.parametrize("load", [load_jwt_key, load_dsse_key])
TYPE: Final = "application/vnd.in-toto+json"

Load = Callable[..., Any]


def pem_of(key: Private, password: bytes | None = None) -> bytes:
    """The key in PEM, as PKCS #8."""
    encryption = (
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password)
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


def public_of(key: Private) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def saved(folder: Path, octets: bytes) -> str:
    path = folder / "key.pem"
    path.write_bytes(octets)
    return str(path)


def fault(load: Load, place: str, password: str | None = None) -> str:
    """What a loader says of a key that it does not take."""
    with pytest.raises(SigningError) as caught:
        load(place, password)
    assert isinstance(caught.value, AttestError)
    assert str(caught.value) == f"{place}: {caught.value.fault}"
    return caught.value.fault


@pytest.mark.parametrize("algorithm", GOOD)
def test_a_token_is_verified_by_another_library(tmp_path: Path, algorithm: str) -> None:
    key = load_jwt_key(saved(tmp_path, pem_of(GOOD[algorithm])))
    public = JWK.from_pem(public_of(GOOD[algorithm]))

    token = JWT(jwt=key.sign({"iat": 7}), key=public, algs=[algorithm], expected_type="JWS")

    assert json.loads(token.claims) == {"iat": 7}
    assert json.loads(token.header) == {"alg": algorithm, "typ": "JWT", "kid": public.thumbprint()}


@pytest.mark.parametrize("algorithm", GOOD)
def test_an_envelope_is_verified_with_the_public_key_alone(tmp_path: Path, algorithm: str) -> None:
    key = load_dsse_key(saved(tmp_path, pem_of(GOOD[algorithm])))
    public = SSlibKey.from_crypto(GOOD[algorithm].public_key())

    envelope = Envelope.from_dict(json.loads(key.sign(b"{}", TYPE)))

    assert envelope.verify([public], 1) == {public.keyid: public}
    assert (envelope.payload, envelope.payload_type) == (b"{}", TYPE)


def test_a_changed_payload_or_type_does_not_verify(tmp_path: Path) -> None:
    signed = json.loads(load_dsse_key(saved(tmp_path, pem_of(P256))).sign(b"{}", TYPE))
    public = SSlibKey.from_crypto(P256.public_key())
    for lie in ({"payload": "e30K"}, {"payloadType": "text/plain"}):
        with pytest.raises(VerificationError):
            Envelope.from_dict(json.loads(json.dumps(signed | lie))).verify([public], 1)


@LOADERS
def test_an_encrypted_key_opens_with_its_password(tmp_path: Path, load: Load) -> None:
    place = saved(tmp_path, pem_of(P256, "pass\u00e9".encode()))
    assert load(place, "pass\u00e9")


@LOADERS
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_the_older_form_of_a_key_is_read_too(tmp_path: Path, load: Load, algorithm: str) -> None:
    form = serialization.PrivateFormat.TraditionalOpenSSL
    pem = GOOD[algorithm].private_bytes(
        serialization.Encoding.PEM, form, serialization.NoEncryption()
    )
    assert load(saved(tmp_path, pem))


@LOADERS
def test_a_password_of_any_octets_opens_its_key(tmp_path: Path, load: Load) -> None:
    place = saved(tmp_path, pem_of(P256, b"\xff\x80"))
    assert load(place, "\udcff\udc80")


@LOADERS
def test_an_encrypted_key_without_its_password_is_refused(tmp_path: Path, load: Load) -> None:
    place = saved(tmp_path, pem_of(P256, b"secret"))
    assert fault(load, place) == "is encrypted: its password is missing"
    assert fault(load, place, "other") == UNREAD


@LOADERS
def test_a_password_for_a_key_in_the_clear_is_refused(tmp_path: Path, load: Load) -> None:
    assert fault(load, saved(tmp_path, pem_of(P256)), "secret") == "is not encrypted"


@LOADERS
@pytest.mark.parametrize("kind", BAD)
def test_weak_and_foreign_keys_are_refused(tmp_path: Path, load: Load, kind: str) -> None:
    key, said = BAD[kind]
    assert fault(load, saved(tmp_path, pem_of(key))) == said


@LOADERS
@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"no key",
        pem_of(P256) + pem_of(RSA),
        pem_of(P256) + b"x",
        b"x" + pem_of(P256),
        public_of(P256),
        pem_of(P256).replace(b"END PRIVATE", b"END RSA PRIVATE"),
        pem_of(P256)[:-20],
        pem_of(P256) + b" " * MAX_FILE,
    ],
)
def test_a_file_holds_one_private_key_and_nothing_else(
    tmp_path: Path, load: Load, octets: bytes
) -> None:
    assert fault(load, saved(tmp_path, octets)) == ONE


@LOADERS
def test_a_block_without_a_key_is_refused(tmp_path: Path, load: Load) -> None:
    octets = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    assert fault(load, saved(tmp_path, octets)) == UNREAD


@LOADERS
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, load: Load) -> None:
    assert fault(load, str(tmp_path / "missing.pem")) == "No such file or directory"
    assert fault(load, str(tmp_path))  # each system has words of its own for a directory


def test_a_fault_repeats_nothing_of_key_or_password(tmp_path: Path) -> None:
    place = saved(tmp_path, pem_of(P256, b"secret"))
    assert "pass-phrase" not in fault(load_jwt_key, place, "pass-phrase")


def test_a_token_of_pkcs11_signs_no_jwt() -> None:
    said = "a PKCS#11 token signs DSSE envelopes alone, no JWT"
    assert fault(load_jwt_key, "hsm:2") == said


@pytest.mark.parametrize(
    "uri", ["hsm:x", "hsm:2?", "hsm:2?label=", "hsm:2?lable=a", "hsm:2?label=a&label=b", "hsm:-1"]
)
def test_a_uri_of_a_token_has_one_form(uri: str) -> None:
    assert fault(load_dsse_key, uri, "1234") == "expected hsm:[KEYID][?label=TOKEN]"


def test_a_token_needs_its_pin() -> None:
    assert fault(load_dsse_key, "hsm:") == "the PIN of the token is missing"


def test_a_token_needs_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYKCS11LIB", raising=False)
    assert fault(load_dsse_key, "hsm:", "1234") == "PYKCS11LIB environment variable must be set"


def test_a_module_that_cannot_be_loaded_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYKCS11LIB", str(tmp_path / "missing.so"))
    assert "missing.so" in fault(load_dsse_key, "hsm:", "1234")


def test_without_the_library_of_tokens_the_fault_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = "'python-pkcs11' required"
    monkeypatch.setattr("securesystemslib.signer._hsm_signer.PKCS11_IMPORT_ERROR", said)
    monkeypatch.setitem(sys.modules, "pkcs11.exceptions", None)
    assert fault(load_dsse_key, "hsm:", "1234") == said


@pytest.mark.parametrize(
    ("load", "missing"), [(load_jwt_key, "joserfc.jwk"), (load_dsse_key, "securesystemslib.signer")]
)
def test_without_the_extra_the_fault_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, load: Load, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert fault(load, "key.pem") == NEEDS
