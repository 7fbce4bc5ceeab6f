"""NOMYO's protocol alone, by the names of its client: seals, sends, opens, and verifies nothing.

Nothing that this returns was judged; for answers that were, there is ``client.completion``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx

from attest.document import read_document
from attest.errors import AttestError, MalformedError
from client.address import DEFAULT_URL, read_address
from client.correspondent import Correspondent
from client.envelope import opened_or_fault, seal
from client.errors import ClientError, SecurityError
from client.exchange import Sent
from client.faces import AsyncFace, SyncFace
from client.gate import Place
from client.keyring import Keyring, ServerKey
from client.keys import generate_key, public_pem, read_key, save_key
from client.request import encode_payload, read_asked
from client.response import fault_of, settled
from client.retries import Failed
from client.steps import Steps, computed, ended

_UNREAD = "response: what was sealed is no JSON object with each member once"


class Protocol(Correspondent):
    """What both faces share: a server, keys, and no I/O but that of key files."""

    def __init__(
        self,
        router_url: str = DEFAULT_URL,
        allow_http: bool = False,
        secure_memory: bool = True,
        *,
        max_retries: int = 2,
        http_client: httpx.AsyncClient | httpx.Client | None = None,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            router_url: The server.
            allow_http: Whether http may go to another machine than this one.
            secure_memory: Whether secrets that can be overwritten are, after their use.
            max_retries: How often an attempt is made again after 429, 500, 502, 503, 504 or a
                broken connection.
            http_client: The caller's own client; it stays the caller's to close.

        Raises:
            SecurityError: The address is none, or http without ``allow_http``.
            ValueError: Another argument that cannot be used.
            TypeError: An argument of another type.
        """
        address = read_address(router_url, allow_http=allow_http)
        keyring = Keyring(address)
        super().__init__(address, keyring, secure_memory=secure_memory, max_retries=max_retries)
        self._open(http_client)

    @property
    def router_url(self) -> str:
        """The server."""
        return self._address.base_url

    @property
    def public_key_pem(self) -> str | None:
        """The public half of the client's own key; None where there is none yet."""
        own = self._keyring.own
        return None if own is None else public_pem(own.key)

    def generate_keys(
        self,
        save_to_file: bool = False,
        key_dir: Place = "client_keys",
        password: str | None = None,
    ) -> None:
        """Make the client's own key. It blocks, for seconds on a slow machine.

        Without this, the key is made off the event loop when it is first needed.

        Args:
            save_to_file: Whether to save it.
            key_dir: Where to; a key that is there is never overwritten.
            password: Encrypts the saved private key.

        Raises:
            SecurityError: It cannot be saved.
        """
        key = generate_key()
        if save_to_file:
            save_key(key, os.fspath(key_dir), password)
        self._keyring.use_key(key)

    def load_keys(
        self,
        private_key_path: Place,
        public_key_path: Place | None = None,
        password: str | None = None,
    ) -> None:
        """Load the client's own key.

        Args:
            private_key_path: The private key in PEM, PKCS #8, RSA-4096.
            public_key_path: Its public half, which must belong to it; None where there is none.
            password: What the private file was encrypted with.

        Raises:
            SecurityError: No such key, others may read it, or the halves do not belong together.
        """
        self._keyring.use_key(read_key(private_key_path, public_key_path, password))

    def _server_pem(self) -> Steps[str | AttestError]:
        """Fetch the server's key."""
        server = yield from self._keyring.fetch_server_key()
        return server.error if isinstance(server, Failed) else server.pem

    def _encrypted(self, payload: Mapping[str, Any]) -> Steps[object]:
        """Look at a payload, and return the steps to its sealed form."""
        try:
            plaintext = encode_payload(payload)
        except (ValueError, TypeError) as error:  # raised here, it would hold the payload
            return ended(fault_of(error))
        return self._wiped(self._sealed(plaintext), plaintext)

    def _sealed(self, plaintext: bytearray) -> Steps[object]:
        """Seal a payload to the server's key."""
        server: ServerKey | Failed = yield from self._keyring.server_key()
        if isinstance(server, Failed):
            return server.error
        return (yield from computed(partial(seal, plaintext, server.key)))

    def _decrypted(self, sealed: bytes, payload_id: str) -> Steps[dict[str, Any] | ClientError]:
        """Open a response with the client's own key."""
        own = self._keyring.own
        if own is None:
            return SecurityError("there is no key to open a response with: make or load one")
        opened = yield from computed(partial(opened_or_fault, sealed, own.key))
        return SecurityError(opened) if isinstance(opened, str) else _read(opened, payload_id)

    def _asked(
        self,
        payload: Mapping[str, Any],
        payload_id: str,
        api_key: str | None,
        security_tier: str | None,
    ) -> Steps[object]:
        """Look at a request, and return the steps to its answer."""
        try:
            asked = read_asked(self._address, api_key, security_tier, payload_id)
            plaintext = encode_payload(payload)
        except (ValueError, TypeError) as error:  # raised here, it would hold the payload
            return ended(fault_of(error))
        return self._wiped(self._exchange.ask(plaintext, asked, _answered), plaintext)


