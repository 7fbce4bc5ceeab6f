"""``--policy-key`` and ``--min-serial``: every command that takes a policy demands the same."""

import hashlib
import json
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests import build
from tests.cli.calls import HONEST, attest
from tests.cli.conftest import written

COMMANDS: Final = {
    "verify": ("verify", "r.jsonl", "-p", "POLICY"),
    "replay": ("replay", "r.jsonl", "-p", "POLICY", "-o", "out", "--processes", "1"),
    "drift": ("replay", "r.jsonl", "--policy-then", "first.dsse", "--policy-now", "POLICY", "-o",
              "out", "--processes", "1"),
    "lint": ("policy", "lint", "POLICY"),
    "diff": ("policy", "diff", "first.dsse", "POLICY"),
    "diff with evidence": ("policy", "diff", "POLICY", "r.jsonl"),
    "test": ("policy", "test", "POLICY", "cases"),
    "learn": ("policy", "learn", "r.jsonl", "-p", "POLICY", "--allow-unanchored", "-o", "next"),
    "learn into": ("policy", "learn", "r.jsonl", "--into", "POLICY", "--allow-unanchored", "-o",
                   "next"),
    "import": ("policy", "import", "values.json", "--from", "json", "-p", "POLICY", "-o", "next"),
    "import into": ("policy", "import", "values.json", "--from", "json", "--into", "POLICY", "-o",
                    "next"),
}  # fmt: skip
KEY: Final = ("--policy-key", "pub.pem")
FAULTS: Final = {
    "no key": ("a.dsse", (), "is signed: name the key to verify it with (--policy-key)"),
    "not signed": ("a.yaml", KEY, "a.yaml: is not signed"),
    "another key": ("other.dsse", KEY, "is not signed by key"),
    "a changed octet": ("changed.dsse", KEY, "it was changed after signing"),
    "an older edition": ("a.dsse", (*KEY, "--min-serial", "8"), "serial: 7 is an older edition"),
    "another root": ("rooted.dsse", KEY, "differs from the file's SHA-256"),
    "no such key": ("a.dsse", ("--policy-key", "none.pem"), "none.pem: cannot be read"),
    "an empty key": ("a.dsse", ("--policy-key", ""), "cannot be read"),
    "an empty policy": ("", KEY, "the path is empty"),
}


def pem_of(folder: Path, name: str) -> None:
    """Make a pair of keys."""
    key = ec.generate_private_key(ec.SECP256R1())
    kinds = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    written(folder / f"{name}.pem", key.private_bytes(serialization.Encoding.PEM, *kinds))
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    written(folder / f"{name}.pub.pem", public)


