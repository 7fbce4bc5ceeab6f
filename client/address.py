"""The server's address, and what may be sent there: https, or http where nobody listens."""

from __future__ import annotations

import ipaddress

import httpx
from msgspec import Struct

from attest.archive.address import address_fault
from client.errors import SecurityError

DEFAULT_URL = "https://api.nomyo.ai"
MAX_PORT = 65535


class Address(Struct, frozen=True):
    """Where a server is.

    Attributes:
        base_url: The address without a final slash.
        confidential: Whether an API key may go there: by https, or to this machine.
        encrypted: Whether it is https.
    """

    base_url: str
    confidential: bool
    encrypted: bool

    def url(self, path: str) -> str:
        """Return the address of a path, which begins with a slash."""
        return self.base_url + path


def read_address(base_url: str, *, allow_http: bool) -> Address:
    """Read an address. Certificates are always verified, whatever this says.

    Args:
        base_url: An http or https address without userinfo, query and fragment.
        allow_http: Whether http may go to another machine than this one.

    Raises:
        SecurityError: It is no such address, or http to another machine without ``allow_http``.
    """
    if not isinstance(base_url, str):
        raise TypeError(f"base_url is {type(base_url).__name__}, expected str")
    fault = address_fault(base_url)
    if fault is not None:
        raise SecurityError(fault)
    try:
        url = httpx.URL(base_url)
        host, port = url.host, url.port
    except (httpx.InvalidURL, ValueError):  # the latter from internationalised names
        raise SecurityError("base_url is no http or https address") from None
    if not host:
        raise SecurityError("base_url names no host")
    if port is not None and not 0 < port <= MAX_PORT:
        raise SecurityError(f"base_url has port {port}, expected 1 to {MAX_PORT}")
    confidential = url.scheme == "https" or is_loopback(host)
    if not confidential and not allow_http:
        raise SecurityError("base_url is http to another machine; use https, or allow_http=True")
    return Address(base_url.rstrip("/"), confidential, url.scheme == "https")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine: ``localhost``, or an address of the loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
