"""The protocol, step by step and without I/O: keys, attempts, what is sealed and what is opened."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct

from client.address import Address
from client.envelope import (
    MAX_PEM,
    MAX_WIRE,
    load_server_key,
    opened_or_fault,
    seal,
    server_key_sha256,
)
from client.errors import ClientError, SecurityError
from client.keys import generate_key, obtain_key, public_pem
from client.retries import Failed, read_retries, refused, wait_before
from client.steps import Answer, Fetch, Flight, Lost, Steps, Wait, computed, fetched

T = TypeVar("T")

KEY_PATH = "/pki/public_key"
CHAT_PATH = "/v1/chat/secure_completion"


class ServerKey(Struct, frozen=True):
    """The server's key, as it was fetched.

    Attributes:
        key: The key.
        pem: Its PEM, as it came.
        sha256: SHA-256 of its SubjectPublicKeyInfo.
    """

    key: rsa.RSAPublicKey
    pem: str
    sha256: str


class OwnKey(Struct, frozen=True):
    """The client's key.

    Attributes:
        key: The key.
        header: Its public half as X-Public-Key says it.
    """

    key: rsa.RSAPrivateKey
    header: str


class Asked(Struct, frozen=True):
    """What stands beside the prompt in a request.

    Attributes:
        security_tier: Tier that is asked for, or None.
        authorization: Value of the Authorization header, or None.
        payload_id: Id of every attempt; None makes a new one for each.
    """

    security_tier: str | None = None
    authorization: str | None = None
    payload_id: str | None = None


class Sent(Struct, frozen=True):
    """What was sent in the attempt that was answered.

    Attributes:
        base_url: Server that was asked.
        payload_id: Id of the request.
        security_tier: Tier that was asked for, or None.
        server_key_sha256: The key that the request was sealed to.
    """

    base_url: str
    payload_id: str
    security_tier: str | None
    server_key_sha256: str


class Exchange:
    """One server and the client's own key, with what was learnt of them.

    It may be used by several threads and tasks at once: keys are fetched and made once.
    """

    def __init__(
        self,
        address: Address,
        *,
        max_retries: int,
        pins: Sequence[str] = (),
        key_dir: str | None = None,
    ) -> None:
        """Prepare exchanges with a server; nothing is sent or made yet.

        Args:
            address: The server.
            max_retries: How often a failed attempt is made again.
            pins: SHA-256 of each server key that is trusted, in hex; empty trusts any.
            key_dir: Directory that keeps the client's key; None keeps it in memory alone.
        """
        self.address = address
        self._max_retries = read_retries(max_retries)
        self._pins = frozenset(map(_read_pin, pins))
        self._key_dir = key_dir
        self._own: OwnKey | None = None
        self._server: ServerKey | None = None
        self._making = Flight(self._make_own)
        self._fetching = Flight(self._fetch_server)

    def use_key(self, key: rsa.RSAPrivateKey) -> None:
        """Take a key as the client's own."""
        self._own = OwnKey(key, quote(public_pem(key)))

    @property
    def own(self) -> OwnKey | None:
        """The client's own key, if there is one yet."""
        return self._own

    def own_key(self) -> Steps[OwnKey | Failed]:
        """Return the client's own key, and make or load it the first time."""
        return self._own or (yield from self._making.join())

    def server_key(self) -> Steps[ServerKey | Failed]:
        """Return the server's key, and fetch it the first time."""
        return self._server or (yield from self._fetching.join())

    def fetch_server_key(self) -> Steps[ServerKey | Failed]:
        """Fetch the server's key, whether or not it is known."""
        return self._fetching.join()

    def ask(
        self, plaintext: bytearray, asked: Asked, judge: Callable[[bytes, Sent], object]
    ) -> Steps[object]:
        """Send a request, as often as it needs to be, and return what ``judge`` says of the answer.

        Args:
            plaintext: The request.
            asked: What stands beside it.
            judge: Called once, with the opened answer and what was sent, where it holds up nobody.

        Returns:
            What ``judge`` returned, or the ClientError that there is instead.
        """
        for retry in range(self._max_retries + 1):
            outcome = yield from self._attempt(plaintext, asked, judge)
            if not isinstance(outcome, Failed):
                return outcome
            wait = wait_before(retry, outcome)
            if wait is None or retry == self._max_retries:
                return outcome.error
            yield Wait(wait)
        raise AssertionError("at least one attempt is made")

    def _attempt(
        self, plaintext: bytearray, asked: Asked, judge: Callable[[bytes, Sent], object]
    ) -> Steps[object]:
        """Make one attempt; where the server's key may have changed, one more with the new key."""
        own = yield from self.own_key()
        if isinstance(own, Failed):
            return own
        server = yield from self.server_key()
        if isinstance(server, Failed):
            return server
        sent, answer = yield from self._post(plaintext, asked, own, server)
        if isinstance(answer, Answer) and answer.status == HTTPStatus.BAD_REQUEST:
            anew = yield from self.fetch_server_key()
            if isinstance(anew, ServerKey) and anew.sha256 != server.sha256:
                sent, answer = yield from self._post(plaintext, asked, own, anew)
        if isinstance(answer, Lost):
            return Failed(answer.error)
        if answer.status != HTTPStatus.OK:
            return refused(answer)
        return (yield from computed(partial(_opened, answer.body, own.key, sent, judge)))

    def _post(
        self, plaintext: bytearray, asked: Asked, own: OwnKey, server: ServerKey
    ) -> Steps[tuple[Sent, Answer | Lost]]:
        """Seal the request anew and send it."""
        payload_id = asked.payload_id or str(uuid.uuid4())
        headers = {
            "X-Payload-ID": payload_id,
            "X-Public-Key": own.header,
            "Content-Type": "application/octet-stream",
            "Accept": "application/octet-stream, application/json",
        }
        if asked.security_tier is not None:
            headers["X-Security-Tier"] = asked.security_tier
        if asked.authorization is not None:
            headers["Authorization"] = asked.authorization
        sealed = yield from computed(partial(seal, plaintext, server.key))
        url = self.address.url(CHAT_PATH)
        answer = yield from fetched(Fetch("POST", url, headers, sealed, MAX_WIRE))
        base_url = self.address.base_url
        return Sent(base_url, payload_id, asked.security_tier, server.sha256), answer

    def _make_own(self) -> Steps[OwnKey | Failed]:
        """Make the client's own key, or load it."""
        if self._own is None:
            key = yield from computed(partial(_made_key, self._key_dir))
            if isinstance(key, ClientError):
                return Failed(key)
            self.use_key(key)
        return self._own  # type: ignore[return-value]  # set above

    def _fetch_server(self) -> Steps[ServerKey | Failed]:
        """Fetch the server's key; a key that is not trusted leaves the one before."""
        url = self.address.url(KEY_PATH)
        answer = yield from fetched(Fetch("GET", url, {}, b"", MAX_PEM))
        if isinstance(answer, Lost):
            return Failed(answer.error)
        if answer.status != HTTPStatus.OK:
            return refused(answer)
        server = self._read_server_key(answer.body)
        if isinstance(server, ServerKey):
            self._server = server
        return server

    def _read_server_key(self, pem: bytes) -> ServerKey | Failed:
        """Read the server's key, and see that it is one of those that are trusted."""
        try:
            key = load_server_key(pem)
        except SecurityError as error:
            return Failed(SecurityError(str(error)))
        sha256 = server_key_sha256(key)
        if self._pins and sha256 not in self._pins:
            return Failed(SecurityError(f"server key: {sha256} is none of the pinned keys"))
        return ServerKey(key, pem.decode("ascii"), sha256)


