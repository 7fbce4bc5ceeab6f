"""Signed policies: what is inside is used, by the pinned key and no older; all else is refused."""

import base64
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from attest.errors import PolicyError
from attest.policy.loader import load_policy, reload_policy
from attest.policy.model import Policy, PolicySet
from attest.policy.signed import PAYLOAD_TYPE
from attest.signing import NEEDS, load_dsse_key
from tests.policy.texts import policy

Signer = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey

OURS: Final = ec.generate_private_key(ec.SECP256R1())
OTHER: Final = ec.generate_private_key(ec.SECP256R1())


def public(key: Any = OURS) -> bytes:
    octets: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return octets


def sign(folder: Path, octets: bytes, key: Signer = OURS, kind: str = PAYLOAD_TYPE) -> bytes:
    pem = folder / "signing.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return load_dsse_key(str(pem)).sign(octets, kind).encode() + b"\n"


def envelope(folder: Path, file: str = "policy.dsse", key: Signer = OURS, **parts: str) -> Path:
    path = folder / file
    path.write_bytes(sign(folder, policy(**{"serial": "7", **parts}).encode(), key))
    return path


def fault(path: Path, **asked: Any) -> str:
    with pytest.raises(PolicyError) as caught:
        load_policy(path, **{"verify_key": public(), **asked})
    return str(caught.value).removeprefix(f"{path}:").strip()


# --- accepted --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        OURS,
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
    ids=["p256", "p384", "p521", "ed25519", "rsa"],
)
def test_a_policy_signed_by_the_pinned_key_loads(tmp_path: Path, key: Signer) -> None:
    loaded = load_policy(envelope(tmp_path, key=key), verify_key=public(key), min_serial=7)
    assert isinstance(loaded, Policy)
    assert (loaded.name, loaded.serial) == ("test", 7)


def test_the_key_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "public.pem").write_bytes(public())
    for place in (tmp_path / "public.pem", str(tmp_path / "public.pem")):
        assert load_policy(envelope(tmp_path), verify_key=place).path


def test_signed_and_unsigned_are_one_policy_by_its_digest(tmp_path: Path) -> None:
    octets = policy(serial="7").encode()
    (tmp_path / "plain.yaml").write_bytes(octets)
    plain = load_policy(tmp_path / "plain.yaml")
    signed = load_policy(envelope(tmp_path), verify_key=public())
    assert isinstance(plain, Policy)
    assert isinstance(signed, Policy)
    assert plain.identity() == signed.identity()
    assert signed.sha256 == hashlib.sha256(octets).hexdigest()


def test_errors_inside_point_into_the_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.dsse"
    path.write_bytes(sign(tmp_path, policy(clock="{}").encode()))
    assert fault(path) == "5:8: clock: empty mapping"


