"""Which clients are wrapped: those with each part of the version that is known, as it is there."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from client import Gate
from client.errors import UnsupportedClient
from tests.client.standing_in import StandIn
from tests.judging import policy_of


def without(*path: str) -> Callable[[StandIn], object]:
    """Copy a client's parts but for one."""

    def cut(client: StandIn) -> object:
        inner = {
            "router_url": client.client.router_url,
            "send_secure_request": client.client.send_secure_request,
        }
        outer = {"api_key": client.api_key, "_ensure_keys": client._ensure_keys}  # noqa: SLF001 - a part
        (inner if len(path) > 1 else outer).pop(path[-1], None)
        whole = outer if path == ("client",) else {**outer, "client": SimpleNamespace(**inner)}
        return SimpleNamespace(**whole)

    return cut


def sending(send: object) -> Callable[[StandIn], object]:
    """Put another method for sending into a client."""

    def put(client: StandIn) -> object:
        client.client.send_secure_request = send  # type: ignore[assignment,method-assign] # another
        return client

    return put


def readying(ensure: object) -> Callable[[StandIn], object]:
    """Put another method for keys into a client."""

    def put(client: StandIn) -> object:
        client._ensure_keys = ensure  # type: ignore[assignment,method-assign] # noqa: SLF001
        return client

    return put


def routed(url: object) -> Callable[[StandIn], object]:
    """Put another address into a client."""

    def put(client: StandIn) -> object:
        client.client.router_url = url  # type: ignore[assignment] # another
        return client

    return put


async def fewer(payload: object, payload_id: object, api_key: object) -> None:
    """As if of an older version."""


async def more(payload: int, payload_id: int, api_key: int, security_tier: int, base: int) -> None:
    """As if of a newer version."""


async def with_an_argument(anew: bool) -> None:
    """As if of a newer version."""


UNSUPPORTED: dict[str, tuple[Callable[[StandIn], object], str]] = {
    "object": (lambda _: object(), "object has no client"),
    "none": (lambda _: None, "NoneType has no client"),
    "no client": (without("client"), "SimpleNamespace has no client"),
    "no sending": (without("client", "send_secure_request"), "no send_secure_request"),
    "no address": (without("client", "router_url"), "has no router_url"),
    "no keys": (without("_ensure_keys"), "has no _ensure_keys"),
    "blocking": (sending(lambda: None), "send_secure_request is no coroutine function"),
    "no method": (sending(None), "send_secure_request is no coroutine function"),
    "fewer": (
        sending(fewer),
        "Inner.send_secure_request does not take payload, payload_id, api_key, security_tier",
    ),
    "more": (sending(more), "send_secure_request does not take payload, payload_id"),
    "blocking keys": (readying(lambda: None), "_ensure_keys is no coroutine function"),
    "keys by an argument": (readying(with_an_argument), "StandIn._ensure_keys does not take nothi"),
    "address no text": (routed(None), "client.router_url is no http or https address"),
    "no url": (routed("server"), "client.router_url is no http or https address"),
    "url with a key": (routed("https://u:p@a.example"), "client.router_url is no http or https ad"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_client_with_other_parts_is_not_wrapped(case: str) -> None:
    change, said = UNSUPPORTED[case]

    with pytest.raises(UnsupportedClient) as caught:
        Gate(policy_of()).wrap(change(StandIn()))

    assert said in str(caught.value)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_client_without_a_key_is_not_wrapped() -> None:
    with pytest.raises(UnsupportedClient, match="has no api_key"):
        Gate(policy_of()).wrap(without("api_key")(StandIn()))
