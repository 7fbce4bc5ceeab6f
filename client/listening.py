"""Where the server listens: an address read strictly, and only loopback unless allowed."""

from __future__ import annotations

import ipaddress
import os
import re
import socket

BACKLOG = 2048
"""Connections that may wait to be accepted."""

_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:/@\s]+)):([0-9]{1,5})")
_MOST_PORT = 65535
_LOOPBACK = "127.0.0.1"


def listen_on(address: str, *, allow_remote: bool) -> socket.socket:
    """Listen on ``HOST:PORT``; port 0 takes a free one.

    Args:
        address: ``localhost`` or an IP address, IPv6 in brackets, and a port.
        allow_remote: Whether others than this machine may connect.

    Raises:
        ValueError: No such address, or not a loopback address and not allowed.
        OSError: The address cannot be listened on.
    """
    parts = _ADDRESS.fullmatch(address)
    if parts is None or int(parts[3]) > _MOST_PORT:
        raise ValueError(f"{address!r} is no HOST:PORT")
    host = _LOOPBACK if parts[2] == "localhost" else parts[1] or parts[2]
    try:
        ip = ipaddress.ip_address(host)
    except ValueError as error:
        raise ValueError(f"{address!r}: expected localhost or an IP address") from error
    if not (ip.is_loopback or allow_remote):
        raise ValueError(f"{address!r} is no loopback address: that needs --allow-remote")
    family = socket.AF_INET if ip.version == 4 else socket.AF_INET6  # noqa: PLR2004 - IPv4
    return _listening(family, host, int(parts[3]))


def _listening(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    """Listen as ``socket.create_server`` does, with a socket that says that it is TCP.

    asyncio turns Nagle's algorithm off only where the protocol is named; with it on, each answer
    on a connection that is kept waits 40 ms for an acknowledgement.
    """
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share the port
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except BaseException:
        listening.close()
        raise
    return listening


def url_of(listening: socket.socket) -> str:
    """Return the URL at which a listening socket is reached."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
