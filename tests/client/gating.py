"""The gated client as tests run it: one runner for both faces, over a script or a real server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import httpx

import client
from tests import build
from tests.archive import making
from tests.client import wire
from tests.client.serving import KEY_PATH, Answer, Posted, WireServer, answered
from tests.judging import policy_of

URL: Final = "https://server.example/api"
MODEL: Final = "qwen3-8b"
MESSAGES: Final = ({"role": "user", "content": "What is measured?"},)


class Face:
    """One of the two faces of the client, called by tests that block."""

    def __init__(self, kind: str) -> None:
        self.is_async = kind == "async"
        self._made: list[Any] = []

    def chat(self, server: WireServer | str, **told: Any) -> Any:
        """A gated client of this face, with the key of the tests."""
        kinds = (client.SyncSecureChatCompletion, client.SecureChatCompletion)
        given = {"policy": policy_of(), "preflight": "off", **told}
        if "http_client" not in given and isinstance(server, WireServer) and server.url == URL:
            given["http_client"] = self.http(handler_of(server))
        url = server if isinstance(server, str) else server.url
        return self._kept(kinds[self.is_async](url, **given))

    def protocol(self, server: WireServer, **told: Any) -> Any:
        """A client of the protocol alone, of this face, with the key of the tests."""
        kinds = (client.SyncSecureCompletionClient, client.SecureCompletionClient)
        given = {"http_client": self.http(handler_of(server)), **told}
        return self._kept(kinds[self.is_async](server.url, **given))

    def http(self, handler: Callable[[httpx.Request], httpx.Response], **told: Any) -> Any:
        """A client of httpx for this face, over a script."""
        kind = httpx.AsyncClient if self.is_async else httpx.Client
        return kind(transport=httpx.MockTransport(handler), **told)

    def ask(self, chat: Any, **told: Any) -> Any:
        """Ask for a completion."""
        return self.call(chat, "create", **{"model": MODEL, "messages": MESSAGES, **told})

    def call(self, made: Any, name: str, *given: Any, **told: Any) -> Any:
        """Call a method; under the async face in a loop of its own."""
        if self.is_async:
            return asyncio.run(_awaited(made, name, given, told))
        return getattr(made, name)(*given, **told)

    def close(self) -> None:
        """Close what keeps connections; those of a loop ended with the call."""
        if not self.is_async:
            for made in self._made:
                made.close()

    def _kept(self, made: Any) -> Any:
        made._keyring.use_key(wire.client_key())  # noqa: SLF001 - a key of its own takes a second
        self._made.append(made)
        return made


async def _awaited(made: Any, name: str, given: tuple[Any, ...], told: dict[str, Any]) -> Any:
    async with made:
        return await getattr(made, name)(*given, **told)


def wired(*answers: Answer) -> WireServer:
    """A server that needs no socket, scripted as ``serving`` scripts one."""
    key = wire.server_key()
    return WireServer(URL, answers or (answered(),), key, wire.pem_of(key.public_key()))


def handler_of(server: WireServer) -> Callable[[httpx.Request], httpx.Response]:
    """What a transport of httpx calls in place of a server."""

    def handle(request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith(f"{server.url}/")
        if request.method == "GET":
            assert request.url.path.endswith(KEY_PATH)
            reply = server.key_reply()
        else:
            headers = {name.lower(): value for name, value in request.headers.items()}
            reply = server.reply(Posted(headers, request.content, server.key))
        named = {name.replace("_", "-"): value for name, value in reply.headers.items()}
        return httpx.Response(reply.status, headers=named, stream=httpx.ByteStream(reply.body))

    return handle


@contextlib.contextmanager
def face_of(kind: str) -> Iterator[Face]:
    """A face whose clients are closed at the end."""
    face = Face(kind)
    try:
        yield face
    finally:
        face.close()


def lost(kind: type[httpx.TransportError] = httpx.ConnectError) -> Answer:
    """Let the connection fail in place of an answer."""

    def answer(_: Posted) -> Any:
        raise kind("connection lost")

    return answer


def saying(content: str, **told: Any) -> Answer:
    """Answer with this completion, and with lies."""
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return answered(completion={"choices": choices}, **told)


def edited(edit: Callable[[bytes], bytes]) -> Answer:
    """Seal an honest answer whose octets were edited."""

    def answer(posted: Posted) -> Any:
        sealed = answered()(posted)
        plaintext = wire.opened(sealed.body, wire.client_key())
        return type(sealed)(wire.sealed_octets(edit(plaintext), posted.client_key))

    return answer


def policy_path(folder: Path, **members: object) -> Path:
    """A policy file that honest answers satisfy, but for the members given."""
    return making.policy_file(folder, **members)


def records_of(path: Path) -> list[dict[str, Any]]:
    """The records of an archive."""
    return [making.record_of(line) for line in making.lines_of(path)]


FORGED: Final[dict[str, Any]] = {"quoted": {"magic": 0}}
"""The lie of a quote that no TPM made."""
VALUES: Final = build.VALUES
