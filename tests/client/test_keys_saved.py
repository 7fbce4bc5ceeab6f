"""The client's key: made once, saved for its owner only, over nothing else."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from client.envelope import load_server_key, open_response
from client.keys import (
    PRIVATE_NAME,
    PUBLIC_NAME,
    generate_key,
    load_key,
    public_pem,
    save_key,
)
from tests.client import wire
from tests.client.keeping import KEY, names_in, posix, put, same
from tests.client.refusing import refusal_of


def test_generated_key_is_rsa_4096() -> None:
    key = generate_key()

    assert (key.key_size, key.public_key().public_numbers().e) == (4096, 65537)


def test_public_pem_is_what_a_server_can_seal_to() -> None:
    public = load_server_key(public_pem(KEY).encode())

    assert open_response(wire.sealed_octets(b"x", public), KEY) == b"x"


def test_saved_key_is_loaded(kept: Path) -> None:
    assert same(load_key(kept), KEY)
    assert same(load_key(str(kept)), KEY)
    assert (kept / PUBLIC_NAME).read_text() == public_pem(KEY)
    assert names_in(kept) == [PRIVATE_NAME, PUBLIC_NAME]


@posix
def test_saved_files_are_for_their_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        save_key(KEY, tmp_path / "a" / "keys")
    finally:
        os.umask(before)

    kept = tmp_path / "a" / "keys"
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in (kept, *kept.iterdir())}
    assert modes == {"keys": 0o700, PRIVATE_NAME: 0o600, PUBLIC_NAME: 0o600}


@pytest.mark.parametrize("password", ["x", "pässwörd ☃", "\ud800", "x" * 1023])
def test_key_saved_with_a_password_is_loaded_with_it_only(tmp_path: Path, password: str) -> None:
    save_key(KEY, tmp_path / "keys", password)
    path = tmp_path / "keys" / PRIVATE_NAME

    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert same(load_key(tmp_path / "keys", password), KEY)
    wrong = f"{path}: holds no key, or its password is another"
    assert refusal_of(load_key, tmp_path / "keys", password + "y") == wrong
    assert refusal_of(load_key, tmp_path / "keys", "") == wrong
    without = f"{path}: is encrypted, and there is no password"
    assert refusal_of(load_key, tmp_path / "keys") == without


@pytest.mark.parametrize("password", ["", "x" * 1024])
def test_password_that_cannot_be_used_saves_nothing(tmp_path: Path, password: str) -> None:
    message = refusal_of(save_key, KEY, tmp_path / "keys", password)

    assert message == f"password: {len(password)} octets, expected 1 to 1023"
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("name", [PRIVATE_NAME, PUBLIC_NAME])
def test_saving_overwrites_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"theirs")

    message = refusal_of(save_key, KEY, tmp_path)
    assert message == f"{tmp_path / name}: is there already, and is never overwritten"
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]


@posix
def test_saving_follows_no_link_to_nowhere(tmp_path: Path) -> None:
    (tmp_path / PRIVATE_NAME).symlink_to(tmp_path / "elsewhere")

    assert "is there already" in refusal_of(save_key, KEY, tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def test_saving_where_no_directory_can_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    assert "cannot be made" in refusal_of(save_key, KEY, tmp_path / "file")
    assert "cannot be made" in refusal_of(save_key, KEY, tmp_path / "file" / "below")


def test_file_that_appears_meanwhile_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, b"theirs")
    monkeypatch.setattr(os.path, "lexists", lambda path: False)  # the look came too early

    assert "cannot be made: File exists" in refusal_of(save_key, KEY, tmp_path)
    assert (tmp_path / PRIVATE_NAME).read_bytes() == b"theirs"


def test_file_that_cannot_be_written_whole_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    message = refusal_of(save_key, KEY, tmp_path)

    assert message == f"{tmp_path / PRIVATE_NAME}: cannot be written: No space left on device"
    assert names_in(tmp_path) == []
