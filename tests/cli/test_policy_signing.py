"""``attest policy sign``, and what ``attest verify`` and the archive make of signed policies."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import attest as package
from attest.archive import Archive
from attest.errors import EvidenceWriteError, PolicyError
from client.gate import Gate
from tests import build
from tests.cli.calls import HONEST, attest

KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a policy, a response, and both halves of a key."""
    (tmp_path / "a.yaml").write_text(build.policy_text(serial=7), encoding="utf-8")
    (tmp_path / "r.json").write_bytes(HONEST)
    private = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (tmp_path / "key.pem").write_bytes(private)
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "pub.pem").write_bytes(public)
    return tmp_path


def signed(folder: Path) -> Path:
    path = folder / "a.dsse"
    path.unlink(missing_ok=True)
    done = attest("policy", "sign", folder / "a.yaml", "--key", folder / "key.pem", "-o", path)
    assert (done.exit_code, done.output) == (0, "")
    return path


def test_a_signed_policy_judges_as_itself(folder: Path) -> None:
    path = signed(folder)
    words = ("verify", folder / "r.json", "-p", path, "--format", "json")
    done = attest(*words, "--policy-key", folder / "pub.pem", "--min-serial", "7")
    (result,) = json.loads(done.stdout)
    assert done.exit_code == 0
    digest = hashlib.sha256((folder / "a.yaml").read_bytes()).hexdigest()
    assert result["policy"] == {"name": "golden", "serial": 7, "sha256": digest}


@pytest.mark.parametrize(
    ("policy", "words", "said"),
    [
        ("a.dsse", (), "is signed: name the key"),
        ("a.yaml", ("--policy-key", "pub.pem"), "is not signed"),
        ("a.dsse", ("--policy-key", "pub.pem", "--min-serial", "8"), "is an older edition"),
        ("a.yaml", ("--min-serial", "8"), "is an older edition"),
        ("a.dsse", ("--policy-key", "key.pem"), "expected one public key"),
        ("a.dsse", ("--policy-key", "none.pem"), "cannot be read"),
    ],
)
def test_verify_refuses_a_policy_that_is_not_as_demanded(
    folder: Path, policy: str, words: tuple[str, ...], said: str
) -> None:
    signed(folder)
    placed = [str(folder / word) if word.endswith(".pem") else word for word in words]
    done = attest("verify", folder / "r.json", "-p", folder / policy, *placed)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert said in done.stderr


def test_sign_never_writes_over_a_file(folder: Path) -> None:
    path = signed(folder)
    before = path.read_bytes()
    done = attest("policy", "sign", folder / "a.yaml", "--key", folder / "key.pem", "-o", path)
    assert (done.exit_code, path.read_bytes()) == (2, before)
    assert "is there already, and is never written over" in done.stderr


@pytest.mark.parametrize("output", ["no/such/folder", "a\0b"])
def test_sign_says_where_it_cannot_write(folder: Path, output: str) -> None:
    done = attest("policy", "sign", folder / "a.yaml", "--key", folder / "key.pem", "-o", output)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


def test_sign_says_that_a_policy_has_no_serial(folder: Path) -> None:
    (folder / "a.yaml").write_text(build.policy_text(), encoding="utf-8")
    words = ("policy", "sign", folder / "a.yaml", "--key", folder / "key.pem")
    done = attest(*words, "-o", "-")
    assert (done.exit_code, "has no serial" in done.stderr) == (0, True)
    assert json.loads(done.stdout)["payloadType"] == "application/vnd.tpm-attest.policy+yaml"


@pytest.mark.parametrize(("file", "key"), [("bad.yaml", "key.pem"), ("a.yaml", "pub.pem"),
                                           ("a.dsse", "key.pem"), ("none", "key.pem")])  # fmt: skip
def test_sign_signs_nothing_that_does_not_load(folder: Path, file: str, key: str) -> None:
    signed(folder)
    (folder / "bad.yaml").write_text("schema: 2", encoding="utf-8")
    done = attest("policy", "sign", folder / file, "--key", folder / key, "-o", folder / "o")
    assert (done.exit_code, done.stderr.count("\n"), (folder / "o").exists()) == (2, 1, False)


def test_the_archive_keeps_the_octets_that_were_signed(folder: Path) -> None:
    policy = package.load_policy(signed(folder), verify_key=folder / "pub.pem")
    assert isinstance(policy, package.Policy)
    Archive(folder / "e.jsonl").keep_policy(policy)
    (kept,) = (folder / "e.jsonl.policies").iterdir()
    assert kept.name == f"{policy.sha256}.yaml"
    assert kept.read_bytes() == (folder / "a.yaml").read_bytes()


def test_the_archive_keeps_no_envelope_that_was_swapped(folder: Path) -> None:
    path = signed(folder)
    policy = package.load_policy(path, verify_key=folder / "pub.pem")
    (folder / "a.yaml").write_text(build.policy_text(serial=8), encoding="utf-8")
    signed(folder)
    with pytest.raises(EvidenceWriteError, match="was changed since it was loaded"):
        Archive(folder / "e.jsonl").keep_policy(policy)
    path.write_text('{"payloadType": 1}', encoding="utf-8")
    with pytest.raises(EvidenceWriteError, match="envelope"):
        Archive(folder / "e.jsonl").keep_policy(policy)


def test_a_gate_reloads_a_signed_policy_by_its_key_alone(folder: Path) -> None:
    path = signed(folder)
    gate = Gate(
        package.load_policy(path, verify_key=folder / "pub.pem"), archive=folder / "e.jsonl"
    )
    in_force = gate.policy_digests
    gate.reload_policy()
    assert gate.policy_digests == in_force
    with pytest.raises(PolicyError, match="is not signed"):
        gate.reload_policy(folder / "a.yaml")
    assert gate.policy_digests == in_force
    (folder / "a.yaml").write_text(build.policy_text(serial=8), encoding="utf-8")
    gate.reload_policy(signed(folder))
    assert gate.policy_digests != in_force
    (folder / "a.yaml").write_text(build.policy_text(serial=7), encoding="utf-8")
    signed(folder)
    with pytest.raises(PolicyError, match="older than 8, which is in force"):
        gate.reload_policy()