def signed(folder: Path, name: str, text: str, key: str = "key") -> Path:
    """Sign a policy, and leave the envelope alone."""
    plain = written(folder / f"{name}.yaml", text.encode())
    path = folder / f"{name}.dsse"
    path.unlink(missing_ok=True)
    done = attest("policy", "sign", plain, "--key", folder / f"{key}.pem", "-o", path)
    assert (done.exit_code, done.output) == (0, "")
    plain.unlink()
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: signed policies, one of each fault, and what commands take besides."""
    for key in ("key", "other"):
        pem_of(tmp_path, key)
    (tmp_path / "key.pub.pem").rename(tmp_path / "pub.pem")
    text = build.policy_text(serial=7)
    whole = signed(tmp_path, "a", text).read_bytes()
    signed(tmp_path, "other", text, "other")
    signed(tmp_path, "first", build.policy_text(serial=9))
    written(tmp_path / "a.yaml", text.encode())
    envelope = json.loads(whole)
    envelope["payload"] = "d" + envelope["payload"][1:]
    written(tmp_path / "changed.dsse", json.dumps(envelope).encode())
    root = written(tmp_path / "root.pem", b"root")
    pin = {"file": "root.pem", "sha256": hashlib.sha256(b"root").digest()}
    aik = {"trust": "certified", "roots": [pin], "identity": [{"subject": "CN=a"}]}
    signed(tmp_path, "rooted", build.policy_text(serial=7, aik=aik))
    written(root, b"swapped")
    written(tmp_path / "r.jsonl", HONEST)
    written(tmp_path / "values.json", json.dumps(build.hex_values(build.VALUES)).encode())
    case = tmp_path / "cases" / "honest"
    case.mkdir(parents=True)
    written(case / "response.json", HONEST)
    written(case / "expected.json", b'{"decision": "accepted"}')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(command: str, policy: str, *words: str) -> tuple[int, str]:
    named = (policy if word == "POLICY" else word for word in COMMANDS[command])
    done = attest(*named, *words)
    return done.exit_code, done.output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_signed_policy_is_taken_by_its_key(folder: Path, command: str) -> None:
    code, said = called(command, "a.dsse", *KEY, "--min-serial", "7")
    differs = command == "diff"  # it is what differs that ends a comparison with 1
    assert code == differs, said
    if "next" in COMMANDS[command]:
        assert "\nserial: 8\n" in (folder / "next").read_text(encoding="utf-8")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_policy_that_is_not_as_demanded_is_refused(
    folder: Path, command: str, fault: str
) -> None:
    policy, words, reason = FAULTS[fault]
    if fault == "no key" and "first.dsse" in COMMANDS[command]:
        (folder / "first.dsse").write_bytes((folder / "a.yaml").read_bytes())
    code, said = called(command, policy, *words)
    assert (code, reason in said) == (2, True), said
    assert not list(folder.glob("next")) + list(folder.glob("out"))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_that_errors_name_are_options_of_the_command(command: str) -> None:
    words = [word for word in COMMANDS[command][:2] if "." not in word]
    said = attest(*words, "--help").stdout
    assert "--policy-key" in said
    assert "--min-serial" in said


def test_a_case_judges_by_its_own_signed_policy(folder: Path) -> None:
    (folder / "a.dsse").rename(folder / "cases" / "honest" / "policy.yaml")
    done = attest("policy", "test", "cases", *KEY)
    assert (done.exit_code, done.stdout) == (0, "PASS  honest\n1 passed, 0 failed\n")
    assert attest("policy", "test", "cases").exit_code == 2


def test_lint_points_into_what_was_signed(folder: Path) -> None:
    done = attest("policy", "lint", "a.dsse", *KEY)
    plain = attest("policy", "lint", "a.yaml")
    assert done.stdout == plain.stdout.replace("a.yaml", "a.dsse")
    assert "[aik.unanchored]" in done.stdout


def test_lint_takes_a_signed_set(folder: Path) -> None:
    (folder / "set").mkdir()
    (folder / "a.dsse").rename(folder / "set" / "a.dsse")
    done = attest("policy", "lint", "set", *KEY)
    assert (done.exit_code, "set/a.dsse:4:10: warning" in done.stdout) == (0, True)


@pytest.mark.parametrize("words", [KEY, ("--min-serial", "7")])
def test_demands_of_no_policy_are_a_wrong_call(folder: Path, words: tuple[str, ...]) -> None:
    learn = ("policy", "learn", "r.jsonl", "--trust", "unanchored", "--allow-unanchored")
    done = attest(*learn, *words, "-o", "next")
    assert (done.exit_code, (folder / "next").exists()) == (2, False)
    assert "--policy-key and --min-serial go with --policy or --into" in done.stderr


@pytest.mark.usefixtures("folder")
def test_what_is_signed_is_not_signed_again() -> None:
    done = attest("policy", "sign", "a.dsse", "--key", "key.pem", "-o", "again")
    assert done.exit_code == 2
    assert done.stderr == "attest: a.dsse: is signed already: sign the policy that is inside\n"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "words",
    [
        ("policy", "test", "a.yaml", ""), ("policy", "test", ""), ("replay", "--check", ""),
        ("replay", "--compare", "", "out"), ("replay", "r.jsonl", "-p", "a.yaml", "-o", ""),
        ("export", "", "--format", "json"), ("report", ""),
    ],
)  # fmt: skip
def test_an_empty_path_is_a_wrong_call_and_never_the_current_folder(
    words: tuple[str, ...],
) -> None:
    done = attest(*words)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.endswith("the path is empty\n")
