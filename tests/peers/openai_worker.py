"""OpenAI's SDK over our transports: runs in an environment of its own, an order a line each way.

A line in is ``{"do", "face": "sync" | "async", "http": "httpx" | "httpx2", "key", "transport":
arguments, "asked": arguments}``; the line out is what the SDK returned, or what it raised.
``python -m tests.peers.openai_worker KEY_FOLDER``
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import openai

from client.keys import obtain_key
from client.transport import refusal_of

Order = dict[str, Any]
OURS = obtain_key(sys.argv[1])


def keyed(transport: Any) -> Any:
    """Give a transport the key of the tests, which is loaded once."""
    transport._keyring.use_key(OURS)  # noqa: SLF001 - loading it takes a quarter of a second
    return transport


def client_of(order: Order) -> Any:
    """Make a client of the SDK over our transport, with the retries that it has by default."""
    http = order["http"]
    ours = importlib.import_module(
        {"httpx": "client.transport", "httpx2": "client.transport_httpx2"}[http]
    )
    theirs = importlib.import_module(http)
    told = {"base_url": "https://attested.invalid/v1", "api_key": order["key"]}
    if order["face"] == "async":
        transport = keyed(ours.AsyncAttestedTransport(**order["transport"]))
        return openai.AsyncOpenAI(http_client=theirs.AsyncClient(transport=transport), **told)
    transport = keyed(ours.AttestedTransport(**order["transport"]))
    return openai.OpenAI(http_client=theirs.Client(transport=transport), **told)


def create(ai: Any, asked: Order) -> object:
    """Ask for a completion."""
    return ai.chat.completions.create(**asked).to_dict()


async def create_async(ai: Any, asked: Order) -> object:
    """Ask for a completion."""
    return (await ai.chat.completions.create(**asked)).to_dict()


def stream(ai: Any, asked: Order) -> object:
    """Ask for a stream, and return its chunks."""
    return [chunk.to_dict() for chunk in ai.chat.completions.create(stream=True, **asked)]


async def stream_async(ai: Any, asked: Order) -> object:
    """Ask for a stream, and return its chunks."""
    chunks = await ai.chat.completions.create(stream=True, **asked)
    return [chunk.to_dict() async for chunk in chunks]


def gather(ai: Any, asked: Order) -> object:
    """Ask for a stream, and have the SDK put its chunks together."""
    with ai.chat.completions.stream(**asked) as events:
        return events.get_final_completion().to_dict()


async def gather_async(ai: Any, asked: Order) -> object:
    """Ask for a stream, and have the SDK put its chunks together."""
    async with ai.chat.completions.stream(**asked) as events:
        return (await events.get_final_completion()).to_dict()


def models(ai: Any, _asked: Order) -> object:
    """Ask for the list of models."""
    return ai.models.list().to_dict()


async def models_async(ai: Any, _asked: Order) -> object:
    """Ask for the list of models."""
    return (await ai.models.list()).to_dict()


DONE: dict[str, tuple[Callable[..., object], Callable[..., Awaitable[object]]]] = {
    "create": (create, create_async),
    "stream": (stream, stream_async),
    "gather": (gather, gather_async),
    "models": (models, models_async),
}


def done(order: Order) -> object:
    """Carry out an order."""
    ai = client_of(order)
    act, act_async = DONE[order["do"]]
    if order["face"] == "async":
        return asyncio.run(closing(act_async(ai, order["asked"]), ai))
    with ai:
        return act(ai, order["asked"])


async def closing(act: Awaitable[object], ai: Any) -> object:
    """Await, and close the client."""
    async with ai:
        return await act


def told(error: Exception) -> Order:
    """What was raised, as an application sees it."""
    response = getattr(error, "response", None)
    refusal = refusal_of(error)
    return {
        "raised": [kind.__name__ for kind in type(error).__mro__],
        "said": str(error),
        "status": getattr(error, "status_code", None),
        "body": None if response is None else response.json(),
        "retry": None if response is None else response.headers.get("x-should-retry"),
        "refusal": None
        if refusal is None
        else {
            "result": refusal.result.to_dict(),
            "phase": str(refusal.phase),
            "prompt_sent": refusal.prompt_sent,
        },
    }


if __name__ == "__main__":
    for line in sys.stdin:
        try:
            outcome = done(json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            outcome = told(error)
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()
