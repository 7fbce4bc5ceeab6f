"""Trust ``certified``: root files, pinned by digest, and the machines that they may name."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from attest.errors import PolicyError
from attest.policy.loader import load_policy
from attest.policy.model import Identity, Policy, RootFile
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