def test_a_set_is_of_signed_files_only(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for tier in ("high", "standard"):
        written = envelope(tmp_path, name=tier, applies_to=f"{{security_tier: [{tier}]}}")
        written.rename(folder / f"{tier}.{'yaml' if tier == 'high' else 'dsse'}")
    loaded = load_policy(folder, verify_key=public(), min_serial=7)
    assert isinstance(loaded, PolicySet)
    assert [one.name for one in loaded.policies] == ["high", "standard"]

    (folder / "plain.yaml").write_text(policy(serial="7"), encoding="utf-8")
    assert fault(folder).startswith(f"{folder / 'plain.yaml'}: is not signed")
    (folder / "plain.yaml").unlink()
    assert "high.yaml:5:9: serial: 7 is an older edition" in fault(folder, min_serial=8)


def test_an_empty_folder_is_no_signed_set(tmp_path: Path) -> None:
    assert fault(tmp_path) == "no *.yaml and no *.dsse file in this directory"


# --- refused ---------------------------------------------------------------------------------


def test_every_octet_that_changes_refuses(tmp_path: Path) -> None:
    path = envelope(tmp_path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(PolicyError):
            load_policy(path, verify_key=public())


def with_payload(octets: bytes, change: Callable[[bytes], bytes]) -> bytes:
    document = json.loads(octets)
    payload = base64.b64decode(document["payload"])
    document["payload"] = base64.b64encode(change(payload)).decode()
    return json.dumps(document).encode()


def test_a_changed_policy_does_not_verify(tmp_path: Path) -> None:
    path = envelope(tmp_path)
    path.write_bytes(with_payload(path.read_bytes(), lambda text: text.replace(b"7", b"8")))
    said = fault(path)
    assert said.startswith("envelope: the signature by key ")
    assert said.endswith(" does not verify: it was changed after signing")


def test_an_older_edition_is_refused_by_its_place(tmp_path: Path) -> None:
    said = "5:9: serial: 7 is an older edition, expected at least 8"
    assert fault(envelope(tmp_path), min_serial=8) == said


def test_an_edition_without_serial_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.dsse"
    path.write_bytes(sign(tmp_path, policy().encode()))
    assert fault(path, min_serial=0) == "1:1: serial: missing, expected at least 0"
    assert load_policy(path, verify_key=public()).path


def test_another_key_is_refused(tmp_path: Path) -> None:
    said = fault(envelope(tmp_path, key=OTHER))
    assert said.startswith("envelope: is not signed by key ")


def test_another_keys_signature_under_our_id_is_refused(tmp_path: Path) -> None:
    ours, theirs = (json.loads(envelope(tmp_path, key=key).read_bytes()) for key in (OURS, OTHER))
    theirs["signatures"][0]["keyid"] = ours["signatures"][0]["keyid"]
    path = tmp_path / "policy.dsse"
    path.write_bytes(json.dumps(theirs).encode())
    assert fault(path).endswith("does not verify: it was changed after signing")


def test_an_envelope_without_signatures_is_refused(tmp_path: Path) -> None:
    path = envelope(tmp_path)
    document = json.loads(path.read_bytes()) | {"signatures": []}
    path.write_text(json.dumps(document), encoding="utf-8")
    assert fault(path).endswith(", but by none")


def test_an_unsigned_file_is_refused_where_a_key_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    for text in (policy(), "{", "[]", '{"schema": 1}', "", '{"a":' * 5000):
        path.write_text(text, encoding="utf-8")
        assert fault(path) == f"is not signed: expected a DSSE envelope of {PAYLOAD_TYPE}"


def test_a_signed_file_is_refused_where_no_key_is_named(tmp_path: Path) -> None:
    path = envelope(tmp_path)
    assert (
        fault(path, verify_key=None) == "is signed: name the key to verify it with (--policy-key)"
    )


def test_what_was_signed_as_something_else_is_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.dsse"
    path.write_bytes(sign(tmp_path, policy().encode(), kind="application/vnd.in-toto+json"))
    assert fault(path) == (
        f"envelope.payloadType: is 'application/vnd.in-toto+json', expected '{PAYLOAD_TYPE}'"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda whole: whole | {"more": 1}, "unknown field"),
        (lambda whole: {"payloadType": whole["payloadType"]}, "missing required field"),
        (lambda whole: whole | {"payload": "YR=="}, "base64 is not canonical"),
        (lambda whole: whole | {"payload": "-_-_"}, "base64 is not canonical"),
        (lambda whole: whole | {"payload": "!"}, "envelope: "),
        (lambda whole: whole | {"signatures": whole["signatures"] * 2}, "Multiple signatures"),
        (lambda whole: {k: v for k, v in whole.items() if k != "signatures"}, "missing"),
    ],
)
def test_an_envelope_has_one_form(
    tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], said: str
) -> None:
    path = envelope(tmp_path)
    path.write_text(json.dumps(change(json.loads(path.read_bytes()))), encoding="utf-8")
    assert said in fault(path)


def test_a_member_that_stands_twice_is_refused(tmp_path: Path) -> None:
    path = envelope(tmp_path)
    path.write_bytes(b'{"payload":"",' + path.read_bytes()[1:])
    assert fault(path) == "envelope: a member stands twice"


