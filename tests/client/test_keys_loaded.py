"""The client's key: loaded strictly, from files that are its owner's alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from client.keys import (
    MAX_FILE,
    PRIVATE_NAME,
    PUBLIC_NAME,
    load_key,
    obtain_key,
    public_pem,
    read_key,
    save_key,
)
from tests.client import wire
from tests.client.keeping import KEY, posix, private_pem, put, same
from tests.client.refusing import refusal_of


def test_password_for_a_key_that_has_none_is_refused(kept: Path) -> None:
    wanted = f"{kept / PRIVATE_NAME}: is not encrypted, and yet there is a password"

    assert refusal_of(load_key, kept, "x") == wanted


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o610, 0o700, 0o777, 0o4600])
def test_private_file_open_to_others_is_refused(kept: Path, mode: int) -> None:
    (kept / PRIVATE_NAME).chmod(mode)

    wanted = f"{kept / PRIVATE_NAME}: mode {mode:04o} is wider than 0600"
    assert refusal_of(load_key, kept) == wanted


@posix
def test_file_that_is_read_only_is_loaded(kept: Path) -> None:
    (kept / PRIVATE_NAME).chmod(0o400)
    (kept / PUBLIC_NAME).chmod(0o644)

    assert same(load_key(kept), KEY)


def test_modes_mean_nothing_elsewhere(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept / PRIVATE_NAME).chmod(0o644)
    monkeypatch.setattr("client.keys._HAS_MODES", False)

    assert same(load_key(kept), KEY)


@posix
@pytest.mark.parametrize("name", [PRIVATE_NAME, PUBLIC_NAME])
def test_file_that_is_a_link_is_refused(kept: Path, name: str) -> None:
    path = kept / name
    path.rename(kept / "moved")
    path.symlink_to(kept / "moved")

    assert refusal_of(load_key, kept) == f"{path}: is a symbolic link"


@posix
def test_directory_that_is_a_link_is_refused(kept: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(kept)

    assert refusal_of(load_key, link) == f"{link}: is a symbolic link"
    assert refusal_of(obtain_key, link) == f"{link}: is a symbolic link"
    assert refusal_of(save_key, KEY, link) == f"{link}: is a symbolic link"


@posix
def test_link_that_appears_meanwhile_is_not_followed(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept / PRIVATE_NAME
    path.rename(kept / "moved")
    path.symlink_to(kept / "moved")
    monkeypatch.setattr(Path, "is_symlink", lambda self: False)  # the look came too early

    assert refusal_of(load_key, kept).startswith(f"{path}: cannot be read: ")


@posix
def test_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / PRIVATE_NAME, 0o600)

    assert refusal_of(load_key, tmp_path) == f"{tmp_path / PRIVATE_NAME}: is no regular file"


@posix
def test_directory_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / PRIVATE_NAME).mkdir()

    assert refusal_of(load_key, tmp_path) == f"{tmp_path / PRIVATE_NAME}: is no regular file"


def test_missing_directory_and_missing_file_are_refused(tmp_path: Path) -> None:
    assert refusal_of(load_key, tmp_path / "a") == f"{tmp_path / 'a'}: is no directory"
    wanted = f"{tmp_path / PRIVATE_NAME}: cannot be read: No such file or directory"
    assert refusal_of(load_key, tmp_path) == wanted


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"junk",
        public_pem(KEY).encode(),
        private_pem(form=serialization.PrivateFormat.TraditionalOpenSSL),
        private_pem() + b"x",
        b"x" + private_pem(),
        private_pem() * 2,
        private_pem()[:-10],
    ],
)
def test_file_that_is_no_single_pkcs8_pem_is_refused(tmp_path: Path, octets: bytes) -> None:
    path = put(tmp_path, octets)

    assert refusal_of(load_key, tmp_path) == f"{path}: is no PEM of one PKCS #8 key"


def test_damaged_key_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, private_pem().replace(b"\nM", b"\n", 1))

    assert refusal_of(load_key, tmp_path) == f"{path}: holds no key, or its password is another"


def test_other_keys_are_refused(tmp_path: Path) -> None:
    for key in (wire.server_key(), ec.generate_private_key(ec.SECP256R1())):
        path = put(tmp_path, private_pem(key))
        assert refusal_of(load_key, tmp_path) == f"{path}: holds no RSA key of 4096 bits"


def test_long_file_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, private_pem() + b"\n" * MAX_FILE)

    assert refusal_of(load_key, tmp_path) == f"{path}: exceeds {MAX_FILE} octets"


def test_public_half_of_another_key_is_refused(kept: Path) -> None:
    (kept / PUBLIC_NAME).write_bytes(wire.pem_of(wire.server_key().public_key()))

    wanted = f"{kept / PUBLIC_NAME}: is not the public half of {PRIVATE_NAME}"
    assert refusal_of(load_key, kept) == wanted


def test_public_half_may_be_missing_and_may_have_other_line_ends(kept: Path) -> None:
    (kept / PUBLIC_NAME).write_bytes(public_pem(KEY).replace("\n", "\r\n").encode())
    assert same(load_key(kept), KEY)

    (kept / PUBLIC_NAME).unlink()
    assert same(load_key(kept), KEY)


def test_key_is_read_from_files_of_any_name(kept: Path) -> None:
    private, public = kept / "mine.pem", kept / "ours.pem"
    (kept / PRIVATE_NAME).rename(private)
    (kept / PUBLIC_NAME).rename(public)

    assert same(read_key(str(private)), KEY)
    assert same(read_key(private, public), KEY)
    assert "cannot be read" in refusal_of(read_key, private, kept / "none.pem")


def test_file_that_cannot_be_read_is_refused(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int, size: int) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "read", broken)
    message = refusal_of(load_key, kept)
    monkeypatch.undo()

    assert message == f"{kept / PRIVATE_NAME}: cannot be read: Input/output error"