def _answered(opened: bytes, sent: Sent) -> dict[str, Any] | ClientError:
    """Read an answer."""
    return _read(opened, sent.payload_id)


def _read(opened: bytes, payload_id: str) -> dict[str, Any] | ClientError:
    """Read an opened response; one that names another payload id answers another request."""
    try:
        document = read_document(opened)
    except MalformedError:
        return SecurityError(_UNREAD)
    metadata = document.get("_metadata")
    named = metadata.get("payload_id") if isinstance(metadata, dict) else None
    if named is not None and named != payload_id:
        return SecurityError("response: answers another payload id")
    return document


class SecureCompletionClient(AsyncFace, Protocol):
    """NOMYO's ``SecureCompletionClient``, for an event loop. It verifies nothing."""

    async def fetch_server_public_key(self) -> str:
        """Fetch the server's key, and return its PEM.

        Raises:
            SecurityError: What came is no RSA key of at least 2048 bits.
            APIError: The server answered with an error.
            APIConnectionError: The server could not be reached.
        """
        return settled(await self._endpoint.run(self._server_pem()), str)

    async def encrypt_payload(self, payload: Mapping[str, Any]) -> bytes:
        """Seal a payload to the server's key, and return the body of a request.

        Raises:
            ValueError: The payload cannot be written as JSON, or exceeds 10 MiB.
            TypeError: It holds what JSON does not have.
            ClientError: The server's key could not be fetched.
        """
        steps = self._encrypted(payload)
        del payload  # an exception keeps the locals of its frames
        return settled(await self._endpoint.run(steps), bytes)

    async def decrypt_response(self, encrypted_response: bytes, payload_id: str) -> dict[str, Any]:
        """Open a response with the client's own key. Nothing in it was verified.

        Raises:
            SecurityError: It is no envelope, not sealed to this key, no JSON object, or names
                another payload id.
        """
        steps = self._decrypted(encrypted_response, payload_id)
        return settled(await self._endpoint.run(steps), dict)

    async def send_secure_request(
        self,
        payload: Mapping[str, Any],
        payload_id: str,
        api_key: str | None = None,
        security_tier: str | None = None,
    ) -> dict[str, Any]:
        """Send a payload, and return the opened answer. Nothing in it was verified.

        Every attempt has this payload id, and is sealed anew.

        Raises:
            ClientError: As ``SecureChatCompletion.create``, but for what only a gate refuses.
            ValueError: A request that cannot be sent; nothing was.
            TypeError: Likewise, by type.
        """
        steps = self._asked(payload, payload_id, api_key, security_tier)
        del payload, api_key  # an exception keeps the locals of its frames
        return settled(await self._endpoint.run(steps), dict)


class SyncSecureCompletionClient(SyncFace, Protocol):
    """``SecureCompletionClient``, blocking. It verifies nothing."""

    def fetch_server_public_key(self) -> str:
        """Fetch the server's key, as ``SecureCompletionClient`` does."""
        return settled(self._endpoint.run(self._server_pem()), str)

    def encrypt_payload(self, payload: Mapping[str, Any]) -> bytes:
        """Seal a payload, as ``SecureCompletionClient`` does."""
        steps = self._encrypted(payload)
        del payload  # an exception keeps the locals of its frames
        return settled(self._endpoint.run(steps), bytes)

    def decrypt_response(self, encrypted_response: bytes, payload_id: str) -> dict[str, Any]:
        """Open a response, as ``SecureCompletionClient`` does. Nothing in it was verified."""
        return settled(self._endpoint.run(self._decrypted(encrypted_response, payload_id)), dict)

    def send_secure_request(
        self,
        payload: Mapping[str, Any],
        payload_id: str,
        api_key: str | None = None,
        security_tier: str | None = None,
    ) -> dict[str, Any]:
        """Send a payload, as ``SecureCompletionClient`` does; nothing is verified."""
        steps = self._asked(payload, payload_id, api_key, security_tier)
        del payload, api_key  # an exception keeps the locals of its frames
        return settled(self._endpoint.run(steps), dict)
