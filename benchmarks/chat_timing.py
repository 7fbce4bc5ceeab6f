"""How requests of a client are timed, the same for every client: runs in any environment."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

Create = Callable[[str, list[dict[str, str]]], Awaitable[dict[str, object]]]

MODEL = "qwen3-8b"
MESSAGES = [{"role": "user", "content": "What is measured boot, in one paragraph? " * 8}]


async def timed(create: Create, requests: int) -> dict[str, object]:
    """Ask one after the other, then for as many at once, after one to warm up.

    Returns:
        ``one_by_one``: seconds of each request; ``at_once``: seconds of all together.
    """
    await _answered(create)
    one_by_one = []
    for _ in range(requests):
        start = time.perf_counter()
        await _answered(create)
        one_by_one.append(time.perf_counter() - start)
    start = time.perf_counter()
    await asyncio.gather(*(_answered(create) for _ in range(requests)))
    return {"one_by_one": one_by_one, "at_once": time.perf_counter() - start}


async def _answered(create: Create) -> None:
    """Ask once; without an answer, nothing comparable was measured."""
    response = await create(MODEL, MESSAGES)
    if not response["choices"]:
        raise SystemExit("a request was not answered")


def say(told: dict[str, object]) -> None:
    """Print what was measured, as the last line."""
    print(json.dumps(told))
