"""The server's address as a record may hold it: no userinfo and no query, where secrets travel."""

from __future__ import annotations

MAX_ADDRESS = 2048
_SCHEMES = ("https", "http")


def address_fault(url: str) -> str | None:
    """Say what keeps an address out of a record; None where nothing does."""
    scheme, separator, rest = url.partition("://")
    host = rest.partition("/")[0]
    if not separator or scheme.lower() not in _SCHEMES or not host:
        return "base_url is no http or https address"
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return "base_url has characters that no address has"
    if "@" in host:
        return "base_url has userinfo, which may be a secret"
    if "?" in url or "#" in url:
        return "base_url has a query or a fragment, which may be a secret"
    if len(url) > MAX_ADDRESS:
        return f"base_url is longer than {MAX_ADDRESS} characters"
    return None
