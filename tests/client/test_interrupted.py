"""A request that its caller gives up: what then hangs on the interruption, and what is recorded."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from attest.archive import Archive, verify_archive
from attest.archive.lock import locked
from tests.client.gating import MODEL, Face, policy_path, saying, wired
from tests.client.graph import leaking
from tests.client.serving import Posted, Reply, WireServer, serving

PROMPT: Final = "prompt-0d7e5f1c33"
COMPLETION: Final = "completion-b1a2c94f06"
KEY: Final = "key-77e0a1d2f9"
SAID: Final[dict[str, Any]] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": PROMPT}],
    "api_key": KEY,
}


async def given_up(chat: Any, answered: asyncio.Event, turns: int) -> asyncio.CancelledError:
    """Ask, and give up so many turns of the loop after the answer was made."""
    asking = asyncio.ensure_future(chat.create(**SAID))
    await answered.wait()
    for _ in range(turns):
        await asyncio.sleep(0)
    asking.cancel()
    try:
        await asking
    except asyncio.CancelledError as error:
        return error
    raise AssertionError("the record was made although its archive is locked")


@pytest.mark.parametrize("turns", [0, 1, 5, 50])
@pytest.mark.parametrize("wiping", [True, False])
def test_interruption_reaches_neither_prompt_nor_completion(
    tmp_path: Path, turns: int, wiping: bool
) -> None:
    face, archive = Face("async"), tmp_path / "evidence.jsonl"

    async def run() -> asyncio.CancelledError:
        answered = asyncio.Event()

        def answer(posted: Posted) -> Reply:
            answered.set()
            return saying(COMPLETION)(posted)

        told = {"policy": policy_path(tmp_path), "archive": Archive(archive, durable=False)}
        chat = face.chat(wired(answer), secure_memory=wiping, **told)
        with archive.open("rb+") as holder, locked(holder.fileno()):
            return await given_up(chat, answered, turns)

    error = asyncio.run(run())
    for one in threading.enumerate():  # nothing may change under the walk
        if one is not threading.current_thread():
            one.join(60)

    assert leaking(error, PROMPT, COMPLETION) == []
    assert verify_archive(archive).intact


def test_timeout_reaches_no_key_of_the_request() -> None:
    face, hold = Face("async"), threading.Event()

    def slow(posted: Posted) -> Reply:
        hold.wait(60)
        return saying(COMPLETION)(posted)

    async def run(chat: Any, server: WireServer) -> asyncio.CancelledError:
        asking = asyncio.ensure_future(chat.create(**SAID))
        while not server.posts:
            await asyncio.sleep(0)
        asking.cancel()
        try:
            await asking
        except asyncio.CancelledError as error:
            return error
        finally:
            hold.set()
            await chat.aclose()
        raise AssertionError("it was answered")

    with serving(slow) as server:
        error = asyncio.run(run(face.chat(server), server))

    assert leaking(error, PROMPT, KEY) == []
