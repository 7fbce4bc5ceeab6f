"""The protocol, step by step and without I/O: attempts, what is sealed, and what is opened."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct

from attest.archive import Phase
from attest.result import AttestationResult
from client.address import Address
from client.envelope import MAX_WIRE, opened_or_fault, seal
from client.errors import InvalidRequestError, SecurityError
from client.keyring import Keyring, OwnKey, ServerKey, Unpinned
from client.retries import Failed, read_retries, refused, wait_before
from client.steps import Answer, Fetch, Lost, Steps, Wait, computed, fetched

CHAT_PATH = "/v1/chat/secure_completion"


class Asked(Struct, frozen=True):
    """What stands beside the prompt in a request.

    Attributes:
        security_tier: Tier that is asked for, or None.
        authorization: Value of the Authorization header, or None.
        payload_id: Id of every attempt; None makes a new one for each.
        model: Model that is asked.
    """

    security_tier: str | None = None
    authorization: str | None = None
    payload_id: str | None = None
    model: str = ""


class Sent(Struct, frozen=True):
    """What was sent in the attempt that was answered.

    Attributes:
        base_url: Server that was asked.
        payload_id: Id of the request.
        security_tier: Tier that was asked for, or None.
        server_key_sha256: The key that the request was sealed to; None where it is not known.
        phase: Whether it was a probe or a prompt.
        probe: What a probe under the same key had shown before; None where none was made.
    """

    base_url: str
    payload_id: str
    security_tier: str | None
    server_key_sha256: str | None
    phase: Phase = Phase.RESPONSE
    probe: AttestationResult | None = None


class Cleared(Struct, frozen=True):
    """That a prompt may be sent, and what a probe had shown; None where none was made."""

    probe: AttestationResult | None = None


Judge = Callable[[bytes, Sent], object]
"""Says what becomes of an opened answer. It is called where it holds up nobody."""
Clear = Callable[[OwnKey, ServerKey], Steps[Cleared | Failed]]
"""Steps before each prompt, with the keys that it will be sent under."""


def _cleared(_own: OwnKey, _server: ServerKey) -> Steps[Cleared | Failed]:
    """Clear at once."""
    yield from ()
    return Cleared()


class Exchange:
    """Requests to one server, each as often as it needs to be sent."""

    def __init__(self, address: Address, keyring: Keyring, *, max_retries: int) -> None:
        """Prepare exchanges; nothing is sent yet.

        Args:
            address: The server.
            keyring: The keys to seal and open with.
            max_retries: How often a failed attempt is made again.
        """
        self._address = address
        self._keyring = keyring
        self._max_retries = read_retries(max_retries)

    def ask(
        self, plaintext: bytearray, asked: Asked, judge: Judge, clear: Clear = _cleared
    ) -> Steps[object]:
        """Send a request, as often as it needs to be, and return what ``judge`` says of the answer.

        Args:
            plaintext: The request.
            asked: What stands beside it.
            judge: Called once, with the opened answer and what was sent.
            clear: Taken before the request is sent, each time.

        Returns:
            What ``judge`` returned, or the exception that there is instead.
        """
        for retry in range(self._max_retries + 1):
            outcome = yield from self._attempt(plaintext, asked, judge, clear)
            if not isinstance(outcome, Failed):
                return outcome
            wait = wait_before(retry, outcome)
            if wait is None or retry == self._max_retries:
                return outcome.error
            yield Wait(wait)
        raise AssertionError("at least one attempt is made")

    def post(
        self, plaintext: bytearray, asked: Asked, own: OwnKey, server: ServerKey, sent: Sent
    ) -> Steps[Answer | Lost]:
        """Seal a request anew and send it once."""
        headers = {
            "X-Payload-ID": sent.payload_id,
            "X-Public-Key": own.header,
            "Content-Type": "application/octet-stream",
            "Accept": "application/octet-stream, application/json",
        }
        if asked.security_tier is not None:
            headers["X-Security-Tier"] = asked.security_tier
        if asked.authorization is not None:
            headers["Authorization"] = asked.authorization
        sealed = yield from computed(partial(seal, plaintext, server.key))
        url = self._address.url(CHAT_PATH)
        return (yield from fetched(Fetch("POST", url, headers, sealed, MAX_WIRE)))

    def opened(self, answer: Answer | Lost, own: OwnKey, sent: Sent, judge: Judge) -> Steps[object]:
        """Open an answer and have it judged; what is no answer is a ``Failed``."""
        if isinstance(answer, Lost):
            return Failed(answer.error)
        if answer.status != HTTPStatus.OK:
            return refused(answer)
        return (yield from computed(partial(_judged, answer.body, own.key, sent, judge)))

    def sent(
        self,
        asked: Asked,
        server: ServerKey,
        phase: Phase = Phase.RESPONSE,
        probe: AttestationResult | None = None,
    ) -> Sent:
        """Return what a request will say of itself, with a new id where none is given."""
        payload_id = asked.payload_id or str(uuid.uuid4())
        base_url = self._address.base_url
        return Sent(base_url, payload_id, asked.security_tier, server.sha256, phase, probe)

    def _attempt(
        self, plaintext: bytearray, asked: Asked, judge: Judge, clear: Clear
    ) -> Steps[object]:
        """Make one attempt; where the server's key changed meanwhile, one more with the new key."""
        own = yield from self._keyring.own_key()
        if isinstance(own, Failed):
            return own
        server = yield from self._keyring.server_key()
        if isinstance(server, Failed):
            return server
        outcome = yield from self._cleared_attempt(plaintext, asked, (own, server), judge, clear)
        if not _may_mean_rotation(outcome):
            return outcome
        anew = yield from self._keyring.fetch_server_key()
        if isinstance(anew, Failed):  # a key that is not trusted explains more than the 400
            return anew if isinstance(anew, Unpinned) else outcome
        if anew.sha256 == server.sha256:
            return outcome
        return (yield from self._cleared_attempt(plaintext, asked, (own, anew), judge, clear))

    def _cleared_attempt(
        self,
        plaintext: bytearray,
        asked: Asked,
        keys: tuple[OwnKey, ServerKey],
        judge: Judge,
        clear: Clear,
    ) -> Steps[object]:
        """Clear a request, send it under the same keys, and have the answer judged."""
        own, server = keys
        cleared = yield from clear(own, server)
        if isinstance(cleared, Failed):
            return cleared
        sent = self.sent(asked, server, probe=cleared.probe)
        answer = yield from self.post(plaintext, asked, own, server, sent)
        return (yield from self.opened(answer, own, sent, judge))


def _may_mean_rotation(outcome: object) -> bool:
    """Tell whether a request may have been sealed to a key that the server no longer has."""
    return isinstance(outcome, Failed) and isinstance(outcome.error, InvalidRequestError)


def _judged(body: bytes, key: rsa.RSAPrivateKey, sent: Sent, judge: Judge) -> object:
    """Open an answer and have it judged."""
    opened = opened_or_fault(body, key)
    return SecurityError(opened) if isinstance(opened, str) else judge(opened, sent)
