"""The JSON of a response: read strictly and whole, or refused with the place of the fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from attest.errors import MalformedError
from attest.text import shown

MAX_RESPONSE = 64 * 1024 * 1024
"""Octets of a response, as JSON."""

MAX_DEPTH = 64
"""Objects and arrays inside each other, the response itself counted."""

MAX_VALUES = 2_000_000
"""Values of a response: each is held as an object of its own, however short it is written."""

_SHORTEST_VALUE = 2
"""Octets that a value takes, with what parts it from the next."""
_MARKS = b"[{,:"
"""Octets that values begin after, or with; in texts they count too."""

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_encode_into = msgspec.json.Encoder().encode_into

_BACKSLASH = ord("\\")
"""As a number: octets look for an octet faster than for octets."""

_TYPE_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def read_document(response: object) -> dict[str, Any]:
    """Read a response: JSON octets, or a dict as ``json.loads`` makes it.

    A dict is read as the octets that it would be saved as, and must come back equal, so that both
    forms get the same verdict.

    Raises:
        MalformedError: No JSON, no object, a duplicate member, text that is no UTF-8, a value that
            JSON does not have, more than MAX_RESPONSE octets or MAX_DEPTH levels.
    """
    if type(response) is bytes or isinstance(response, (bytearray, memoryview)):
        octets = bytes(response)
        document = _parsed(octets)
        _refuse_duplicates(octets, document)
        return document
    octets = _saved(response)
    document = _parsed(octets)
    if document != response:
        raise MalformedError("response", "holds a value or a member name that JSON does not have")
    return document


def type_name(value: object) -> str:
    """Name the JSON type of a value, with its article."""
    return _TYPE_NAMES.get(type(value)) or shown(type(value).__name__)


def _saved(response: object) -> bytes:
    """Write a decoded response as JSON."""
    if not isinstance(response, dict):
        raise MalformedError("response", f"is {type_name(response)}, expected an object")
    try:
        return _encode(response)
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise MalformedError("response", f"is no JSON: {shown(str(error))}") from error


def _parsed(octets: bytes) -> dict[str, Any]:
    """Parse octets into an object of bounded depth."""
    if len(octets) > MAX_RESPONSE:
        raise MalformedError("response", f"{len(octets)} octets exceed {MAX_RESPONSE}")
    if len(octets) > _SHORTEST_VALUE * MAX_VALUES and sum(map(octets.count, _MARKS)) > MAX_VALUES:
        raise MalformedError("response", f"holds more than {MAX_VALUES} values")
    try:
        document = _decode(octets)
    except UnicodeDecodeError as error:
        raise MalformedError("response", f"is not UTF-8: {error.reason}") from error
    except RecursionError as error:
        raise MalformedError("response", f"is nested deeper than {MAX_DEPTH}") from error
    except msgspec.MsgspecError as error:
        raise MalformedError("response", f"is no JSON: {shown(str(error))}") from error
    if type(document) is not dict:
        raise MalformedError("response", f"is {type_name(document)}, expected an object")
    if len(octets) - len(octets.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH:
        _refuse_depth(document)
    return document


def _refuse_depth(document: dict[str, Any]) -> None:
    """Refuse containers nested deeper than MAX_DEPTH."""
    for path, depth, _ in _containers(document):
        if depth > MAX_DEPTH:
            raise MalformedError(f"response.{path}", f"is nested deeper than {MAX_DEPTH}")


def _refuse_duplicates(octets: bytes, document: dict[str, Any]) -> None:
    r"""Refuse a member that stands twice in one object.

    Every member takes one colon. Decoding keeps one of two members of a name, so the colons of the
    document written anew are fewer exactly where a member was dropped: colons inside strings stay
    colons, unless they were escaped (``\u003a``). Only where the counts leave a doubt are the
    octets read again, slowly. (``bytes.count`` looks at each octet, ``replace`` leaps to the hits.)
    """
    escaped = _BACKSLASH in octets and b"\\u003" in octets
    anew = bytearray(len(octets))
    _encode_into(document, anew)
    dropped = (
        len(octets) - len(octets.replace(b":", b"")) - len(anew) + len(anew.replace(b":", b""))
    )
    if not dropped and not escaped:
        return
    import json  # noqa: PLC0415 - a few milliseconds of start-up, for few documents

    slow = json.loads(octets, object_pairs_hook=_Members)
    for path, _, container in _containers(slow):
        if isinstance(container, _Members) and container.duplicate is not None:
            place = f"response.{path}" if path else "response"
            raise MalformedError(place, f'duplicate member "{shown(container.duplicate)}"')


class _Members(dict[str, Any]):
    """An object that remembers the first member name that stood twice in it."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.duplicate: str | None = None
        if len(self) < len(pairs):
            names: set[str] = set()
            for name, _ in pairs:
                if name in names:
                    self.duplicate = name
                    break
                names.add(name)


def _containers(document: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
    """Yield path, depth and value of every object and array, without recursion."""
    waiting: list[tuple[str, int, Any]] = [("", 1, document)]
    while waiting:
        path, depth, container = waiting.pop()
        yield path, depth, container
        members = container.items() if isinstance(container, dict) else enumerate(container)
        for name, value in members:
            if isinstance(value, (dict, list)):
                inner = f"{path}.{name}" if path else str(name)
                waiting.append((shown(inner), depth + 1, value))
