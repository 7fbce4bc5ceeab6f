"""Requests: sealed so that only the server opens them, and never twice alike."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.envelope import MAX_REQUEST, open_response, seal
from tests.client import wire
from tests.client.leaks import leaked

SERVER = wire.server_key().public_key()


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_second_implementation_opens_what_is_sealed(plaintext: bytes) -> None:
    assert wire.opened(seal(plaintext, SERVER), wire.server_key()) == plaintext


@given(st.binary(max_size=300))
@settings(max_examples=50)
def test_request_opens_as_a_response_does(plaintext: bytes) -> None:
    assert open_response(seal(plaintext, SERVER), wire.server_key()) == plaintext


def test_sealing_to_a_key_of_4096_bits_opens() -> None:
    body = seal(b"x", wire.client_key().public_key())

    assert wire.opened(body, wire.client_key()) == b"x"


def test_body_is_the_envelope_to_the_letter() -> None:
    body = seal(b"\xfb\xff\xbf" * 100, SERVER).decode("ascii")

    standard = r'"[A-Za-z0-9+/]+={0,2}"'
    assert re.fullmatch(
        r'\{"version":"1\.0","algorithm":"hybrid-aes256-rsa4096",'
        rf'"encrypted_payload":\{{"ciphertext":{standard},"nonce":{standard},"tag":{standard}\}},'
        rf'"encrypted_aes_key":{standard},"key_algorithm":"RSA-OAEP-SHA256",'
        r'"payload_algorithm":"AES-256-GCM"\}',
        body,
    )


def test_sizes_are_those_of_the_wire() -> None:
    envelope = json.loads(seal(b"12345", SERVER))
    sizes = {name: len(base64.b64decode(t)) for name, t in envelope["encrypted_payload"].items()}
    wrapped = base64.b64decode(envelope["encrypted_aes_key"], validate=True)

    assert sizes == {"ciphertext": 5, "nonce": 12, "tag": 16}
    assert len(wrapped) == 256
    assert len(wire.server_key().decrypt(wrapped, wire.OAEP)) == 32


def test_key_and_nonce_are_fresh_each_time() -> None:
    bodies = [json.loads(seal(b"same", SERVER)) for _ in range(20)]
    keys = {
        wire.server_key().decrypt(base64.b64decode(body["encrypted_aes_key"]), wire.OAEP)
        for body in bodies
    }

    assert len(keys) == 20
    assert len({body["encrypted_payload"]["nonce"] for body in bodies}) == 20
    assert len({body["encrypted_payload"]["ciphertext"] for body in bodies}) == 20


def test_plaintext_is_not_in_the_body() -> None:
    assert b"canary" not in seal(b"canary" * 10, SERVER)


def test_bytearray_is_sealed_and_left_as_it_is() -> None:
    plaintext = bytearray(b"wiped later")

    assert wire.opened(seal(plaintext, SERVER), wire.server_key()) == b"wiped later"
    assert plaintext == b"wiped later"


def test_plaintext_of_the_most_octets_is_sealed() -> None:
    plaintext = bytes(MAX_REQUEST)

    assert MAX_REQUEST == 10 * 1024 * 1024
    assert wire.opened(seal(plaintext, SERVER), wire.server_key()) == plaintext


def test_longer_plaintext_is_refused_without_being_held() -> None:
    plaintext = b"canary" * (MAX_REQUEST // 6 + 1)

    with pytest.raises(ValueError, match=r"^plaintext: 10485762 octets exceed 10485760$") as caught:
        seal(plaintext, SERVER)
    assert leaked(caught.value, b"canary") == []
