"""An existing instance of NOMYO's client behind the gate: held, not inherited from.

Nothing of the instance can be reached through the wrapper but what is asked for here, so that no
new method of another version is an open door.
"""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import anyio.to_thread

from attest.archive.address import address_fault
from client.errors import UnsupportedClient
from client.exchange import Sent
from client.request import completion_payload, read_tier
from client.response import AttestedResponse, fault_of, settled

_SENDING = ("payload", "payload_id", "api_key", "security_tier")

Decide = Callable[[Mapping[str, Any], Sent], object]
"""Says what the caller gets of a decoded response."""


class WrappedCompletion:
    """NOMYO's ``SecureChatCompletion`` behind a gate.

    The wrapped client sends, retries and decrypts as it always did, and reads JSON as leniently:
    a member that stood twice is not seen here. Its own errors are raised as they are.
    """

    def __init__(self, client: object, decide: Decide) -> None:
        """Look at a client's parts.

        Args:
            client: An instance of ``nomyo.SecureChatCompletion`` (0.2.9).
            decide: The gate's decision.

        Raises:
            UnsupportedClient: A part is missing, or another one than is known.
        """
        inner = _part(client, "client")
        self._ensure_keys = _method(client, "_ensure_keys", ())
        self._send = _method(inner, "send_secure_request", _SENDING)
        _part(client, "api_key")
        self._api_key = partial(_part, client, "api_key")  # read anew: an application may set it
        self._base_url = _part(inner, "router_url")
        if not isinstance(self._base_url, str) or address_fault(self._base_url) is not None:
            raise UnsupportedClient("client.router_url is no http or https address")
        self._decide = decide

    async def create(
        self, model: str, messages: Sequence[Mapping[str, Any]], **options: Any
    ) -> AttestedResponse:
        """Ask for a chat completion, and return it where the server's hardware was verified.

        Raises:
            AttestationRefused: It was not; nothing of the answer can be reached from this.
            EvidenceWriteError: The decision could not be recorded; nothing is released.
            SecurityError: The answer is no JSON object.
            ValueError: ``base_url`` or ``stream``, or an unknown tier; nothing was sent.
        """
        outcome = self._outcome(model, messages, options)
        del model, messages, options  # an exception keeps the locals of its frames
        return settled(await outcome, AttestedResponse)

    acreate = create

    async def _outcome(self, model: str, messages: object, options: dict[str, Any]) -> object:
        """Send by the wrapped client, and have the answer judged by an id of our own."""
        try:
            tier = read_tier(options.pop("security_tier", None))
            api_key = options.pop("api_key", None)
            payload = completion_payload(model, messages, options)
        except (ValueError, TypeError) as error:
            return fault_of(error)
        payload_id = str(uuid.uuid4())
        await self._ensure_keys()
        key = self._api_key() if api_key is None else api_key
        response = await self._send(payload, payload_id, key, tier)
        sent = Sent(self._base_url, payload_id, tier, None)
        return await anyio.to_thread.run_sync(partial(self._decide, response, sent))


def _part(owner: object, name: str) -> Any:
    """Return a part of a client."""
    try:
        return getattr(owner, name)
    except AttributeError:
        raise UnsupportedClient(f"{type(owner).__name__} has no {name}") from None


def _method(owner: object, name: str, parameters: tuple[str, ...]) -> Callable[..., Any]:
    """Return a method of a client that takes exactly these parameters and is to be awaited."""
    method: Callable[..., Any] = _part(owner, name)
    if not inspect.iscoroutinefunction(method):
        raise UnsupportedClient(f"{type(owner).__name__}.{name} is no coroutine function")
    seen = tuple(inspect.signature(method).parameters)
    if seen != parameters:
        wanted = ", ".join(parameters) or "nothing"
        raise UnsupportedClient(f"{type(owner).__name__}.{name} does not take {wanted}")
    return method
