"""Trust ``certified``: root files, pinned by digest, and the machines that they may name."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from attest.errors import PolicyError
from attest.policy.anchoring import Identity, RevokedCertificate, RootFile
from attest.policy.lint import lint
from attest.policy.loader import load_policy
from attest.policy.model import Policy
from tests.certificates.making import ca, issue
from tests.policy.texts import HEX64, A, policy

ROOT = b"-----BEGIN CERTIFICATE-----\n"
PIN = hashlib.sha256(ROOT).hexdigest()


def certified(roots: str, identity: str) -> str:
    return f"{{trust: certified, roots: {roots}, identity: {identity}}}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "vendor.pem").write_bytes(ROOT)
    return tmp_path


def certified_in(folder: Path, roots: str, identity: str = "[{subject: CN=a}]") -> Policy:
    path = folder / "policy.yaml"
    path.write_text(policy(aik=certified(roots, identity)), encoding="utf-8")
    loaded = load_policy(path)
    assert isinstance(loaded, Policy)
    return loaded


def said_in(folder: Path, roots: str, identity: str = "[{subject: CN=a}]") -> str:
    with pytest.raises(PolicyError) as caught:
        certified_in(folder, roots, identity)
    return str(caught.value).removeprefix(f"{folder / 'policy.yaml'}:")


VENDOR = f"[{{file: roots/vendor.pem, sha256: '{PIN}'}}]"


def test_root_files_are_read_beside_the_policy(folder: Path) -> None:
    identity = (
        f"[{{leaf_sha256: '{A}'}}, {{gce: {{project: p, instance: i}}}}, {{subject: 'CN=a, O=b'}}]"
    )

    loaded = certified_in(folder, VENDOR, identity)

    assert loaded.aik.roots == (RootFile("roots/vendor.pem", bytes.fromhex(PIN), ROOT),)
    assert loaded.aik.identity == (
        Identity(leaf_sha256=bytes.fromhex(A)),
        Identity(gce=("p", "i")),
        Identity(subject="CN=a, O=b"),
    )


def test_certified_needs_an_identity(folder: Path) -> None:
    (folder / "policy.yaml").write_text(policy(aik=f"{{trust: certified, roots: {VENDOR}}}"))

    with pytest.raises(PolicyError, match=r":3:6: aik.identity: trust certified needs identity"):
        load_policy(folder / "policy.yaml")


OUTSIDE = "must be relative and stay in the policy's folder"
ROOTS = [
    ("[]", "3:32: aik.roots: empty list"),
    ("[a.pem]", "3:33: aik.roots[0]: expected a mapping, found a text"),
    (f"[{{sha256: '{PIN}'}}]", "3:33: aik.roots[0].file: required key is missing"),
    ("[{file: a}]", "3:33: aik.roots[0].sha256: required key is missing"),
    (f"[{{file: a, sha256: '{PIN}', url: b}}]", "3:119: aik.roots[0].url: unknown key"),
    (f"[{{file: a, sha256: {PIN}}}]", f"3:51: aik.roots[0].sha256: {HEX64} in quotes"),
    (f"[{{file: '', sha256: '{PIN}'}}]", "3:40: aik.roots[0].file: expected a text, found none"),
    (f'[{{file: "a\\0", sha256: "{PIN}"}}]', "3:40: aik.roots[0].file: control character U+0000"),
    (f"[{{file: /a.pem, sha256: '{PIN}'}}]", f"3:40: aik.roots[0].file: {OUTSIDE}"),
    (f"[{{file: ../a.pem, sha256: '{PIN}'}}]", f"3:40: aik.roots[0].file: {OUTSIDE}"),
    (
        f"[{{file: roots/../roots/vendor.pem, sha256: '{PIN}'}}]",
        f"3:40: aik.roots[0].file: {OUTSIDE}",
    ),
    (f"[{{file: 'C:\\a.pem', sha256: '{PIN}'}}]", f"3:40: aik.roots[0].file: {OUTSIDE}"),
    (f"[{{file: 'a\\..\\b.pem', sha256: '{PIN}'}}]", f"3:40: aik.roots[0].file: {OUTSIDE}"),
    (
        f"[{{file: none.pem, sha256: '{PIN}'}}]",
        "3:40: aik.roots[0].file: cannot be read: No such file or directory",
    ),
    (
        f"[{{file: roots, sha256: '{PIN}'}}]",
        "3:40: aik.roots[0].file: cannot be read: not a regular file",
    ),
    (
        f"[{{file: link.pem, sha256: '{PIN}'}}]",
        "3:40: aik.roots[0].file: cannot be read: a link leads out of the policy's folder",
    ),
    (
        f"[{{file: loop.pem, sha256: '{PIN}'}}]",
        "3:40: aik.roots[0].file: cannot be read: Too many levels of symbolic links",
    ),
    (
        f"[{{file: large.pem, sha256: '{PIN}'}}]",
        "3:40: aik.roots[0].file: cannot be read: larger than 1048576 octets",
    ),
    (
        f"[{{file: roots/vendor.pem, sha256: '{A}'}}]",
        f"3:66: aik.roots[0].sha256: differs from the file's SHA-256, {PIN}",
    ),
    (VENDOR[:-1] + ", " + VENDOR[1:], "3:135: aik.roots[1]: stands in the list twice"),
]


@pytest.mark.parametrize(("roots", "expected"), ROOTS, ids=[row[1] for row in ROOTS])
def test_refuses_roots_with_place_and_reason(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, roots: str, expected: str
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "vendor.pem"
    elsewhere.write_bytes(ROOT)
    (folder / "link.pem").symlink_to(elsewhere)
    (folder / "loop.pem").symlink_to("loop.pem")
    (folder / "large.pem").write_bytes(bytes((1 << 20) + 1))

    assert said_in(folder, roots) == expected


def test_a_root_may_be_a_link_inside_the_folder(folder: Path) -> None:
    (folder / "link.pem").symlink_to("roots/vendor.pem")

    assert certified_in(folder, f"[{{file: link.pem, sha256: '{PIN}'}}]").aik.roots


def test_a_root_that_is_a_pipe_does_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "pipe.pem")

    said = said_in(folder, f"[{{file: pipe.pem, sha256: '{PIN}'}}]")

    assert said == "3:40: aik.roots[0].file: cannot be read: not a regular file"


EXACTLY = "expected exactly one of leaf_sha256, gce or subject"
IDENTITY = [
    ("[]", ": empty list"),
    ("[a]", "[0]: expected a mapping, found a text"),
    ("[{}]", "[0]: empty mapping"),
    ("[{serial: a}]", "[0].serial: unknown key"),
    (f"[{{leaf_sha256: '{A}', subject: a}}]", f"[0]: {EXACTLY}"),
    ("[{subject: a, gce: {project: p, instance: i}}]", f"[0]: {EXACTLY}"),
    ("[{leaf_sha256: 'aa'}]", f"[0].leaf_sha256: {HEX64}"),
    (f"[{{leaf_sha256: {A}}}]", f"[0].leaf_sha256: {HEX64} in quotes"),
    ("[{subject: ''}]", "[0].subject: expected a text, found none"),
    ('[{subject: "a\\nb"}]', "[0].subject: control character U+000A"),
    ("[{gce: p}]", "[0].gce: expected a mapping, found a text"),
    ("[{gce: {project: p}}]", "[0].gce.instance: required key is missing"),
    ("[{gce: {instance: i}}]", "[0].gce.project: required key is missing"),
    ("[{gce: {project: p, instance: i, zone: z}}]", "[0].gce.zone: unknown key"),
    ("[{gce: {project: [p], instance: i}}]", "[0].gce.project: expected a text, found a list"),
    ("[{subject: a}, {subject: 'a'}]", "[1]: stands in the list twice"),
]


@pytest.mark.parametrize(("identity", "expected"), IDENTITY, ids=[row[1] for row in IDENTITY])
def test_refuses_identities_with_reason(folder: Path, identity: str, expected: str) -> None:
    said = said_in(folder, VENDOR, identity)

    assert said.partition(": ")[2] == f"aik.identity{expected}"
    assert said.startswith("3:")


EXACTLY_ONE = "expected exactly one of sha256, issuer with serial, or spki_sha256"
REVOKED = [
    ("[]", ": empty list"),
    ("[a]", "[0]: expected a mapping, found a text"),
    ("[{}]", "[0]: empty mapping"),
    ("[{reason: sold}]", f"[0]: {EXACTLY_ONE}"),
    (f"[{{sha256: '{A}', spki_sha256: '{A}'}}]", f"[0]: {EXACTLY_ONE}"),
    (f"[{{sha256: '{A}', issuer: a, serial: '1'}}]", f"[0]: {EXACTLY_ONE}"),
    ("[{issuer: a}]", "[0]: issuer and serial belong together"),
    ("[{serial: '1'}]", "[0]: issuer and serial belong together"),
    ("[{issuer: a, serial: 10}]", "[0].serial: expected a serial number in hex, in quotes"),
    (
        "[{issuer: a, serial: '0x10'}]",
        "[0].serial: expected -?[0-9A-Fa-f]{1,64}, found '0x10'",
    ),
    ("[{sha256: 'aa'}]", f"[0].sha256: {HEX64}"),
    (f"[{{sha256: '{A}', date: b}}]", "[0].date: unknown key"),
    (f"[{{sha256: '{A}'}}, {{sha256: '{A}'}}]", "[1]: stands in the list twice"),
]


@pytest.mark.parametrize(("revoked", "expected"), REVOKED, ids=[row[0][:40] for row in REVOKED])
def test_refuses_revoked_certificates_with_reason(
    folder: Path, revoked: str, expected: str
) -> None:
    said = said_in(folder, VENDOR, f"[{{subject: a}}], revoked_certificates: {revoked}")

    assert said.partition(": ")[2] == f"aik.revoked_certificates{expected}"


def test_revoked_certificates_are_named_in_one_of_three_ways(folder: Path) -> None:
    entries = [
        f"{{sha256: '{A}', reason: machine sold}}",
        "{issuer: 'CN=a,O=b', serial: '0aFf'}",
        f"{{spki_sha256: '{A}'}}",
    ]
    listed = f"[{{subject: a}}], revoked_certificates: [{', '.join(entries)}]"

    assert certified_in(folder, VENDOR, listed).aik.revoked == (
        RevokedCertificate(sha256=bytes.fromhex(A), reason="machine sold"),
        RevokedCertificate(issuer="CN=a,O=b", serial=0x0AFF),
        RevokedCertificate(spki_sha256=bytes.fromhex(A)),
    )


def test_intermediates_are_pinned_as_roots_are(folder: Path) -> None:
    loaded = certified_in(folder, VENDOR, f"[{{subject: a}}], intermediates: {VENDOR}")

    assert loaded.aik.intermediates == loaded.aik.roots


def test_lint_calls_a_file_without_certificates_an_error(folder: Path) -> None:
    certified_in(folder, VENDOR, f"[{{subject: a}}], intermediates: {VENDOR}")

    found = [one for one in lint(folder / "policy.yaml") if one.rule == "aik.certificates"]

    assert [(one.severity, one.message.partition(":")[0]) for one in found] == [
        ("error", "aik.roots[0].file"),
        ("error", "aik.intermediates[0].file"),
    ]
    assert "roots/vendor.pem: " in found[0].message


def test_lint_finds_nothing_in_files_of_certificates(folder: Path) -> None:
    root = issue("root", None, ca())
    octets = root.pem + issue("middle", root, ca(0)).pem
    (folder / "real.pem").write_bytes(octets)
    pin = hashlib.sha256(octets).hexdigest()
    real = f"[{{file: real.pem, sha256: '{pin}'}}]"
    certified_in(folder, real, f"[{{subject: a}}], intermediates: {real}")

    assert [one for one in lint(folder / "policy.yaml") if one.rule == "aik.certificates"] == []
