"""How the client speaks HTTP: no redirect, nothing compressed, never more than was asked for."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from attest.version import __version__
from client import (
    APIConnectionError,
    APIError,
    ClientError,
    SecurityError,
    ServerError,
)
from client.envelope import MAX_PEM, MAX_WIRE
from client.errors import MAX_ERROR_BODY
from tests.client.gating import URL, Face, handler_of, lost, wired
from tests.client.serving import Posted, Reply, answered, serving, status


class Pieces(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in many pieces, which counts what was taken of it."""

    def __init__(self, piece: bytes, count: int) -> None:
        self.piece, self.count, self.taken, self.closed = piece, count, 0, False

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.count):
            self.taken += 1
            yield self.piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for _ in range(self.count):
            self.taken += 1
            yield self.piece

    def close(self) -> None:
        self.closed = True

    async def aclose(self) -> None:
        self.closed = True


def posting(face: Face, body: Pieces, code: int = 200, **headers: str) -> Any:
    """A client whose server answers a POST with these pieces."""
    server = wired()

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return handler_of(server)(request)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(code, headers=named, stream=body)

    return face.chat(server, http_client=face.http(handle), max_retries=0)


def raised(face: Face, chat: Any) -> ClientError:
    """Ask, and return what was raised."""
    with pytest.raises(ClientError) as caught:
        face.ask(chat)
    return caught.value


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(face: Face, code: int) -> None:
    server = wired(status(code, location=f"{URL}/elsewhere"))
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return handler_of(server)(request)

    following = face.http(handle, follow_redirects=True)
    error = raised(face, face.chat(server, http_client=following))

    assert type(error) is APIError
    assert error.status_code == code
    assert asked == ["/api/pki/public_key", "/api/v1/chat/secure_completion"]


def test_redirect_of_the_key_is_not_followed(face: Face) -> None:
    server = wired()
    server.key_replies = [Reply(b"", 302, {"location": "https://other.example/pki"})]

    error = raised(face, face.chat(server))

    assert (error.status_code, server.fetches, server.posts) == (302, 1, [])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "x"]
)
def test_encoded_answer_is_refused_before_any_of_it_is_read(face: Face, encoding: str) -> None:
    body = Pieces(gzip.compress(bytes(1_000_000)), 100)

    error = raised(face, posting(face, body, content_encoding=encoding))

    said = f"response: is encoded as {encoding}, which was not asked for"
    assert (type(error), str(error)) == (SecurityError, said)
    assert (body.taken, body.closed) == (0, True)


@pytest.mark.parametrize("encoding", ["identity", "Identity ", ""])
def test_answer_that_says_it_is_not_encoded_is_read(face: Face, encoding: str) -> None:
    def answer(posted: Posted) -> Reply:
        return Reply(answered()(posted).body, 200, {"Content_Encoding": encoding})

    assert face.ask(face.chat(wired(answer))).attestation.accepted


def test_bomb_takes_no_memory(face: Face) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    with serving(lambda _: Reply(bomb, 200, {"Content_Encoding": "gzip"})) as server:
        chat = face.chat(server)
        tracemalloc.start()
        error = raised(face, chat)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        face.close()

    assert type(error) is SecurityError
    assert most < 16 * 1024 * 1024
    assert len(server.posts) == 1


