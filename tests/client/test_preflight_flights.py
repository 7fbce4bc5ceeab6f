"""Preflight under many callers at once: one probe, whose outcome is everybody's."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from anyio import wait_all_tasks_blocked
from anyio.lowlevel import checkpoint

from client import AttestationRefused, SecureChatCompletion, SyncSecureChatCompletion
from client.preflight import PROBE
from client.response import AttestedResponse
from client.steps import Alone
from tests.client.gating import wired
from tests.client.reaching import FORGED, MESSAGES, MODEL, PROMPT, Rig, keyed, over, texts
from tests.client.serving import Answer, WireServer, answered, serving
from tests.judging import policy_of

MANY = 100


async def by_tasks(server: WireServer) -> list[Any]:
    """Ask by many tasks; a probe is answered when all others can do nothing but wait."""
    transport = over(server)

    async def answer(request: httpx.Request) -> httpx.Response:
        await checkpoint()
        if request.method == "POST" and not server.posts:
            await wait_all_tasks_blocked()
        return transport.handle_request(request)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    async with http:
        chat = keyed(SecureChatCompletion(server.url, policy=policy_of(), http_client=http))
        asking = (chat.create(MODEL, MESSAGES) for _ in range(MANY))
        return await asyncio.gather(*asking, return_exceptions=True)


def test_many_tasks_make_one_probe() -> None:
    server = wired()

    outcomes = asyncio.run(by_tasks(server))

    assert all(isinstance(one, AttestedResponse) for one in outcomes)
    assert texts(server) == [PROBE] + [PROMPT] * MANY
    assert server.fetches == 1


@pytest.mark.parametrize("lies", [FORGED, {"drop": ["_metadata"]}])
def test_many_tasks_share_the_refusal_of_one_probe_each_by_an_exception_of_its_own(
    lies: dict[str, Any],
) -> None:
    server = wired(answered(**lies), answered())

    outcomes = asyncio.run(by_tasks(server))

    assert all(type(one) is AttestationRefused for one in outcomes)
    assert len({id(one) for one in outcomes}) == MANY
    assert len({id(one.__traceback__) for one in outcomes}) == MANY
    assert all(one.result == outcomes[0].result for one in outcomes)
    assert not any(one.prompt_sent for one in outcomes)
    assert texts(server) == [PROBE]


def test_caller_who_gives_up_leaves_the_probe_to_the_next() -> None:
    server = wired()
    transport = over(server)

    async def main() -> object:
        giving_up: list[asyncio.Task[Any]] = []

        async def answer(request: httpx.Request) -> httpx.Response:
            await checkpoint()
            if request.method == "POST" and not server.posts:
                transport.handle_request(request)
                giving_up[0].cancel()
                await asyncio.Event().wait()
            return transport.handle_request(request)

        http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        async with http, asyncio.TaskGroup() as tasks:
            chat = keyed(SecureChatCompletion(server.url, policy=policy_of(), http_client=http))
            giving_up.append(tasks.create_task(chat.create(MODEL, MESSAGES)))
            other = tasks.create_task(chat.create(MODEL, MESSAGES))
        assert giving_up[0].cancelled()
        return await other

    assert isinstance(asyncio.run(main()), AttestedResponse)
    assert texts(server) == [PROBE, PROBE, PROMPT]


def by_threads(*answers: Answer) -> tuple[list[Any], list[str]]:
    """Ask by many threads at once; return outcomes, and what the server was told."""
    start = threading.Barrier(MANY)

    def ask(chat: SyncSecureChatCompletion) -> object:
        start.wait()
        try:
            return chat.create(MODEL, MESSAGES)
        except AttestationRefused as refusal:
            return refusal

    with serving(*answers) as server, ThreadPoolExecutor(MANY) as threads:
        with keyed(SyncSecureChatCompletion(server.url, policy=policy_of())) as chat:
            outcomes = list(threads.map(ask, [chat] * MANY))
        return outcomes, texts(server)


def test_many_threads_make_one_probe() -> None:
    outcomes, said = by_threads()

    assert all(isinstance(one, AttestedResponse) for one in outcomes)
    assert said == [PROBE] + [PROMPT] * MANY


def test_callers_who_wait_share_a_failure_and_those_who_come_later_do_not() -> None:
    rig = Rig(wired(answered(**FORGED), answered()))
    rig.run(rig.exchange._keyring.server_key())  # noqa: SLF001 - so that only probes are alone
    waiting = [rig.steps() for _ in range(3)]
    alone = [rig.up_to(steps, Alone) for steps in waiting]

    outcomes = [rig.run(steps, rig.take(step)) for steps, step in zip(waiting, alone, strict=True)]
    later = rig.ask()

    assert [type(one) for one in outcomes] == [AttestationRefused] * 3
    assert isinstance(later, AttestedResponse)
    assert texts(rig.server) == [PROBE, PROBE, PROMPT]


def test_flights_of_two_models_are_two() -> None:
    rig = Rig(wired())
    rig.run(rig.exchange._keyring.server_key())  # noqa: SLF001 - so that only probes are alone
    waiting = [rig.steps(model=model) for model in ("a", "b", "a")]
    alone = [rig.up_to(steps, Alone) for steps in waiting]

    for steps, step in zip(waiting, alone, strict=True):
        assert isinstance(rig.run(steps, rig.take(step)), AttestedResponse)

    assert texts(rig.server).count(PROBE) == 2
