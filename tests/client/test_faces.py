"""The two faces: whose connections are used and closed, and in which loop or thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import anyio
import httpx
import pytest

from client import SecureChatCompletion, SecurityError, SyncSecureChatCompletion
from client.endpoint import AsyncEndpoint, Endpoint
from client.envelope import MAX_PEM
from client.steps import Fetch, Steps, Wait, computed, fetched
from tests.client.gating import URL, Face, handler_of, wired
from tests.client.serving import Posted, Reply, answered, serving
from tests.judging import policy_of


def test_callers_client_is_used_and_left_open(face: Face) -> None:
    server = wired()
    http = face.http(handler_of(server))
    chat = face.chat(server, http_client=http)

    face.ask(chat)
    face.close()

    assert not http.is_closed
    assert face.ask(chat).attestation.accepted


def test_own_connections_are_closed_and_the_async_face_makes_new_ones(face: Face) -> None:
    with serving() as server:
        chat = face.chat(server)
        face.ask(chat)
        face.ask(chat)
        face.close()
        face.close()

    assert len(server.posts) == 2


def test_sync_face_closes_at_the_end_of_a_block() -> None:
    face = Face("sync")
    with serving() as server:
        with face.chat(server) as chat:
            assert face.ask(chat).attestation.accepted
        with pytest.raises(RuntimeError, match="closed"):
            face.ask(chat)


@pytest.mark.parametrize(
    ("kind", "wrong", "wanted"),
    [
        (SecureChatCompletion, httpx.Client, "Client, expected httpx.AsyncClient"),
        (SyncSecureChatCompletion, httpx.AsyncClient, "AsyncClient, expected httpx.Client"),
    ],
)
def test_client_of_the_other_face_is_a_type_error(kind: Any, wrong: Any, wanted: str) -> None:
    with pytest.raises(TypeError, match=rf"^http_client is {wanted}$"):
        kind(URL, policy=policy_of(), http_client=wrong())
    with pytest.raises(TypeError, match=r"^http_client is str"):
        kind(URL, policy=policy_of(), http_client="client")


def test_async_face_works_in_one_loop_after_the_other() -> None:
    face = Face("async")
    with serving() as server:
        chat = face.chat(server)

        results = [face.ask(chat).attestation.accepted for _ in range(2)]

    assert results == [True, True]
    assert server.fetches == 1


def test_async_face_without_an_exchange_closes_nothing() -> None:
    async def use() -> None:
        async with Face("async").chat(URL):
            pass

    asyncio.run(use())


def test_sync_face_works_inside_a_running_loop() -> None:
    async def ask() -> Any:
        await anyio.lowlevel.checkpoint()
        face = Face("sync")
        return face.ask(face.chat(wired()))

    assert asyncio.run(ask()).attestation.accepted


def test_endpoint_waits_and_goes_on(face: Face) -> None:
    def steps() -> Steps[str]:
        assert (yield Wait(0.0)) is None
        return "done"

    if face.is_async:
        assert asyncio.run(AsyncEndpoint().run(steps())) == "done"
    else:
        endpoint = Endpoint()
        assert endpoint.run(steps()) == "done"
        endpoint.close()


def test_driver_that_answers_a_fetch_with_something_else_is_a_bug() -> None:
    steps = fetched(Fetch("GET", URL, {}, b"", 1))
    next(steps)

    with pytest.raises(TypeError, match="a driver answered str to a Fetch"):
        steps.send("answer")


def test_what_takes_time_does_not_hold_up_the_loop() -> None:
    turned = threading.Event()

    def steps() -> Steps[bool]:
        return (yield from computed(lambda: turned.wait(60)))

    async def run() -> bool:
        running = asyncio.ensure_future(AsyncEndpoint().run(steps()))
        await anyio.lowlevel.checkpoint()
        turned.set()
        return await running

    assert asyncio.run(run())


def test_answer_that_the_callers_transport_has_read_already_is_taken(face: Face) -> None:
    server = wired()

    def handle(request: httpx.Request) -> httpx.Response:
        read = handler_of(server)(request).read()
        return httpx.Response(200, content=read)

    assert face.ask(face.chat(server, http_client=face.http(handle))).attestation.accepted


def test_answer_over_the_cap_that_was_read_already_is_refused(face: Face) -> None:
    server = wired()

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=server.pem + b"\n" * MAX_PEM)

    with pytest.raises(SecurityError, match=f"exceeds {MAX_PEM} octets"):
        face.ask(face.chat(server, http_client=face.http(handle)))


def test_request_to_this_machine_goes_through_no_proxy(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving() as server:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        response = face.ask(face.chat(server, max_retries=0, api_key="key"))
        face.close()

    assert response.attestation.accepted


def test_cookies_of_one_answer_go_with_no_other_request() -> None:
    face = Face("sync")

    def answer(posted: Posted) -> Reply:
        return Reply(answered()(posted).body, 200, {"Set_Cookie": "session=of-first; Path=/"})

    with serving(answer) as server:
        chat = face.chat(server)
        face.ask(chat, api_key="first")
        face.ask(chat, api_key="second")
        face.close()

    assert "cookie" not in server.posts[1].headers