def settled(outcome: object, wanted: type[T]) -> T:
    """Return an outcome that is as wanted, and raise the exception that it is instead.

    Each caller gets an exception of its own: one that several waited for would collect the frames
    of all of them.
    """
    if isinstance(outcome, Exception):
        raise copy(outcome)
    if not isinstance(outcome, wanted):
        raise TypeError(f"an exchange ended in {type(outcome).__name__}")
    return outcome


def _read_pin(pin: str) -> str:
    """Return a pin in lower case."""
    if not isinstance(pin, str):
        raise TypeError(f"a server key pin is {type(pin).__name__}, expected str")
    lower = pin.lower()
    if len(lower) != 64 or not frozenset("0123456789abcdef").issuperset(lower):  # noqa: PLR2004
        raise ValueError("a server key pin is SHA-256 of a SubjectPublicKeyInfo: 64 hex digits")
    return lower


def _made_key(key_dir: str | None) -> rsa.RSAPrivateKey | ClientError:
    """Make a key, or load the one of a directory; what is wrong there is returned."""
    try:
        return generate_key() if key_dir is None else obtain_key(key_dir)
    except SecurityError as error:
        return error


def _opened(
    body: bytes, key: rsa.RSAPrivateKey, sent: Sent, judge: Callable[[bytes, Sent], object]
) -> object:
    """Open an answer and have it judged."""
    opened = opened_or_fault(body, key)
    return SecurityError(opened) if isinstance(opened, str) else judge(opened, sent)
