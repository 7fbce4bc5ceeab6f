"""NOMYO's client behind our gate: runs in NOMYO's environment, an order a line each way.

A line in is ``{"url", "gate", "make", "asked": arguments of each, "secrets": [...]}``; the line out
is what was returned, or what was raised and which secrets can be reached from it.
``python -m tests.peers.wrap_worker KEY_FOLDER``
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from typing import Any

import nomyo

from client import AttestationRefused, Gate
from tests.client.leaks import leaked

Order = dict[str, Any]
FOLDER = sys.argv[1]
NAMES = ("client", "api_key", "_keys_initialized", "send_secure_request", "router_url", "_key_dir")


async def done(order: Order) -> Order:
    """Ask for a completion through the gate."""
    chat = nomyo.SecureChatCompletion(order["url"], True, key_dir=FOLDER, **order["make"])
    wrapped = Gate(**order["gate"]).wrap(chat)
    try:  # here, so that the outermost frame is this one, which holds the secrets itself
        response = await wrapped.create(**order["asked"])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return told(error, order["secrets"])
    return {
        "response": response,
        "accepted": response.attestation.accepted,
        "payload_id": response.attestation.payload_id,
        "reachable": [name for name in NAMES if hasattr(wrapped, name)],
        "shown": [name for name in dir(wrapped) if not name.startswith("_")],
    }


def told(error: Exception, secrets: list[str]) -> Order:
    """What was raised, as an application sees it."""
    outcome: Order = {
        "raised": type(error).__name__,
        "of": type(error).__module__.split(".")[0],
        "said": str(error),
        "leaked": leaked(error, *(secret.encode() for secret in secrets)),
    }
    if isinstance(error, AttestationRefused):
        outcome |= {
            "checks": [check.id for check in error.result.refusals],
            "phase": str(error.phase),
            "prompt_sent": error.prompt_sent,
        }
    return outcome


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # it warns of http
    for line in sys.stdin:
        given = json.loads(line)
        outcome = asyncio.run(done(json.loads(line)))
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()
