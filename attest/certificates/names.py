"""Names of subjects and issuers as text: RFC 4514, one text for one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asn1crypto import core, parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asn1crypto import x509

_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}
"""Attribute types with a name in RFC 4514, 3."""

_ESCAPED = frozenset('\\"+,;<>')


def name_text(name: x509.Name) -> str:
    """Write a name as RFC 4514 does.

    The last relative name comes first, and names of several values join them with ``+`` in the
    order of their encoding. Types of the table of RFC 4514 have its short names and their values as
    text; all others are dotted, and their values ``#`` and the hex of the encoding.

    Raises:
        ValueError: A value is no text in the encoding that it claims.
    """
    parts = ("+".join(_attribute(*pair) for pair in relative) for relative in _relatives(name))
    return ",".join(reversed(list(parts)))


def name_values(name: x509.Name) -> Iterator[tuple[str, str]]:
    """Yield the attributes of a name that are texts: dotted type and value, in order."""
    for relative in _relatives(name):
        for dotted, encoded in relative:
            text = _text(encoded)
            if text is not None:
                yield dotted, text


def _relatives(name: x509.Name) -> Iterator[list[tuple[str, bytes]]]:
    """Yield each relative name as dotted types and encoded values.

    The library knows one encoding for some types and refuses the others, which real parts use.
    """
    for relative in name.chosen:
        yield [(pair["type"].dotted, _encoded_value(pair.contents)) for pair in relative]


def _encoded_value(pair: bytes) -> bytes:
    """Cut the value out of an AttributeTypeAndValue."""
    header, content, trailer = parser.parse(pair)[3:]
    value: bytes = pair[len(header) + len(content) + len(trailer) :]
    parser.parse(value, strict=True)
    return value


def _text(encoded: bytes) -> str | None:
    value = core.load(encoded, strict=True)
    return str(value.native) if isinstance(value, core.AbstractString) else None


def _attribute(dotted: str, encoded: bytes) -> str:
    short = _SHORT.get(dotted)
    text = None if short is None else _text(encoded)
    if text is None:
        return f"{short or dotted}=#{encoded.hex()}"
    return f"{short}={_escaped(text)}"


def _escaped(text: str) -> str:
    """Escape a value (RFC 4514, 2.4); control characters become the hex of their octets."""
    last = len(text) - 1
    return "".join(_escaped_char(char, at, last) for at, char in enumerate(text))


def _escaped_char(char: str, at: int, last: int) -> str:
    edge_space = char == " " and at in (0, last)
    if char in _ESCAPED or edge_space or (char == "#" and at == 0):
        return f"\\{char}"
    if char.isprintable():
        return char
    return "".join(f"\\{octet:02x}" for octet in char.encode("utf-8", "surrogatepass"))
