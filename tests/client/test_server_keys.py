"""The server's key while the client runs: fetched once, anew after a rotation, and pinned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from client import ClientError, InvalidRequestError, SecurityError
from tests.client import wire
from tests.client.gating import Face, lost, wired
from tests.client.serving import Posted, Reply, WireServer, answered, status

SERVER_KEY = wire.server_key()


@cache
def new_key() -> rsa.RSAPrivateKey:
    """The key that the server takes next."""
    return rsa.generate_private_key(65537, 2048)


def pin_of(key: rsa.RSAPrivateKey) -> str:
    """SHA-256 of the SubjectPublicKeyInfo, in hexadecimal."""
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(spki).hexdigest()


def rotating(at: int = 1) -> WireServer:
    """A server that takes a new key before this post, and can open nothing older any more."""
    server = wired()

    def answer(posted: Posted) -> Reply:
        if len(server.posts) == at:
            server.rotate(new_key())
        try:
            wire.opened(posted.body, server.key)
        except ValueError:
            return Reply(b'{"detail": "cannot be opened"}', 400)
        return answered()(posted)

    server.answers = (answer,)
    return server


def raised(face: Face, chat: Any) -> ClientError:
    """Ask, and return what was raised."""
    with pytest.raises(ClientError) as caught:
        face.ask(chat)
    return caught.value


def test_key_is_fetched_once(face: Face) -> None:
    server = wired()
    chat = face.chat(server)

    for _ in range(3):
        face.ask(chat)

    assert (server.fetches, len(server.posts)) == (1, 3)


def test_after_a_rotation_there_is_one_more_post_with_the_new_key(face: Face) -> None:
    server = rotating()
    chat = face.chat(server, max_retries=0)

    assert face.ask(chat).attestation.accepted

    assert (server.fetches, len(server.posts)) == (2, 2)
    assert server.posts[0].payload_id != server.posts[1].payload_id
    assert wire.opened(server.posts[1].body, new_key()) == server.posts[0].plaintext
    assert face.ask(chat).attestation.accepted
    assert (server.fetches, len(server.posts)) == (2, 3)


def test_bad_request_under_the_same_key_costs_one_post(face: Face) -> None:
    server = wired(status(400, b'{"detail": "no such model"}'))

    error = raised(face, face.chat(server))

    assert (type(error), str(error)) == (InvalidRequestError, "HTTP 400: no such model")
    assert (server.fetches, len(server.posts)) == (2, 1)


def test_second_bad_request_after_a_rotation_is_final(face: Face) -> None:
    server = rotating()
    first = server.answers[0]
    server.answers = (first, status(400))

    error = raised(face, face.chat(server))

    assert type(error) is InvalidRequestError
    assert (server.fetches, len(server.posts)) == (2, 2)


@pytest.mark.parametrize("reply", [Reply(b"", 404), Reply(b"", 503), Reply(b"junk")])
def test_bad_request_stays_one_where_no_key_can_be_fetched_anew(face: Face, reply: Reply) -> None:
    server = wired(status(400))
    server.key_replies = [Reply(server.pem), reply]

    error = raised(face, face.chat(server, max_retries=0))

    assert type(error) is InvalidRequestError
    assert (server.fetches, len(server.posts)) == (2, 1)


@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_pinned_key_is_sealed_to(face: Face, spelt: Callable[[str], str]) -> None:
    server = wired()
    pins = (pin_of(new_key()), spelt(pin_of(SERVER_KEY)))

    assert face.ask(face.chat(server, server_key_pins=pins)).attestation.accepted

    assert len(server.posts) == 1


def test_key_that_is_not_pinned_is_refused_and_nothing_is_posted(face: Face) -> None:
    server = wired()

    error = raised(face, face.chat(server, server_key_pins=[pin_of(new_key())]))

    said = f"server key: {pin_of(SERVER_KEY)} is none of the pinned keys"
    assert (type(error), str(error)) == (SecurityError, said)
    assert (server.fetches, server.posts) == (1, [])


def test_rotation_to_a_key_that_is_not_pinned_is_not_followed(face: Face) -> None:
    server = rotating()
    chat = face.chat(server, server_key_pins=[pin_of(SERVER_KEY)])

    error = raised(face, chat)

    assert type(error) is SecurityError
    assert str(error).endswith("is none of the pinned keys")
    assert (server.fetches, len(server.posts)) == (2, 1)


def test_rotation_to_another_pinned_key_is_followed(face: Face) -> None:
    server = rotating()

    chat = face.chat(server, server_key_pins=[pin_of(SERVER_KEY), pin_of(new_key())])

    assert face.ask(chat).attestation.accepted
    assert len(server.posts) == 2


@pytest.mark.parametrize(
    "pin",
    ["", "ab" * 31, "ab" * 33, "xy" * 32, f"0x{'a' * 62}", "\uff11" * 64, f"sha256:{'a' * 57}"],
)
def test_pin_that_is_no_digest_makes_no_client(face: Face, pin: str) -> None:
    with pytest.raises(ValueError, match=r"^a server key pin is SHA-256 .*: 64 hex digits$"):
        face.chat(wired(), server_key_pins=[pin])


@pytest.mark.parametrize("pin", [b"a" * 32, 7, None])
def test_pin_that_is_no_text_is_a_type_error(face: Face, pin: Any) -> None:
    said = f"^a server key pin is {type(pin).__name__}, expected str$"
    with pytest.raises(TypeError, match=said):
        face.chat(wired(), server_key_pins=[pin])


def test_pins_given_as_one_text_make_no_client(face: Face) -> None:
    with pytest.raises(ValueError, match="64 hex digits"):
        face.chat(wired(), server_key_pins=pin_of(SERVER_KEY))


@pytest.mark.parametrize("pem", [b"", b"junk", b"\xff", wire.pem_of(SERVER_KEY.public_key()) * 2])
def test_key_that_is_none_is_refused_and_not_fetched_again(face: Face, pem: bytes) -> None:
    server = wired()
    server.key_replies = [Reply(pem)]

    error = raised(face, face.chat(server, max_retries=2))

    assert type(error) is SecurityError
    assert str(error).startswith("server key: ")
    assert (error.__cause__, error.__context__) == (None, None)
    assert (server.fetches, server.posts) == (1, [])


def test_refused_key_is_asked_for_again_by_the_next_request(face: Face) -> None:
    server = wired()
    server.key_replies = [Reply(b"junk"), Reply(server.pem)]
    chat = face.chat(server)

    assert type(raised(face, chat)) is SecurityError
    assert face.ask(chat).attestation.accepted


def test_server_that_cannot_be_reached_for_its_key_is_said_so(face: Face) -> None:
    server = wired()
    server.answers = (lost(),)

    error = raised(face, face.chat(server, max_retries=0))

    assert "ConnectError" in str(error)
