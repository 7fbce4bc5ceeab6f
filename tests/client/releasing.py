"""Processes that ask a gated client for good, and say of each answer that it was released.

They are there to be killed. One process makes ready, and forks them: so each starts at once.
"""

from __future__ import annotations

import asyncio
import os
import threading
from multiprocessing.connection import Connection
from typing import Any, Final

from client import SecureChatCompletion
from tests.client.preparing import MODEL, asked

AT_ONCE: Final = 4
"""Requests under way in one process."""
ENDED: Final = ""
"""Said of a process that was killed."""
_write = os.write


def release(parent: Connection, url: str, told: dict[str, Any]) -> None:
    """Fork a process for each message that comes, one after the other, until None does.

    A message is how many octets the system takes at once in that process, as it may; 0 for all. The
    answers are the process id, the payload id of each released answer, and ENDED.

    Args:
        parent: Where messages come from and answers go.
        url: The server.
        told: Arguments of the client.
    """
    os.environ["no_proxy"] = "*"  # to look for proxies needs, on one system, what no fork may use
    chat = SecureChatCompletion(url, **told)
    asyncio.run(_ask_once(chat))
    for thread in threading.enumerate():  # none may be there while a process forks
        if thread is not threading.main_thread():
            thread.join()
    while (piece := parent.recv()) is not None:
        pid = os.fork()
        if pid == 0:
            _be_killed(parent, chat, piece)
        os.waitpid(pid, 0)
        parent.send(ENDED)


async def _ask_once(chat: SecureChatCompletion) -> None:
    """Have the client load its key."""
    async with chat:
        await chat.create(MODEL, asked("hello"))


def _be_killed(parent: Connection, chat: SecureChatCompletion, piece: int) -> None:
    """Ask for good."""
    try:
        parent.send(os.getpid())
        if piece:
            os.write = lambda fd, octets: _write(fd, memoryview(octets)[:piece])
        asyncio.run(_ask_for_good(parent, chat))
    finally:
        os._exit(1)


async def _ask_for_good(parent: Connection, chat: SecureChatCompletion) -> None:
    async def ask() -> None:
        while True:
            response = await chat.create(MODEL, asked("hello"))
            parent.send(response.attestation.payload_id)

    await asyncio.gather(*(ask() for _ in range(AT_ONCE)))
