"""The server's address: https, or http where nobody listens, and nothing that hides another."""

from __future__ import annotations

from typing import Any

import pytest

from client import SecurityError
from client.address import DEFAULT_URL, is_loopback, read_address
from tests.client.gating import Face
from tests.client.refusing import refusal_of


def refusal(url: str, *, allow_http: bool = False) -> str:
    """The line of a refusal."""
    return refusal_of(lambda: read_address(url, allow_http=allow_http))


@pytest.mark.parametrize(
    "url",
    [
        DEFAULT_URL,
        "https://server.example",
        "HTTPS://server.example",
        "HttpS://SERVER.example:8443/api/v2",
        "https://192.0.2.7",
        "https://[2001:db8::7]:8443",
        "https://localhost",
    ],
)
@pytest.mark.parametrize("allow_http", [False, True])
def test_https_is_confidential(url: str, allow_http: bool) -> None:
    address = read_address(url, allow_http=allow_http)

    assert (address.base_url, address.confidential) == (url, True)
    assert address.url("/pki") == f"{url}/pki"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1",
        "http://127.0.0.1:8000/api",
        "http://127.9.8.7",
        "http://[::1]:8000",
        "http://[0:0:0:0:0:0:0:1]",
        "http://localhost:8000",
        "HTTP://LOCALHOST",
    ],
)
def test_http_to_this_machine_needs_no_permission(url: str) -> None:
    assert read_address(url, allow_http=False).confidential


ELSEWHERE = [
    "http://server.example",
    "HTTP://server.example",
    "http://192.0.2.7",
    "http://0.0.0.0",
    "http://[::]",
    "http://[2001:db8::7]",
    "http://127.0.0.1.server.example",
    "http://localhost.server.example",
    "http://localhost.",
    "http://server.example/127.0.0.1",
    "http://127.1",
    "http://0x7f.0.0.1",
    "http://0x7f000001",
    "http://2130706433",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_http_elsewhere_needs_permission_and_is_not_confidential(url: str) -> None:
    assert refusal(url) == "base_url is http to another machine; use https, or allow_http=True"
    assert not read_address(url, allow_http=True).confidential


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is no http or https address"),
        ("server.example", "is no http or https address"),
        ("//server.example", "is no http or https address"),
        ("https:server.example", "is no http or https address"),
        ("https:/server.example", "is no http or https address"),
        ("https://", "is no http or https address"),
        ("https:///path", "is no http or https address"),
        ("https://:443", "names no host"),
        ("ftp://server.example", "is no http or https address"),
        ("ws://server.example", "is no http or https address"),
        ("file:///etc/passwd", "is no http or https address"),
        (" https://server.example", "is no http or https address"),
        ("https://user@server.example", "has userinfo, which may be a secret"),
        ("https://user:word@server.example", "has userinfo, which may be a secret"),
        ("https://127.0.0.1@server.example", "has userinfo, which may be a secret"),
        ("http://localhost:80@server.example", "has userinfo, which may be a secret"),
        ("https://server.example?key=word", "has a query or a fragment, which may be a secret"),
        ("https://server.example/?", "has a query or a fragment, which may be a secret"),
        ("https://server.example#word", "has a query or a fragment, which may be a secret"),
        ("https://server.example\\@other", "has characters that no address has"),
        ("https://server example", "has characters that no address has"),
        ("https://server.example\n", "has characters that no address has"),
        ("https://server.ex\u00e4mple", "has characters that no address has"),
        ("https://[::1", "is no http or https address"),
        ("https://server.example:port", "is no http or https address"),
        ("http://127.0.0.01", "is no http or https address"),
        ("http://0177.0.0.1", "is no http or https address"),
        ("https://server.example/" + "x" * 2048, "is longer than 2048 characters"),
    ],
)
@pytest.mark.parametrize("allow_http", [False, True])
def test_other_address_is_refused_without_being_repeated(
    url: str, said: str, allow_http: bool
) -> None:
    assert refusal(url, allow_http=allow_http) == f"base_url {said}"


@pytest.mark.parametrize("url", [None, b"https://server.example", 7])
def test_address_that_is_no_text_is_a_type_error(url: Any) -> None:
    with pytest.raises(TypeError, match=f"^base_url is {type(url).__name__}, expected str$"):
        read_address(url, allow_http=True)


def test_final_slashes_are_left_out() -> None:
    assert read_address("https://server.example/api//", allow_http=False).url("/x") == (
        "https://server.example/api/x"
    )


@pytest.mark.parametrize("url", ["http://server.example", "https://user@server.example", ""])
def test_client_is_made_for_no_such_address(face: Face, url: str) -> None:
    with pytest.raises(SecurityError, match=r"^base_url "):
        face.chat(url)


def test_client_without_an_address_asks_nomyos() -> None:
    assert read_address(DEFAULT_URL, allow_http=False).base_url == "https://api.nomyo.ai"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.255.255.255", "::1"])
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "LOCALHOST.example", "128.0.0.1", "::2", "::", "0.0.0.0"])  # noqa: S104 - a claim, no socket
def test_nothing_else_is_loopback(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["xn--", "xn--a.example"])
def test_host_that_is_no_name_is_refused(host: str) -> None:
    assert refusal(f"https://{host}") == "base_url is no http or https address"


@pytest.mark.parametrize("port", ["-1", "0", "65536", "99999", "4294967376"])
def test_port_that_there_is_none_of_is_refused(port: str) -> None:
    assert refusal(f"https://server.example:{port}").startswith("base_url ")