def test_answer_over_the_cap_is_read_no_further(face: Face) -> None:
    piece = bytes(1024 * 1024)
    body = Pieces(piece, 1000)

    error = raised(face, posting(face, body))

    assert (type(error), str(error)) == (SecurityError, f"response: exceeds {MAX_WIRE} octets")
    assert (body.taken, body.closed) == (MAX_WIRE // len(piece) + 1, True)


def test_key_over_the_cap_is_read_no_further(face: Face) -> None:
    server = wired()
    server.key_replies = [Reply(server.pem + b"\n" * MAX_PEM)]

    error = raised(face, face.chat(server))

    assert (type(error), str(error)) == (SecurityError, f"response: exceeds {MAX_PEM} octets")
    assert server.posts == []


def test_body_of_an_error_over_the_cap_is_read_no_further(face: Face) -> None:
    body = Pieces(b'{"detail": "' + b"x" * 1000, 1_000_000)

    error = raised(face, posting(face, body, 500))

    assert type(error) is ServerError
    assert (str(error), error.error_details) == ("HTTP 500: Internal Server Error", None)
    assert body.taken == MAX_ERROR_BODY // len(body.piece) + 1


def test_encoded_body_of_an_error_says_nothing(face: Face) -> None:
    body = Pieces(gzip.compress(b'{"detail": "no"}'), 1)

    error = raised(face, posting(face, body, 500, content_encoding="gzip"))

    assert (type(error), str(error)) == (ServerError, "HTTP 500: Internal Server Error")
    assert body.taken == 0


def test_error_in_the_servers_words_is_told(face: Face) -> None:
    error = raised(face, face.chat(wired(status(500, b'{"detail": "no room"}')), max_retries=0))

    assert str(error) == "HTTP 500: no room"


@pytest.mark.parametrize("code", [201, 204, 206])
def test_other_success_than_200_is_no_answer(face: Face, code: int) -> None:
    error = raised(face, posting(face, Pieces(b"{}", 1), code))

    assert (type(error), error.status_code) == (APIError, code)  # type: ignore[attr-defined]


@pytest.mark.parametrize("share", [0, 10, 1000])
def test_connection_that_is_cut_is_a_connection_error(face: Face, share: int) -> None:
    def cut(posted: Posted) -> Reply:
        return Reply(answered()(posted).body, cut=share)

    with serving(cut) as server:
        error = raised(face, face.chat(server, max_retries=0))
        face.close()

    where = f"POST {server.url}/v1/chat/secure_completion: RemoteProtocolError"
    assert (type(error), str(error)) == (APIConnectionError, where)


def test_server_that_listens_no_more_is_a_connection_error(face: Face) -> None:
    with serving() as server:
        pass

    error = raised(face, face.chat(server, max_retries=0))

    assert type(error) is APIConnectionError
    assert str(error).startswith(f"GET {server.url}/pki/public_key: ConnectError: ")


def test_name_that_is_not_known_is_a_connection_error(face: Face) -> None:
    error = raised(face, face.chat("https://server.invalid", max_retries=0))

    assert type(error) is APIConnectionError
    assert str(error).startswith("GET https://server.invalid/pki/public_key: ConnectError: ")


KINDS = [
    httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout,
    httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.ProxyError,
    httpx.RemoteProtocolError, httpx.LocalProtocolError, httpx.UnsupportedProtocol,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_fault_of_the_transport_is_named_by_its_kind_alone(
    face: Face, kind: type[httpx.TransportError]
) -> None:
    error = raised(face, face.chat(wired(lost(kind)), max_retries=0))

    said = f"POST {URL}/v1/chat/secure_completion: {kind.__name__}"
    assert (type(error), str(error)) == (APIConnectionError, said)
    assert (error.__cause__, error.__context__) == (None, None)


def test_headers_of_a_request(face: Face) -> None:
    with serving() as server:
        face.ask(face.chat(server))
        face.close()

    headers = server.posts[0].headers
    assert headers["accept-encoding"] == "identity"
    assert headers["content-type"] == "application/octet-stream"
    assert headers["user-agent"] == f"tpm-attest/{__version__}"


def test_headers_of_the_callers_client_do_not_ask_for_compression(face: Face) -> None:
    server = wired()
    http = face.http(handler_of(server), headers={"Accept-Encoding": "gzip", "X-Team": "ours"})

    face.ask(face.chat(server, http_client=http))

    headers = server.posts[0].headers
    assert (headers["accept-encoding"], headers["x-team"]) == ("identity", "ours")
