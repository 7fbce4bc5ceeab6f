"""``opening``: an envelope is believed by a key that signed it, and by nothing else."""

import json
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from attest.errors import MalformedError, SigningError
from attest.opening import MAX_PAYLOAD, load_envelope_key, open_envelope
from attest.signing import MAX_FILE, NEEDS, load_dsse_key

TYPE: Final = "application/vnd.example"
PAYLOAD: Final = b'{"a": 1}'
KINDS: Final[dict[str, Any]] = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
}
WEAK: Final = "expected a key of RSA from 2048 bits, ECDSA or Ed25519"
ONE: Final = "expected one public key in PEM, and nothing else"

Change = Callable[[dict[str, Any]], object]


def public_pem(key: Any) -> bytes:
    octets: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return octets


def saved(path: Path, octets: bytes) -> str:
    path.write_bytes(octets)
    return str(path)


@pytest.fixture
def signed(tmp_path: Path) -> dict[str, Any]:
    """An envelope by the P-256 key."""
    return envelope(tmp_path, KINDS["p256"])


def envelope(folder: Path, key: Any) -> dict[str, Any]:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    text = load_dsse_key(saved(folder / "key.pem", pem)).sign(PAYLOAD, TYPE)
    members: dict[str, Any] = json.loads(text)
    return members


def opened(folder: Path, members: dict[str, Any], key: Any) -> tuple[bytes, bool]:
    place = saved(folder / "key.pub.pem", public_pem(key))
    return open_envelope(json.dumps(members).encode(), TYPE, load_envelope_key(place))


@pytest.mark.parametrize("kind", KINDS)
def test_envelope_opens_by_the_key_that_signed_it(tmp_path: Path, kind: str) -> None:
    members = envelope(tmp_path, KINDS[kind])
    assert opened(tmp_path, members, KINDS[kind]) == (PAYLOAD, True)


def test_envelope_without_a_key_is_not_signed(signed: dict[str, Any]) -> None:
    assert open_envelope(json.dumps(signed).encode(), TYPE, None) == (PAYLOAD, False)


def test_envelope_by_another_key_is_not_signed(tmp_path: Path, signed: dict[str, Any]) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    assert opened(tmp_path, signed, other) == (PAYLOAD, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda it: it.update(payload=b64encode(b'{"a": 2}').decode()),
        lambda it: it.update(signatures=[]),
        lambda it: it["signatures"].append(it["signatures"][0]),
        lambda it: it["signatures"][0].update(sig="AAAA"),
        lambda it: it["signatures"][0].update(sig="*"),
        lambda it: it["signatures"][0].update(keyid="0" * 64),
    ],
)
def test_changed_envelope_is_not_signed(
    tmp_path: Path, signed: dict[str, Any], change: Change
) -> None:
    change(signed)
    assert opened(tmp_path, signed, KINDS["p256"])[1] is False


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda it: it.update(more=1), "envelope: Object contains unknown field `more`"),
        (lambda it: it.pop("payload"), "envelope: Object missing required field `payload`"),
        (lambda it: it.update(payload="AB=="), "envelope.payload: is not canonical base64"),
        (
            lambda it: it.update(payload=b64encode(bytes(MAX_PAYLOAD + 1)).decode()),
            "envelope.payload: 1048577 octets exceed 1048576",
        ),
        (
            lambda it: it.update(payloadType="text/plain"),
            f'envelope.payloadType: is "text/plain", expected "{TYPE}"',
        ),
        (lambda it: it["signatures"][0].update(x=1), "envelope: Object contains unknown field"),
    ],
)
def test_what_is_no_such_envelope_is_refused(
    signed: dict[str, Any], change: Change, fault: str
) -> None:
    change(signed)
    with pytest.raises(MalformedError) as caught:
        open_envelope(json.dumps(signed).encode(), TYPE, None)
    assert str(caught.value).startswith(fault)


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"", ONE),
        (public_pem(KINDS["rsa"]) + public_pem(KINDS["p256"]), ONE),
        (b"x" + public_pem(KINDS["rsa"]), ONE),
        (public_pem(KINDS["rsa"]) + b" " * MAX_FILE, ONE),
        (
            b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
            "no public key can be read",
        ),
        (public_pem(ec.generate_private_key(ec.SECP256K1())), WEAK),
        (public_pem(ed448.Ed448PrivateKey.generate()), WEAK),
        (public_pem(dsa.generate_private_key(2048)), WEAK),
        (
            public_pem(rsa.generate_private_key(65537, 1024)),  # noqa: S505 - refused for its size
            WEAK,
        ),
    ],
)
def test_key_of_another_kind_is_refused(tmp_path: Path, octets: bytes, fault: str) -> None:
    place = saved(tmp_path / "key.pub.pem", octets)
    with pytest.raises(SigningError) as caught:
        load_envelope_key(place)
    assert str(caught.value) == f"{place}: {fault}"


def test_missing_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(SigningError, match=r"missing\.pem: No such file or directory"):
        load_envelope_key(str(tmp_path / "missing.pem"))


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    with pytest.raises(SigningError) as caught:
        load_envelope_key("key.pub.pem")
    assert caught.value.fault == NEEDS
