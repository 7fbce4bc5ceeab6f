"""The drivers: what takes an exchange's steps over HTTP, one that blocks and one for an event loop.

No redirect is followed, no answer is decompressed, and no more of one is read than was asked for.
"""

from __future__ import annotations

import threading
import time
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar, assert_never
from weakref import WeakKeyDictionary

import anyio
import anyio.to_thread
import httpx
from anyio.lowlevel import RunVar

from attest.text import shown
from attest.version import __version__
from client.errors import MAX_ERROR_BODY, APIConnectionError, SecurityError
from client.steps import Alone, Answer, Compute, Fetch, Lost, Step, Steps, Wait

T = TypeVar("T")

TIMEOUT = httpx.Timeout(300.0, connect=10.0, pool=None)
"""Seconds: an answer that is not streamed takes as long as the model needs."""
LIMITS = httpx.Limits(max_connections=256, max_keepalive_connections=64)
HEADERS = {"Accept-Encoding": "identity", "User-Agent": f"tpm-attest/{__version__}"}

_NOT_ENCODED = frozenset({"", "identity"})


class Endpoint:
    """Takes steps and blocks meanwhile."""

    def __init__(
        self, http_client: httpx.AsyncClient | httpx.Client | None = None, *, proxied: bool = True
    ) -> None:
        """Use the caller's client, which stays the caller's to close, or an own one.

        Args:
            http_client: The caller's client.
            proxied: Whether an own client may go through a proxy that the environment names.

        Raises:
            TypeError: ``http_client`` is another kind of client.
        """
        if not isinstance(http_client, httpx.Client | None):
            raise TypeError(f"http_client is {type(http_client).__name__}, expected httpx.Client")
        self._given = http_client is not None
        self._http = http_client or httpx.Client(**_settings(proxied=proxied))
        self._locks: WeakKeyDictionary[object, threading.Lock] = WeakKeyDictionary()

    def run(self, steps: Steps[T]) -> T:
        """Take steps to their end, and return what they return.

        Who gives a request up gets an exception without the frames that hold it.
        """
        try:
            return self._run(steps)
        except Exception:
            raise
        except BaseException as interruption:  # noqa: BLE001 - raised again
            raise interruption.with_traceback(None) from None

    def _run(self, steps: Steps[T]) -> T:
        """Take steps to their end."""
        done = None
        try:
            while True:
                step = steps.send(done)
                done = self._take(step)
        except StopIteration as end:
            returned: T = end.value
            return returned
        finally:
            steps.close()

    def close(self) -> None:
        """Close an own client."""
        if not self._given:
            self._http.close()

    def _take(self, step: Step) -> object:
        """Take one step."""
        match step:
            case Fetch():
                return self._fetch(step)
            case Wait():
                time.sleep(step.seconds)
                return None
            case Compute():
                return step.work()
            case Alone():
                with self._locks.setdefault(step.flight, threading.Lock()):
                    return self._run(step.steps())
            case _ as never:
                assert_never(never)

    def _fetch(self, step: Fetch) -> Answer | Lost:
        """Send a request, and take no more of the answer than was asked for."""
        fault: httpx.HTTPError
        try:
            with self._http.stream(**_request(step)) as response:
                intake = _Intake(response, step.most)
                if not intake.is_full:
                    for chunk in response.iter_raw():
                        if not intake.takes(chunk):
                            break
                return intake.answer()
        except httpx.HTTPError as error:
            fault = error
        return _lost(step, fault)


