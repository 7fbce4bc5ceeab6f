"""NOMYO's client and ours speak one protocol: what either seals, the other's side opens."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from client.envelope import load_server_key, open_response, seal
from tests import build
from tests.client import wire
from tests.client.serving import WireServer, answered, serving, status
from tests.peers.by_nomyo import Nomyo, nomyo

MODEL: Final = "qwen3-8b"
MESSAGES: Final = [{"role": "user", "content": "Grüße, 世界 \u0000"}]
PAYLOAD: Final[dict[str, Any]] = {"model": MODEL, "messages": MESSAGES, "temperature": 0.5}
CHOICES: Final = build.completion({})["choices"]
STAMPED: Final = {"payload_id", "processed_at", "is_encrypted", "encryption_algorithm"}
"""What NOMYO's client writes into the metadata itself."""


@pytest.fixture(scope="module")
def server() -> Iterator[WireServer]:
    with serving() as running:
        yield running


@pytest.fixture(scope="module")
def peer(server: WireServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nomyo]:
    with nomyo(server.url, tmp_path_factory.mktemp("nomyo") / "keys") as running:
        yield running


def test_nomyo_completes_against_the_server_that_our_client_is_tested_with(
    server: WireServer, peer: Nomyo
) -> None:
    response = peer.create(MODEL, MESSAGES, security_tier="maximum", temperature=0.5)
    posted = server.posts[-1]
    assert response["choices"] == CHOICES
    assert response["_metadata"]["payload_id"] == posted.payload_id
    assert response["_metadata"]["security_tier"] == posted.headers["x-security-tier"] == "maximum"
    assert response["_metadata"]["tpm_attestation"]["is_available"] is True
    assert json.loads(posted.plaintext) == PAYLOAD


def test_nomyo_reads_the_server_s_refusal_by_its_class(server: WireServer, peer: Nomyo) -> None:
    server.answers = [status(403, b'{"detail": "not this model"}')]
    said = peer.create(MODEL, MESSAGES)
    server.answers = [answered()]
    assert said == {"raised": "ForbiddenError", "said": "Forbidden: not this model"}


def test_what_nomyo_seals_our_side_opens(server: WireServer, peer: Nomyo) -> None:
    sealed = peer.seal(PAYLOAD)
    assert json.loads(open_response(sealed, server.key)) == PAYLOAD


def test_what_nomyo_seals_has_the_members_and_sizes_of_ours(
    server: WireServer, peer: Nomyo
) -> None:
    plaintext = json.dumps(PAYLOAD).encode()
    theirs = json.loads(peer.seal(PAYLOAD))
    ours = json.loads(seal(plaintext, server.key.public_key()))
    assert shape(theirs) == shape(ours)


def test_what_our_side_seals_nomyo_opens(peer: Nomyo) -> None:
    key = load_server_key(peer.public_pem.encode())
    response = build.response(tier="high")
    opened = peer.open(seal(json.dumps(response).encode(), key), build.PAYLOAD_ID)
    assert without_stamps(opened) == without_stamps(response)
    assert opened["_metadata"]["payload_id"] == build.PAYLOAD_ID


def test_what_was_changed_under_way_nomyo_does_not_open(peer: Nomyo) -> None:
    envelope = wire.sealed(b"{}", wire.client_key().public_key())
    envelope["encrypted_payload"]["tag"] = wire.text(bytes(16))
    said = peer.open(wire.octets(envelope), build.PAYLOAD_ID)
    assert said["raised"] == "SecurityError"


def shape(envelope: dict[str, Any]) -> dict[str, Any]:
    """An envelope with a size in place of octets that differ in every run."""
    payload = envelope["encrypted_payload"]
    sizes = {name: len(payload[name]) for name in ("nonce", "tag")}
    wrapped = len(envelope["encrypted_aes_key"])
    return {**envelope, "encrypted_payload": sizes, "encrypted_aes_key": wrapped}


def without_stamps(response: dict[str, Any]) -> dict[str, Any]:
    """A response without what NOMYO's client writes into it."""
    metadata = {name: v for name, v in response["_metadata"].items() if name not in STAMPED}
    return {**response, "_metadata": metadata}