def test_a_swapped_root_file_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root.pem"
    root.write_bytes(b"root")
    pin = hashlib.sha256(b"root").hexdigest()
    roots = f'roots: [{{file: root.pem, sha256: "{pin}"}}], identity: [{{subject: a}}]'
    path = envelope(tmp_path, aik=f"{{trust: certified, {roots}}}")
    assert load_policy(path, verify_key=public()).path
    root.write_bytes(b"swapped")
    assert "aik.roots[0].sha256: differs from the file's SHA-256" in fault(path)


# --- keys ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (b"", "expected one public key in PEM, and nothing else"),
        (public() * 2, "expected one public key in PEM, and nothing else"),
        (b"x" * 70000, "expected one public key in PEM, and nothing else"),
        (
            b"-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----",
            "no public key can be read",
        ),
        (public(rsa.generate_private_key(65537, 1024)), "RSA of 1024 bits"),  # noqa: S505 - refused
        (public(ec.generate_private_key(ec.SECP256K1())), "curve secp256k1"),
        (public(dsa.generate_private_key(2048)), "expected a key of RSA, ECDSA or Ed25519"),
    ],
)
def test_a_key_that_cannot_be_relied_on_is_refused(tmp_path: Path, key: bytes, said: str) -> None:
    path = envelope(tmp_path)
    with pytest.raises(PolicyError) as caught:
        load_policy(path, verify_key=key)
    assert str(caught.value).startswith(f"verify_key: {said}")


def test_a_key_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for place in (str(tmp_path / "missing.pem"), "a\0b"):
        with pytest.raises(PolicyError, match="cannot be read"):
            load_policy(envelope(tmp_path), verify_key=place)


@pytest.mark.parametrize("serial", [-1, True, "7", 2**53])
def test_a_least_serial_that_is_none_is_the_callers_error(tmp_path: Path, serial: Any) -> None:
    with pytest.raises(ValueError, match="min_serial is "):
        load_policy(envelope(tmp_path), verify_key=public(), min_serial=serial)


# --- reload ----------------------------------------------------------------------------------


def test_a_reload_demands_what_the_load_did(tmp_path: Path) -> None:
    key = tmp_path / "public.pem"
    key.write_bytes(public())
    path = envelope(tmp_path)
    loaded = load_policy(path, verify_key=key, min_serial=7)
    key.write_bytes(public(OTHER))
    assert reload_policy(loaded) == loaded
    path.write_text(policy(serial="8"), encoding="utf-8")
    with pytest.raises(PolicyError, match="is not signed"):
        reload_policy(loaded)
    envelope(tmp_path, key=OTHER, serial="8")
    with pytest.raises(PolicyError, match="is not signed by key"):
        reload_policy(loaded)


def test_a_reload_takes_the_next_edition_and_never_the_last(tmp_path: Path) -> None:
    loaded = load_policy(envelope(tmp_path, serial="8"), verify_key=public())
    envelope(tmp_path, serial="7")
    with pytest.raises(PolicyError, match="serial: older than 8, which is in force"):
        reload_policy(loaded)
    envelope(tmp_path, serial="9")
    later = reload_policy(loaded)
    assert isinstance(later, Policy)
    assert later.serial == 9
    assert reload_policy(loaded, envelope(tmp_path, "b.dsse", name="another", serial="1")).path


def test_a_reloaded_set_never_goes_back_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    envelope(tmp_path).rename(folder / "a.dsse")
    loaded = load_policy(folder, verify_key=public())
    envelope(tmp_path, serial="6").rename(folder / "a.dsse")
    with pytest.raises(PolicyError, match="older than 7"):
        reload_policy(loaded)


def test_an_unsigned_policy_is_reloaded_as_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(policy(serial="8"), encoding="utf-8")
    loaded = load_policy(path)
    path.write_text(policy(serial="7"), encoding="utf-8")
    again = reload_policy(loaded)
    assert isinstance(again, Policy)
    assert again.serial == 7


def test_without_the_extra_a_signed_policy_does_not_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = envelope(tmp_path)
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    with pytest.raises(PolicyError) as caught:
        load_policy(path, verify_key=public())
    assert caught.value.fault == NEEDS