class AsyncEndpoint:
    """Takes steps under an event loop; each loop has connections of its own."""

    def __init__(
        self, http_client: httpx.AsyncClient | httpx.Client | None = None, *, proxied: bool = True
    ) -> None:
        """Use the caller's client, which stays the caller's to close, or an own one for each loop.

        Args:
            http_client: The caller's client.
            proxied: Whether an own client may go through a proxy that the environment names.

        Raises:
            TypeError: ``http_client`` is another kind of client.
        """
        if not isinstance(http_client, httpx.AsyncClient | None):
            kind = type(http_client).__name__
            raise TypeError(f"http_client is {kind}, expected httpx.AsyncClient")
        self._given = http_client
        self._proxied = proxied
        self._own: RunVar[httpx.AsyncClient | None] = RunVar("client", None)
        self._locks: RunVar[WeakKeyDictionary[object, anyio.Lock]] = RunVar("locks")

    async def run(self, steps: Steps[T]) -> T:
        """Take steps to their end, and return what they return.

        Who gives a request up gets an exception without the frames that hold it.
        """
        try:
            return await self._run(steps)
        except Exception:
            raise
        except BaseException as interruption:  # noqa: BLE001 - raised again
            raise interruption.with_traceback(None) from None

    async def _run(self, steps: Steps[T]) -> T:
        """Take steps to their end."""
        done = None
        try:
            while True:
                step = steps.send(done)
                done = await self._take(step)
        except StopIteration as end:
            returned: T = end.value
            return returned
        finally:
            steps.close()

    async def aclose(self) -> None:
        """Close an own client; those of other loops ended with their loops."""
        own = self._own.get()
        if own is not None:
            self._own.set(None)
            await own.aclose()

    async def _take(self, step: Step) -> object:
        """Take one step."""
        match step:
            case Fetch():
                return await self._fetch(step)
            case Wait():
                await anyio.sleep(step.seconds)
                return None
            case Compute():
                return await anyio.to_thread.run_sync(step.work)
            case Alone():
                async with self._lock(step.flight):
                    return await self._run(step.steps())
            case _ as never:
                assert_never(never)

    def _lock(self, flight: object) -> anyio.Lock:
        """Return the lock of a flight in this loop."""
        locks = self._locks.get(WeakKeyDictionary())
        self._locks.set(locks)
        return locks.setdefault(flight, anyio.Lock())

    def _http(self) -> httpx.AsyncClient:
        """Return the client of this loop."""
        http = self._given or self._own.get()
        if http is None:
            http = httpx.AsyncClient(**_settings(proxied=self._proxied))
            self._own.set(http)
        return http

    async def _fetch(self, step: Fetch) -> Answer | Lost:
        """Send a request, and take no more of the answer than was asked for."""
        fault: httpx.HTTPError
        try:
            async with self._http().stream(**_request(step)) as response:
                intake = _Intake(response, step.most)
                if not intake.is_full:
                    async for chunk in response.aiter_raw():
                        if not intake.takes(chunk):
                            break
                return intake.answer()
        except httpx.HTTPError as error:
            fault = error
        return _lost(step, fault)


class _Intake:
    """What is taken of an answer: as much as was asked for, and nothing that is compressed."""

    def __init__(self, response: httpx.Response, most: int) -> None:
        self._status = response.status_code
        self._headers = {name.lower(): value for name, value in response.headers.items()}
        self._good = self._status == HTTPStatus.OK
        self._most = most if self._good else MAX_ERROR_BODY
        self._body = bytearray()
        self._fault: str | None = None
        encoding = self._headers.get("content-encoding", "")
        if encoding.strip().lower() not in _NOT_ENCODED:
            self._fault = f"is encoded as {shown(encoding)}, which was not asked for"
        self._is_read = response.is_stream_consumed  # by the caller's transport
        if self._is_read and self._fault is None:
            self.takes(response.content)

    @property
    def is_full(self) -> bool:
        """Tell whether nothing more is taken."""
        return self._is_read or self._fault is not None

    def takes(self, chunk: bytes) -> bool:
        """Take a chunk; tell whether more is wanted."""
        if len(self._body) + len(chunk) > self._most:
            self._fault = f"exceeds {self._most} octets"
            return False
        self._body += chunk
        return True

    def answer(self) -> Answer | Lost:
        """Return what was taken; of an error's body that is no good, nothing."""
        if self._fault is None:
            return Answer(self._status, self._headers, bytes(self._body))
        if self._good:
            return Lost(SecurityError(f"response: {self._fault}"))
        return Answer(self._status, self._headers, b"")


def _settings(*, proxied: bool) -> dict[str, Any]:
    """Return the settings of an own client: it keeps no cookies, which could tell callers apart."""
    jar = CookieJar(policy=DefaultCookiePolicy(allowed_domains=()))
    return {"timeout": TIMEOUT, "limits": LIMITS, "trust_env": proxied, "cookies": jar}


def _request(step: Fetch) -> dict[str, Any]:
    """Return a request as httpx takes it."""
    return {
        "method": step.method,
        "url": step.url,
        "headers": HEADERS | dict(step.headers),
        "content": step.content or None,
        "follow_redirects": False,
    }


def _lost(step: Fetch, fault: httpx.HTTPError) -> Lost:
    """Say why there is no answer.

    httpx's own error is not kept: the request hangs on it, with the API key in its headers. Of its
    text only that of a connection that failed is repeated, which cannot hold any of it.
    """
    text = f": {shown(str(fault))}" if isinstance(fault, httpx.ConnectError) else ""
    where = f"{step.method} {step.url}"
    return Lost(APIConnectionError(f"{where}: {type(fault).__name__}{text}"))
