"""Many at once: keys are made and fetched once, and each gets an outcome of its own."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from attest.archive import verify_archive
from client import (
    AttestationRefused,
    SecureChatCompletion,
    SecurityError,
    ServerError,
    SyncSecureChatCompletion,
)
from tests.client.gating import (
    FORGED,
    MESSAGES,
    MODEL,
    Face,
    handler_of,
    policy_path,
    records_of,
    wired,
)
from tests.client.serving import Posted, Reply, WireServer, answered, sealed
from tests.judging import policy_of

COUNT = 100


async def gathered(chat: Any, count: int = COUNT, **told: Any) -> list[Any]:
    """Ask so often at once, and return answers and exceptions alike."""
    asking = (chat.create(MODEL, MESSAGES, number=one, **told) for one in range(count))
    return await asyncio.gather(*asking, return_exceptions=True)


def threaded(chat: Any, count: int = COUNT) -> list[Any]:
    """Ask so often at once, from threads that begin together."""
    outcomes: list[Any] = []
    barrier = threading.Barrier(count)

    def ask(number: int) -> None:
        barrier.wait()
        try:
            outcomes.append(chat.create(MODEL, MESSAGES, number=number))
        except Exception as error:  # noqa: BLE001 - an outcome too
            outcomes.append(error)

    threads = [threading.Thread(target=ask, args=(one,)) for one in range(count)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return outcomes


def at_once(face: Face, chat: Any) -> list[Any]:
    """Ask often at once, by the means of the face."""
    return asyncio.run(gathered(chat)) if face.is_async else threaded(chat)


def without_key(face: Face, server: WireServer) -> Any:
    """A client that has no key of its own yet."""
    http = face.http(handler_of(server))
    kind: Callable[..., Any] = SecureChatCompletion if face.is_async else SyncSecureChatCompletion
    return kind(server.url, policy=policy_of(), preflight="off", http_client=http)


def test_first_use_by_many_fetches_and_makes_one_key(face: Face) -> None:
    server = wired()

    outcomes = at_once(face, without_key(face, server))

    assert Counter(map(type, outcomes)).most_common(1)[0][1] == COUNT
    assert all(one.attestation.accepted for one in outcomes)
    assert (server.fetches, len(server.posts)) == (1, COUNT)
    assert len({posted.headers["x-public-key"] for posted in server.posts}) == 1
    assert {posted.client_key.key_size for posted in server.posts} == {4096}
    assert len({posted.payload_id for posted in server.posts}) == COUNT


def test_key_directory_is_filled_once_and_read_by_the_next_client(face: Face, kept: Path) -> None:
    server = wired()
    http = face.http(handler_of(server))
    kind: Callable[..., Any] = SecureChatCompletion if face.is_async else SyncSecureChatCompletion

    chat = kind(server.url, policy=policy_of(), http_client=http, key_dir=kept)
    outcomes = at_once(face, chat)

    assert all(one.attestation.accepted for one in outcomes)
    assert len({posted.headers["x-public-key"] for posted in server.posts}) == 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [(Reply(b"junk"), SecurityError), (Reply(b'{"detail": "no"}', 500), ServerError)],
)
def test_each_that_waited_for_a_failing_fetch_gets_an_exception_of_its_own(
    face: Face, reply: Reply, kind: type[Exception]
) -> None:
    server = wired()
    server.key_replies = [reply]

    outcomes = at_once(face, face.chat(server, max_retries=0))

    assert {type(one) for one in outcomes} == {kind}
    assert len({id(one) for one in outcomes}) == COUNT
    assert len({str(one) for one in outcomes}) == 1
    assert server.posts == []
    if face.is_async:
        assert server.fetches == 1


def test_key_file_that_does_not_load_is_a_security_error_of_its_own_for_each(
    face: Face, tmp_path: Path
) -> None:
    (tmp_path / "private_key.pem").write_bytes(b"junk")
    server = wired()
    http = face.http(handler_of(server))
    kind: Callable[..., Any] = SecureChatCompletion if face.is_async else SyncSecureChatCompletion

    chat = kind(server.url, policy=policy_of(), http_client=http, key_dir=tmp_path)
    outcomes = at_once(face, chat)

    assert {type(one) for one in outcomes} == {SecurityError}
    assert len({id(one) for one in outcomes}) == COUNT
    assert (server.fetches, server.posts) == (0, [])


def mixed(posted: Posted) -> Reply:
    """An answer by the number that the request holds: honest, forged or junk."""
    number = int(posted.plaintext.rpartition(b":")[2].rstrip(b"}"))
    if number % 3 == 0:
        return answered(completion={"number": number})(posted)
    return answered(**FORGED)(posted) if number % 3 == 1 else sealed(b"[]")(posted)


def test_many_at_once_get_each_its_own_outcome(face: Face, tmp_path: Path) -> None:
    server = wired(mixed)
    archive = tmp_path / "evidence.jsonl"
    chat = face.chat(server, policy=policy_path(tmp_path), archive=archive)

    outcomes = at_once(face, chat)

    good = [one for one in outcomes if isinstance(one, dict)]
    assert sorted(one["number"] for one in good) == list(range(0, COUNT, 3))
    kinds = Counter(type(one) for one in outcomes)
    assert (kinds[AttestationRefused], kinds[SecurityError]) == (33, 33)
    assert len(server.posts) == COUNT
    assert verify_archive(archive).intact
    released = Counter(record["released"] for record in records_of(archive))
    assert released == {True: 34, False: 33}


def test_one_that_is_cancelled_while_it_fetches_leaves_the_others_alone() -> None:
    face = Face("async")
    server = wired()

    async def run() -> tuple[list[Any], int]:
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def handle(request: httpx.Request) -> httpx.Response:
            if request.method == "GET" and not server.fetches:
                server.fetches += 1
                begun.set()
                await go_on.wait()
            return handler_of(server)(request)

        http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
        chat = face.chat(server, http_client=http)
        first = asyncio.ensure_future(chat.create(MODEL, MESSAGES))
        await begun.wait()
        others = asyncio.ensure_future(gathered(chat, 5))
        await asyncio.sleep(0)
        first.cancel()
        done = await asyncio.gather(first, others, return_exceptions=True)
        assert isinstance(done[0], asyncio.CancelledError)
        assert isinstance(done[1], list)
        return done[1], server.fetches

    outcomes, fetches = asyncio.run(run())

    assert all(one.attestation.accepted for one in outcomes)
    assert fetches == 2
