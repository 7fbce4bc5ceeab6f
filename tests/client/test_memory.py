"""What is overwritten after its use, what is not, and that the report says just that."""

from __future__ import annotations

import gc
from typing import Any, Final

import httpx
import pytest

from client import ClientError, ServerError
from client.memory import protection, wipe
from client.request import encode_payload
from tests.client.gating import FORGED, Face, lost, wired
from tests.client.serving import Answer, Posted, Reply, answered, status

CANARY: Final = "canary-8a0f55d1"
PAYLOAD: Final = {"model": "m", "messages": [{"role": "user", "content": CANARY}]}


class Kept:
    """Answer, and keep the encoded requests that lie in memory meanwhile."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.found: list[bytearray] = []

    def __call__(self, posted: Posted) -> Reply:
        self.found += _encoded()
        return self.answer(posted)


def _encoded() -> list[bytearray]:
    """Every octet array in memory that holds the canary, found through whatever refers to it."""
    seen: dict[int, bytearray] = {}
    for one in gc.get_objects():
        for inner in gc.get_referents(one):
            if type(inner) is bytearray and CANARY.encode() in inner:
                seen[id(inner)] = inner
    return list(seen.values())


OUTCOMES: Final[dict[str, Answer]] = {
    "released": answered(),
    "refused": answered(**FORGED),
    "status": status(401),
    "lost": lost(),
    "junk": lambda _: Reply(b"junk"),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_encoded_request_is_overwritten_after_use(face: Face, outcome: str) -> None:
    kept = Kept(OUTCOMES[outcome])
    chat = face.chat(wired(kept), max_retries=0)

    _asked(face, chat)

    assert kept.found
    assert all(one == bytes(len(one)) for one in kept.found)


def test_encoded_request_is_left_where_memory_is_not_secured(face: Face) -> None:
    kept = Kept(answered())

    _asked(face, face.chat(wired(kept), secure_memory=False))

    assert kept.found
    assert all(CANARY.encode() in one for one in kept.found)


@pytest.mark.parametrize("wiping", [True, False])
def test_payload_of_the_protocol_alone_is_overwritten_too(face: Face, wiping: bool) -> None:
    kept = Kept(answered())
    made = face.protocol(wired(kept), secure_memory=wiping)

    face.call(made, "send_secure_request", PAYLOAD, "id")

    assert kept.found
    assert {CANARY.encode() in one for one in kept.found} == {not wiping}


def _asked(face: Face, chat: Any) -> None:
    """Ask, whatever comes of it."""
    try:
        face.ask(chat, **PAYLOAD)
    except ClientError:
        return


def test_request_is_whole_in_every_attempt_before_it_is_overwritten(face: Face) -> None:
    server = wired(status(503, retry_after="0"), status(503, retry_after="0"), answered())

    face.ask(face.chat(server), **PAYLOAD)

    assert [CANARY.encode() in posted.plaintext for posted in server.posts] == [True] * 3


def test_report_says_what_is_done_and_what_is_not(face: Face) -> None:
    wiping = face.chat(wired()).secure_memory
    leaving = face.chat(wired(), secure_memory=False).secure_memory

    assert wiping == protection(enabled=True)
    assert (wiping.enabled, wiping.overwritten) == (True, ("the request as it was encoded",))
    assert "the response as it was opened" in wiping.freed
    assert (leaving.enabled, leaving.overwritten) == (False, ())
    assert set(leaving.freed) == {*wiping.overwritten, *wiping.freed}
    assert not wiping.locked
    assert not leaving.locked


def test_report_of_the_protocol_alone_is_the_same(face: Face) -> None:
    assert face.protocol(wired()).secure_memory == protection(enabled=True)


def test_wipe_overwrites_in_place() -> None:
    secret = encode_payload(PAYLOAD)
    length = len(secret)

    wipe(secret)

    assert secret == bytearray(length)


def test_payload_that_cannot_be_sealed_is_overwritten_too(face: Face) -> None:
    server = wired()
    found: list[bytearray] = []

    def handle(request: httpx.Request) -> httpx.Response:
        found.extend(_encoded())
        return httpx.Response(500, stream=httpx.ByteStream(b""))

    made = face.protocol(server, http_client=face.http(handle), max_retries=0)
    with pytest.raises(ServerError):
        face.call(made, "encrypt_payload", PAYLOAD)

    assert found
    assert all(one == bytes(len(one)) for one in found)
