"""NOMYO's client at work: runs in its own environment, one order a line each way.

A line in is ``{"do": "create" | "seal" | "open" | "key", ...}``; the line out is what came of it,
or ``{"raised": class, "said": text}``. ``python nomyo_worker.py URL KEY_FOLDER``
"""

import asyncio
import base64
import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import nomyo

Order = dict[str, Any]


async def create(chat: nomyo.SecureChatCompletion, order: Order) -> object:
    """Ask for a completion."""
    return await chat.create(order["model"], order["messages"], **order["options"])


async def seal(chat: nomyo.SecureChatCompletion, order: Order) -> object:
    """Seal a payload to the server's key."""
    return base64.b64encode(await chat.client.encrypt_payload(order["payload"])).decode()


async def open_response(chat: nomyo.SecureChatCompletion, order: Order) -> object:
    """Open what was sealed to the client's own key."""
    sealed = base64.b64decode(order["sealed"])
    return await chat.client.decrypt_response(sealed, order.get("payload_id", str(uuid.uuid4())))


async def key(chat: nomyo.SecureChatCompletion, order: Order) -> object:
    """Say the client's own public key."""
    return chat.client.public_key_pem


DONE: dict[str, Callable[[nomyo.SecureChatCompletion, Order], Awaitable[object]]] = {
    "create": create,
    "seal": seal,
    "open": open_response,
    "key": key,
}


async def main(url: str, folder: str) -> None:
    """Take orders until there are no more."""
    chat = nomyo.SecureChatCompletion(url, True, key_dir=folder, max_retries=0)
    chat.client.load_keys(f"{folder}/private_key.pem", f"{folder}/public_key.pem")
    for line in sys.stdin:
        order = json.loads(line)
        try:
            said = await DONE[order["do"]](chat, order)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            said = {"raised": type(error).__name__, "said": str(error)}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
