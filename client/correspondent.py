"""What every client is made of: one server, its keys, and requests that are wiped after use."""

from __future__ import annotations

import httpx

from client.address import Address
from client.exchange import Exchange
from client.keyring import Keyring
from client.memory import MemoryProtection, protection, wipe
from client.steps import Steps


class Correspondent:
    """Talks to one server; a face of ``client.faces`` gives it the connections."""

    def __init__(
        self, address: Address, keyring: Keyring, *, secure_memory: bool, max_retries: int
    ) -> None:
        """Prepare; there are no connections yet.

        Args:
            address: The server.
            keyring: Its keys.
            secure_memory: Whether secrets that can be overwritten are, after their use.
            max_retries: How often a failed attempt is made again.
        """
        self._address = address
        self._keyring = keyring
        self._exchange = Exchange(address, keyring, max_retries=max_retries)
        self._wiping = secure_memory

    @property
    def secure_memory(self) -> MemoryProtection:
        """What is done about secrets in memory, and what is not."""
        return protection(enabled=self._wiping)

    def _open(self, http_client: httpx.AsyncClient | httpx.Client | None) -> None:
        """Take the caller's client, or an own one: in the clear it goes through no proxy.

        A proxy would read what is meant for this machine.
        """
        self._connect(http_client, proxied=self._address.encrypted)

    def _connect(
        self, http_client: httpx.AsyncClient | httpx.Client | None, *, proxied: bool
    ) -> None:
        """Make the endpoint of this face."""
        raise NotImplementedError

    def _wiped(self, steps: Steps[object], plaintext: bytearray) -> Steps[object]:
        """Take steps, and wipe what they sent."""
        try:
            return (yield from steps)
        finally:
            if self._wiping:
                wipe(plaintext)
