"""The clients of the protocol alone: NOMYO's methods, which verify nothing and say so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import client
from client import APIConnectionError, SecurityError, ServerError
from client.address import DEFAULT_URL
from client.keys import PRIVATE_NAME, PUBLIC_NAME, public_pem, save_key
from tests import build
from tests.client import wire
from tests.client.gating import FORGED, URL, Face, handler_of, lost, wired
from tests.client.keeping import KEY, names_in
from tests.client.serving import Reply, WireServer, answered, sealed, status

PAYLOAD = {"model": "m", "messages": [], "top_k": 3}


def keyless(face: Face, server: WireServer | None = None, **told: Any) -> Any:
    """A client that has no key yet."""
    kinds = (client.SyncSecureCompletionClient, client.SecureCompletionClient)
    http = face.http(handler_of(server or wired()))
    return kinds[face.is_async](URL, http_client=http, **told)


def test_client_takes_nomyos_arguments(face: Face) -> None:
    kinds = (client.SyncSecureCompletionClient, client.SecureCompletionClient)

    made = kinds[face.is_async]("http://192.0.2.7/", True, False, max_retries=5)

    assert made.router_url == "http://192.0.2.7"
    assert not made.secure_memory.enabled
    assert kinds[face.is_async]().router_url == DEFAULT_URL


def test_server_key_is_fetched_each_time_it_is_asked_for(face: Face) -> None:
    server = wired()
    made = face.protocol(server)

    pems = [face.call(made, "fetch_server_public_key") for _ in range(2)]

    assert pems == [server.pem.decode()] * 2
    assert server.fetches == 2


def test_server_key_that_is_none_or_not_there_is_an_error(face: Face) -> None:
    server = wired()
    server.key_replies = [Reply(b"junk"), Reply(b"", 500)]
    made = face.protocol(server)

    with pytest.raises(SecurityError, match="server key"):
        face.call(made, "fetch_server_public_key")
    with pytest.raises(ServerError):
        face.call(made, "fetch_server_public_key")


def test_payload_is_sealed_to_the_server(face: Face) -> None:
    made = keyless(face)

    bodies = [face.call(made, "encrypt_payload", PAYLOAD) for _ in range(2)]

    assert [json.loads(wire.opened(one, wire.server_key())) for one in bodies] == [PAYLOAD] * 2
    assert bodies[0] != bodies[1]


def test_payload_is_not_sealed_to_a_key_that_cannot_be_fetched(face: Face) -> None:
    server = wired()
    server.key_replies = [Reply(b"", 500)]

    with pytest.raises(ServerError):
        face.call(keyless(face, server), "encrypt_payload", PAYLOAD)


@pytest.mark.parametrize(
    ("payload", "kind"), [({"x": b"octets"}, TypeError), ({"x": float("nan")}, ValueError)]
)
def test_payload_that_json_does_not_have_is_refused(
    face: Face, payload: dict[str, Any], kind: type[Exception]
) -> None:
    server = wired()
    made = face.protocol(server)

    with pytest.raises(kind, match=r"^payload\.x: "):
        face.call(made, "encrypt_payload", payload)
    with pytest.raises(kind, match=r"^payload\.x: "):
        face.call(made, "send_secure_request", payload, build.PAYLOAD_ID)

    assert (server.fetches, server.posts) == (0, [])


def response(**told: Any) -> bytes:
    """An answer as it is sealed to the client of the tests."""
    whole = build.response(**told)
    return wire.sealed_octets(json.dumps(whole).encode(), wire.client_key().public_key())


def test_response_is_opened_and_nothing_in_it_verified(face: Face) -> None:
    made = face.protocol(wired())

    opened = face.call(made, "decrypt_response", response(**FORGED), build.PAYLOAD_ID)

    assert opened == build.response(**FORGED)
    assert type(opened) is dict


@pytest.mark.parametrize("named", ["another", "", 7, ["x"]])
def test_response_that_names_another_payload_id_is_refused(face: Face, named: Any) -> None:
    body = response(metadata={"payload_id": named})

    with pytest.raises(SecurityError, match=r"^response: answers another payload id$"):
        face.call(face.protocol(wired()), "decrypt_response", body, build.PAYLOAD_ID)


@pytest.mark.parametrize("plaintext", [b"{}", b'{"_metadata": {}}', b'{"_metadata": []}'])
def test_response_that_names_none_is_opened(face: Face, plaintext: bytes) -> None:
    body = wire.sealed_octets(plaintext, wire.client_key().public_key())

    opened = face.call(face.protocol(wired()), "decrypt_response", body, build.PAYLOAD_ID)

    assert opened == json.loads(plaintext)


@pytest.mark.parametrize("plaintext", [b"[]", b"junk", b'{"a": 1, "a": 2}', b"", b"\xff"])
def test_response_that_is_no_object_is_refused(face: Face, plaintext: bytes) -> None:
    body = wire.sealed_octets(plaintext, wire.client_key().public_key())
    said = r"^response: what was sealed is no JSON object with each member once$"

    with pytest.raises(SecurityError, match=said):
        face.call(face.protocol(wired()), "decrypt_response", body, build.PAYLOAD_ID)
    with pytest.raises(SecurityError, match=said):
        face.call(face.protocol(wired(sealed(plaintext))), "send_secure_request", PAYLOAD, "id")


@pytest.mark.parametrize("body", [b"", b"junk", b"{}"])
def test_response_that_is_no_envelope_is_refused(face: Face, body: bytes) -> None:
    with pytest.raises(SecurityError):
        face.call(face.protocol(wired()), "decrypt_response", body, build.PAYLOAD_ID)


def test_without_a_key_nothing_is_opened(face: Face) -> None:
    made = keyless(face)

    assert made.public_key_pem is None
    with pytest.raises(SecurityError, match="there is no key to open a response with"):
        face.call(made, "decrypt_response", response(), build.PAYLOAD_ID)


def test_request_is_sent_under_the_callers_id_in_every_attempt(face: Face) -> None:
    server = wired(status(503, retry_after="0"), answered())
    made = face.protocol(server)
    told = {"api_key": "key", "security_tier": "maximum"}

    opened = face.call(made, "send_secure_request", PAYLOAD, build.PAYLOAD_ID, **told)

    assert opened["_metadata"]["security_tier"] == "maximum"
    assert [posted.payload_id for posted in server.posts] == [build.PAYLOAD_ID] * 2
    assert server.posts[0].body != server.posts[1].body
    headers = server.posts[1].headers
    assert (headers["authorization"], headers["x-security-tier"]) == ("Bearer key", "maximum")
    assert json.loads(server.posts[1].plaintext) == PAYLOAD


def test_request_without_key_and_tier_has_no_such_headers(face: Face) -> None:
    server = wired()

    face.call(face.protocol(server), "send_secure_request", PAYLOAD, build.PAYLOAD_ID)

    assert not {"authorization", "x-security-tier"} & server.posts[0].headers.keys()


def test_answer_to_another_request_is_refused(face: Face) -> None:
    server = wired(answered(payload_id="another"))

    with pytest.raises(SecurityError, match="answers another payload id"):
        face.call(face.protocol(server), "send_secure_request", PAYLOAD, build.PAYLOAD_ID)

    assert len(server.posts) == 1


def test_server_that_is_lost_is_a_connection_error(face: Face) -> None:
    made = face.protocol(wired(lost()), max_retries=0)

    with pytest.raises(APIConnectionError):
        face.call(made, "send_secure_request", PAYLOAD, build.PAYLOAD_ID)


def test_unknown_tier_is_refused(face: Face) -> None:
    with pytest.raises(ValueError, match="security_tier is 'x'"):
        face.call(face.protocol(wired()), "send_secure_request", PAYLOAD, "id", security_tier="x")


def test_generated_key_is_used_and_saved_where_that_is_asked_for(tmp_path: Path) -> None:
    made = keyless(Face("sync"))

    made.generate_keys(save_to_file=True, key_dir=tmp_path / "keys", password="word")  # noqa: S106 - of a test
    again = keyless(Face("async"))
    again.load_keys(tmp_path / "keys" / PRIVATE_NAME, password="word")  # noqa: S106 - of a test

    assert names_in(tmp_path / "keys") == [PRIVATE_NAME, PUBLIC_NAME]
    assert made.public_key_pem == again.public_key_pem
    assert made.public_key_pem == (tmp_path / "keys" / PUBLIC_NAME).read_text()


def test_generated_key_is_saved_nowhere_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = keyless(Face("async"))

    made.generate_keys()

    assert made.public_key_pem.startswith("-----BEGIN PUBLIC KEY-----")
    assert names_in(tmp_path) == []


def test_generated_key_never_overwrites_one_and_is_then_not_used(kept: Path) -> None:
    made = keyless(Face("sync"))
    before = (kept / PRIVATE_NAME).read_bytes()

    with pytest.raises(SecurityError, match="is there already, and is never overwritten"):
        made.generate_keys(save_to_file=True, key_dir=kept)

    assert (kept / PRIVATE_NAME).read_bytes() == before
    assert made.public_key_pem is None


def test_loaded_key_opens_what_is_sealed_to_it(face: Face, kept: Path) -> None:
    server = wired()
    made = keyless(face, server)

    made.load_keys(kept / PRIVATE_NAME, kept / PUBLIC_NAME)

    assert made.public_key_pem == public_pem(KEY)
    opened = face.call(made, "send_secure_request", PAYLOAD, build.PAYLOAD_ID)
    assert opened["choices"]
    assert server.posts[0].headers["x-public-key"].startswith("-----BEGIN%20PUBLIC%20KEY")


def test_key_that_does_not_load_leaves_the_one_before(face: Face, tmp_path: Path) -> None:
    made = face.protocol(wired())
    save_key(KEY, tmp_path / "keys", "word")

    with pytest.raises(SecurityError, match="is encrypted, and there is no password"):
        made.load_keys(tmp_path / "keys" / PRIVATE_NAME)

    assert made.public_key_pem == public_pem(wire.client_key())
