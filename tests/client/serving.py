"""A server for the client's tests, on another HTTP stack, written from the protocol's description.

It is scripted: each POST is answered by the next answer of a list, the last one for good.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import unquote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests import build
from tests.aik import Aik, ecc_aik
from tests.client import wire
from tests.judging import octets_of

KEY_PATH: Final = "/pki/public_key"
CHAT_PATH: Final = "/v1/chat/secure_completion"


@dataclass(frozen=True)
class Posted:
    """A request as it came."""

    headers: dict[str, str]
    body: bytes
    key: rsa.RSAPrivateKey

    @property
    def payload_id(self) -> str:
        """The id that the quote must answer."""
        return self.headers["x-payload-id"]

    @property
    def plaintext(self) -> bytes:
        """The request, opened."""
        return wire.opened(self.body, self.key)

    @property
    def client_key(self) -> rsa.RSAPublicKey:
        """The key that the answer is sealed to."""
        pem = unquote(self.headers["x-public-key"]).encode()
        key = serialization.load_pem_public_key(pem)
        assert isinstance(key, rsa.RSAPublicKey)
        return key


@dataclass(frozen=True)
class Reply:
    """An answer as it goes out."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


Answer = Callable[[Posted], Reply]


def sealed(plaintext: bytes) -> Answer:
    """Seal these octets to whoever asks."""
    return lambda posted: Reply(wire.sealed_octets(plaintext, posted.client_key))


def answered(aik: Aik | None = None, **told: Any) -> Answer:
    """Answer with a response of ``build.response`` that tells these lies."""
    key = aik or ecc_aik()

    def answer(posted: Posted) -> Reply:
        tier = posted.headers.get("x-security-tier", "standard")
        response = build.response(key, **{"payload_id": posted.payload_id, "tier": tier, **told})
        return sealed(octets_of(response))(posted)

    return answer


def status(code: int, body: bytes = b"", **headers: str) -> Answer:
    """Answer with an HTTP status."""
    return lambda _: Reply(body, code, headers)


@dataclass
class WireServer:
    """A server that is running."""

    url: str
    answers: Sequence[Answer]
    key: rsa.RSAPrivateKey
    pem: bytes
    posts: list[Posted] = field(default_factory=list)
    fetches: int = 0
    key_replies: Sequence[Reply] = ()
    lock: threading.Lock = field(default_factory=threading.Lock)

    def rotate(self, key: rsa.RSAPrivateKey) -> None:
        """Take another key from now on."""
        self.key, self.pem = key, wire.pem_of(key.public_key())

    def key_reply(self) -> Reply:
        """Answer a GET of the key: with the key, unless something else is scripted."""
        with self.lock:
            self.fetches += 1
            scripted = self.key_replies or (Reply(self.pem),)
            return scripted[min(self.fetches, len(scripted)) - 1]

    def reply(self, posted: Posted) -> Reply:
        """Answer a POST."""
        with self.lock:
            self.posts.append(posted)
            answer = self.answers[min(len(self.posts), len(self.answers)) - 1]
        return answer(posted)


@contextmanager
def serving(*answers: Answer, tls: ssl.SSLContext | None = None) -> Iterator[WireServer]:
    """Serve on this machine until the block ends; an honest server where nothing is said."""
    key = wire.server_key()
    http = _HTTPServer(("127.0.0.1", 0), _Handler)
    if tls is not None:
        http.socket = tls.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
    server = WireServer(
        f"{'http' if tls is None else 'https'}://127.0.0.1:{http.server_port}",
        answers or (answered(),),
        key,
        wire.pem_of(key.public_key()),
    )
    http.wire = server  # type: ignore[attr-defined] # for the handler
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join()
        http.server_close()


class _HTTPServer(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing: clients that hang up are what is tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece

    @property
    def wire(self) -> WireServer:
        found: WireServer = self.server.wire  # type: ignore[attr-defined] # set by serving
        return found

    def do_GET(self) -> None:
        self._send(self.wire.key_reply() if self.path == KEY_PATH else Reply(b"", 404))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if self.path == CHAT_PATH:
            self._send(self.wire.reply(Posted(headers, body, self.wire.key)))
        else:
            self._send(Reply(b"", 404))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(reply.body[: reply.cut])
        if reply.cut is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""
