"""The two faces of a client: for an event loop, and blocking; each closes its connections."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from client.endpoint import AsyncEndpoint, Endpoint


class AsyncFace:
    """A client for an event loop."""

    _endpoint: AsyncEndpoint

    async def aclose(self) -> None:
        """Close the connections of this loop."""
        await self._endpoint.aclose()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close the connections."""
        await self.aclose()

    def _connect(
        self, http_client: httpx.AsyncClient | httpx.Client | None, *, proxied: bool
    ) -> None:
        self._endpoint = AsyncEndpoint(http_client, proxied=proxied)


class SyncFace:
    """A client that blocks."""

    _endpoint: Endpoint

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Close the connections."""
        self.close()

    def _connect(
        self, http_client: httpx.AsyncClient | httpx.Client | None, *, proxied: bool
    ) -> None:
        self._endpoint = Endpoint(http_client, proxied=proxied)
