"""The canned chat completion: the same words for the same request, and no model behind them."""

from __future__ import annotations

from typing import Any

import msgspec

from client.demo.evidence import Attestation

ENCRYPTION = "hybrid-aes256-rsa4096"
MAX_MODEL = 200
"""Characters of a model's name that are repeated."""


class Request(msgspec.Struct, frozen=True):
    """What the server looks at in an opened request.

    Attributes:
        model: Name of the model, not empty.
        prompt_words: Words in the texts of all messages.
    """

    model: str
    prompt_words: int


class Stamp(msgspec.Struct, frozen=True):
    """What the server itself says of an answer.

    Attributes:
        payload_id: Id of the request.
        tier: Security tier that was asked for.
        processed_at: Unix seconds.
        source: Name of the evidence's source.
    """

    payload_id: str
    tier: str
    processed_at: int
    source: str


def read_request(plaintext: bytes) -> Request | str:
    """Read an opened request, or return what is wrong with it; no text of it is repeated."""
    try:
        document = msgspec.json.decode(plaintext)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return "request: is no JSON"
    if type(document) is not dict:
        return "request: is no JSON object"
    model, messages = document.get("model"), document.get("messages")
    if type(model) is not str or not 0 < len(model) <= MAX_MODEL:
        return f"model: expected a text of 1 to {MAX_MODEL} characters"
    well_formed = type(messages) is list and all(type(message) is dict for message in messages)
    if not messages or not well_formed:
        return "messages: expected a list of at least one object"
    contents = (message.get("content") for message in messages)
    words = sum(len(content.split()) for content in contents if type(content) is str)
    return Request(model, words)


def completion(request: Request, stamp: Stamp, attestation: Attestation) -> dict[str, Any]:
    """Return the chat completion in the OpenAI shape, with ``_metadata``."""
    content = (
        "This is a canned answer of the demonstration server: no model has run. "
        f"The prompt had {request.prompt_words} words."
    )
    words = len(content.split())
    return {
        "id": f"chatcmpl-{stamp.payload_id}",
        "object": "chat.completion",
        "created": stamp.processed_at,
        "model": request.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": request.prompt_words,
            "completion_tokens": words,
            "total_tokens": request.prompt_words + words,
        },
        "_metadata": _metadata(stamp, attestation),
    }


def _metadata(stamp: Stamp, attestation: Attestation) -> dict[str, Any]:
    """Return what the server says of itself; it names what its evidence is made by."""
    return {
        "payload_id": stamp.payload_id,
        "processed_at": stamp.processed_at,
        "is_encrypted": True,
        "encryption_algorithm": ENCRYPTION,
        "response_status": "success",
        "security_tier": stamp.tier,
        "memory_protection": {
            "platform": "demonstration",
            "memory_locking": False,
            "evidence_source": stamp.source,
        },
        "cuda_device": {"available": False},
        "tpm_attestation": attestation,
    }
