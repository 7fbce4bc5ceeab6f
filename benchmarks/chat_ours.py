"""One measured process of the gated client, with an archive or without.

``python -m benchmarks.chat_ours URL FOLDER REQUESTS [ARCHIVE]``
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attest.archive import Phase
from benchmarks.chat_timing import say, timed
from client import Gate, SecureChatCompletion
from client.exchange import Sent
from client.gate import Answer

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

DECISIONS: Final[list[float]] = []
"""Seconds of each decision, without waiting for the disk."""
_waited = threading.local()
_decide, _fsync = Gate.decide, os.fsync


def decide(gate: Gate, opened: bytes | Mapping[str, Any], sent: Sent) -> Answer:
    """Decide as a gate does; of an answer to a prompt, keep how long that took without the disk."""
    _waited.seconds = 0.0
    start = time.perf_counter()
    answer = _decide(gate, opened, sent)
    if sent.phase is Phase.RESPONSE:
        DECISIONS.append(time.perf_counter() - start - _waited.seconds)
    return answer


def fsync(fd: FileDescriptorLike) -> None:
    """Wait for the disk, and add how long that took."""
    start = time.perf_counter()
    _fsync(fd)
    _waited.seconds = getattr(_waited, "seconds", 0.0) + time.perf_counter() - start


async def measured(url: str, folder: Path, requests: int, archive: str | None) -> None:
    """Measure, and print the figures; of the decisions, those one after the other."""
    policy, keys = folder / "policy.yaml", folder / "keys"
    async with SecureChatCompletion(url, policy=policy, key_dir=keys, archive=archive) as chat:
        figures = await timed(chat.create, requests)
    say({**figures, "decisions": DECISIONS[1 : 1 + requests]})


def main(url: str, folder: str, requests: str, archive: str | None = None) -> None:
    """Watch the gate where it decides; measure, and print the figures."""
    Gate.decide, os.fsync = decide, fsync  # type: ignore[assignment, method-assign]  # watched
    asyncio.run(measured(url, Path(folder), int(requests), archive))


if __name__ == "__main__":
    main(*sys.argv[1:])
