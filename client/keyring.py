"""The two keys of an exchange: the server's, fetched and pinned; the client's own, made once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric import rsa
from msgspec import Struct

from client.address import Address
from client.envelope import MAX_PEM, load_server_key, server_key_sha256
from client.errors import ClientError, SecurityError
from client.keys import generate_key, obtain_key, public_pem
from client.retries import Failed, refused
from client.steps import Fetch, Flight, Lost, Steps, computed, fetched

KEY_PATH = "/pki/public_key"
_DIGEST_DIGITS = 64
_HEX = frozenset("0123456789abcdef")


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


class Unpinned(Failed, frozen=True):
    """A server key that is none of those that are trusted."""


class Keyring:
    """The keys of a client for one server.

    It may be used by several threads and tasks at once: each key is fetched or made once.
    """

    def __init__(
        self, address: Address, *, pins: Sequence[str] = (), key_dir: str | None = None
    ) -> None:
        """Prepare; nothing is fetched or made yet.

        Args:
            address: The server.
            pins: SHA-256 of each server key that is trusted, in hex; empty trusts any.
            key_dir: Directory that keeps the client's own key; None keeps it in memory alone.

        Raises:
            ValueError: A pin that is no digest.
            TypeError: A pin that is no text.
        """
        self._address = address
        self._pins = frozenset(map(_read_pin, pins))
        self._key_dir = key_dir
        self._own: OwnKey | None = None
        self._server: ServerKey | None = None
        self._making: Flight[OwnKey | Failed] = Flight()
        self._fetching: Flight[ServerKey | Failed] = Flight()

    def use_key(self, key: rsa.RSAPrivateKey) -> None:
        """Take a key as the client's own."""
        self._own = OwnKey(key, quote(public_pem(key)))

    @property
    def own(self) -> OwnKey | None:
        """The client's own key, if there is one yet."""
        return self._own

    def own_key(self) -> Steps[OwnKey | Failed]:
        """Return the client's own key, and make or load it the first time."""
        return self._own or (yield from self._making.join(self._make_own))

    def server_key(self) -> Steps[ServerKey | Failed]:
        """Return the server's key, and fetch it the first time."""
        return self._server or (yield from self._fetching.join(self._fetch_server))

    def fetch_server_key(self) -> Steps[ServerKey | Failed]:
        """Fetch the server's key, whether or not it is known."""
        return self._fetching.join(self._fetch_server)

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
        url = self._address.url(KEY_PATH)
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
            return Unpinned(SecurityError(f"server key: {sha256} is none of the pinned keys"))
        return ServerKey(key, pem.decode("ascii"), sha256)


def _read_pin(pin: str) -> str:
    """Return a pin in lower case."""
    if not isinstance(pin, str):
        raise TypeError(f"a server key pin is {type(pin).__name__}, expected str")
    lower = pin.lower()
    if len(lower) != _DIGEST_DIGITS or not _HEX.issuperset(lower):
        raise ValueError("a server key pin is SHA-256 of a SubjectPublicKeyInfo: 64 hex digits")
    return lower


def _made_key(key_dir: str | None) -> rsa.RSAPrivateKey | ClientError:
    """Make a key, or load the one of a directory; what is wrong there is returned."""
    try:
        return generate_key() if key_dir is None else obtain_key(key_dir)
    except SecurityError as error:
        return error
