"""The client's key on first use: made where there is none, and never in place of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from client import SecurityError
from client.keys import (
    PRIVATE_NAME,
    PUBLIC_NAME,
    load_key,
    obtain_key,
    public_pem,
    read_key,
    save_key,
)
from tests.client import wire
from tests.client.keeping import KEY, names_in, private_pem, put, same
from tests.client.leaks import held, leaked
from tests.client.refusing import refusal_of


def test_first_use_makes_a_key_and_the_second_loads_it(tmp_path: Path) -> None:
    made = obtain_key(tmp_path / "keys", "word")

    assert made.key_size == 4096
    assert same(obtain_key(tmp_path / "keys", "word"), made)


def test_empty_directory_gets_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.keys.generate_key", wire.client_key)

    assert same(obtain_key(tmp_path), KEY)
    assert same(load_key(tmp_path), KEY)


@pytest.mark.parametrize("octets", [b"", b"junk", private_pem(wire.server_key())])
def test_directory_that_does_not_load_is_left_as_it_is(tmp_path: Path, octets: bytes) -> None:
    path = put(tmp_path, octets)

    assert refusal_of(obtain_key, tmp_path).startswith(f"{path}: ")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {PRIVATE_NAME: octets}


def test_directory_with_a_public_half_alone_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / PUBLIC_NAME).write_text(public_pem(KEY))

    assert "cannot be read" in refusal_of(obtain_key, tmp_path)
    assert names_in(tmp_path) == [PUBLIC_NAME]


def test_wrong_password_makes_no_new_key(tmp_path: Path) -> None:
    save_key(KEY, tmp_path, "word")

    assert "its password is another" in refusal_of(obtain_key, tmp_path, "other")
    assert same(load_key(tmp_path, "word"), KEY)


def test_key_that_another_process_saved_meanwhile_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def generate_slowly() -> rsa.RSAPrivateKey:
        save_key(KEY, tmp_path)
        return wire.server_key()

    monkeypatch.setattr("client.keys.generate_key", generate_slowly)

    assert same(obtain_key(tmp_path), KEY)


def test_key_that_cannot_be_saved_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.keys.generate_key", wire.client_key)
    (tmp_path / "file").write_bytes(b"")

    assert "cannot be made" in refusal_of(obtain_key, tmp_path / "file")


def test_refusals_hold_neither_password_nor_key(tmp_path: Path) -> None:
    secret = "password-5d2c1b"
    save_key(KEY, tmp_path, secret + "x")
    pem = (tmp_path / PRIVATE_NAME).read_bytes()
    acts: list[tuple[Callable[..., object], tuple[object, ...]]] = [
        (load_key, (tmp_path, secret)),
        (obtain_key, (tmp_path, secret)),
        (read_key, (tmp_path / PRIVATE_NAME, None, secret)),
        (save_key, (KEY, tmp_path, secret)),
    ]
    for act, given in acts:
        with pytest.raises(SecurityError) as caught:
            act(*given)
        error = caught.value
        assert leaked(error, secret.encode(), pem[40:80]) == []
        assert not held(error, KEY)
        assert (error.__cause__, error.__context__) == (None, None)
