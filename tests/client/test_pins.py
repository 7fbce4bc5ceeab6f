"""The server's key: fetched once, pinned, and fetched again where a 400 may mean another one."""

from __future__ import annotations

from typing import Any

import pytest

from client.envelope import server_key_sha256
from client.errors import InvalidRequestError, SecurityError
from client.response import AttestedResponse
from tests.client import wire
from tests.client.gating import wired
from tests.client.reaching import Rig, then
from tests.client.serving import WireServer, answered, status

PIN = server_key_sha256(wire.server_key().public_key())


def test_key_is_fetched_once_for_all_requests() -> None:
    rig = Rig(wired())

    for model in ("a", "b", "a"):
        assert isinstance(rig.ask(model=model), AttestedResponse)

    assert rig.server.fetches == 1


@pytest.mark.parametrize("pin", [PIN, PIN.upper()], ids=["lower", "upper"])
def test_pinned_key_is_used(pin: str) -> None:
    assert isinstance(Rig(wired(), pins=("00" * 32, pin)).ask(), AttestedResponse)


@pytest.mark.parametrize(
    "pin",
    ["", "00", PIN[:-1], PIN + "0", "g" * 64, f"{PIN[:-1]} "],
    ids=["empty", "short", "one-less", "one-more", "no-hex", "space"],
)
def test_pin_that_is_no_digest_is_refused_at_construction(pin: str) -> None:
    with pytest.raises(ValueError, match=r"^a server key pin is SHA-256 .*: 64 hex digits$"):
        Rig(wired(), pins=(pin,))


@pytest.mark.parametrize("pin", [None, 1, bytes(32)])
def test_pin_of_another_type_is_refused_at_construction(pin: Any) -> None:
    with pytest.raises(TypeError, match=r"^a server key pin is .*, expected str$"):
        Rig(wired(), pins=(pin,))


def test_400_under_the_same_key_is_the_request_s_fault_and_not_sent_again() -> None:
    rig = Rig(wired(status(400, b'{"detail": "no such model"}')), "off")

    outcome = rig.ask()

    assert isinstance(outcome, InvalidRequestError)
    assert str(outcome) == "HTTP 400: no such model"
    assert (len(rig.server.posts), rig.server.fetches) == (1, 2)


def turning(server: WireServer, answer: Any) -> Any:
    """Say 400 once, and answer fetches of the key with something else from then on."""

    def turn() -> None:
        server.pem = answer

    return then(status(400), turn)


@pytest.mark.parametrize(
    "pem",
    [b"", b"no key", wire.pem_of(wire.client_key().public_key())[:90]],
    ids=["empty", "no-key", "cut"],
)
def test_400_whose_new_key_is_none_stays_a_400(pem: bytes) -> None:
    server = wired()
    server.answers = (turning(server, pem), answered())
    rig = Rig(server, "off")

    assert isinstance(rig.ask(), InvalidRequestError)
    assert isinstance(rig.ask(), AttestedResponse)

    assert len(server.posts) == 2


def test_key_that_changes_with_each_request_is_followed_once() -> None:
    server = wired()

    def turn() -> None:
        turned = server.key is wire.server_key()
        server.rotate(wire.small_key() if turned else wire.server_key())

    server.answers = (then(status(400), turn),)
    rig = Rig(server, "off")

    assert isinstance(rig.ask(), InvalidRequestError)

    assert len(server.posts) == 2


def test_key_that_cannot_be_read_sends_nothing() -> None:
    server = wired()
    server.pem = b"no key"

    outcome = Rig(server).ask()

    assert isinstance(outcome, SecurityError)
    assert str(outcome).startswith("server key: ")
    assert server.posts == []
