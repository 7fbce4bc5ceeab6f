"""A request as the caller states it: looked at, and encoded, before anything is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from attest.policy.model import TIERS
from attest.text import shown
from client.address import Address
from client.envelope import MAX_REQUEST
from client.exchange import Asked

MAX_DEPTH = 64
"""Objects and arrays inside each other in a request."""
MAX_ID = 128
"""Characters of a payload id that a caller gives."""

_encoder = msgspec.json.Encoder()


def completion_payload(
    model: str, messages: object, options: Mapping[str, Any]
) -> dict[str, object]:
    """Return the payload of a chat completion.

    Raises:
        ValueError: ``base_url`` or ``stream``, which a gate cannot honour.
        TypeError: ``model`` is no text.
    """
    if not isinstance(model, str):
        raise TypeError(f"model is {type(model).__name__}, expected str")
    if "base_url" in options:
        raise ValueError("base_url: a client asks the server that it was made for; make another")
    stream = options.get("stream")
    if stream is not None and stream is not False:
        raise ValueError("stream: what was not judged whole is not released; leave it out")
    return {"model": model, "messages": messages, **options}


def encode_payload(payload: Mapping[str, object]) -> bytearray:
    """Encode a payload as JSON, in octets that can be wiped.

    Raises:
        ValueError: A number or text that JSON does not have, too many levels, or octets.
        TypeError: A value that JSON does not have, named by its place.
    """
    _check("payload", payload, 0)
    encoded = bytearray()
    try:
        _encoder.encode_into(payload, encoded)
    except (UnicodeEncodeError, OverflowError) as error:  # whose attributes may hold the text
        fault = type(error).__name__
    else:
        if len(encoded) > MAX_REQUEST:
            raise ValueError(f"payload: {len(encoded)} octets exceed {MAX_REQUEST}")
        return encoded
    raise ValueError(f"payload: cannot be written as JSON: {fault}")


def read_asked(
    address: Address,
    api_key: str | None,
    security_tier: str | None,
    payload_id: str | None = None,
    model: str = "",
) -> Asked:
    """Read what stands beside the prompt.

    Raises:
        ValueError: An unknown tier, an API key or a payload id that no header can hold, or an API
            key for a server to which it would travel in the clear.
        TypeError: Either is no text.
    """
    tier = read_tier(security_tier)
    if payload_id is not None:
        _check_header("payload_id", payload_id)
        if len(payload_id) > MAX_ID:
            raise ValueError(f"payload_id: {len(payload_id)} characters exceed {MAX_ID}")
    return Asked(tier, read_authorization(address, api_key), payload_id, model)


def read_tier(security_tier: str | None) -> str | None:
    """Return a tier, or None for none.

    Raises:
        ValueError: It is unknown.
    """
    if security_tier is not None and security_tier not in TIERS:
        raise ValueError(f"security_tier is {security_tier!r}, expected one of {', '.join(TIERS)}")
    return security_tier


def read_authorization(address: Address, api_key: str | None) -> str | None:
    """Return the Authorization header for an API key, None for none.

    Raises:
        ValueError: The key is empty or fits no header, or it would travel in the clear.
        TypeError: It is no text.
    """
    if api_key is None:
        return None
    _check_header("api_key", api_key)
    if not address.confidential:
        raise ValueError("api_key: is sent by https or to this machine, never in the clear")
    return f"Bearer {api_key}"


def _check_header(name: str, value: str) -> None:
    """Refuse what is no header's value; the error does not repeat it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {type(value).__name__}, expected str")
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"{name}: expected printable ASCII without spaces")


def _check(place: str, value: object, depth: int) -> None:
    """Refuse a value that JSON does not have, by its place."""
    if depth >= MAX_DEPTH and isinstance(value, list | tuple | dict):
        raise ValueError(f"payload: is nested deeper than {MAX_DEPTH}")
    if value is None or isinstance(value, str | bool | int):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{place}: {value} is no number in JSON")
    elif isinstance(value, list | tuple):
        for position, inner in enumerate(value):
            _check(f"{place}[{position}]", inner, depth + 1)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise TypeError(f"{place}: a member name is {type(name).__name__}, expected str")
            _check(f"{place}.{shown(name)}", inner, depth + 1)
    else:
        raise TypeError(f"{place}: {type(value).__name__} is no value in JSON")
