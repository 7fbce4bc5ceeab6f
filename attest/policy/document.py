"""Octets of a policy file to one tree of YAML nodes; what could be read in two ways is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

from attest.errors import PolicyError
from attest.text import shown

MAX_OCTETS = 4 << 20
MAX_DEPTH = 16
MAX_NODES = 200_000

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C; where PyYAML was built without libyaml, the slow one."""

_UNPRINTABLE = yaml.reader.Reader.NON_PRINTABLE
"""What YAML 1.1 (5.1) bars from its streams."""

_BYTE_ORDER_MARK = "\ufeff"

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_MOST_CITED = 64
_SIMPLE_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")


def compose(octets: bytes, path: str) -> yaml.Node:
    """Read the one document of a policy file.

    The events are walked before the tree is built, because building recurses in C.

    Args:
        octets: Content of the file.
        path: The file, as errors name it.

    Raises:
        PolicyError: The octets are no YAML, or more of YAML than a policy may use.
    """
    text = _decode(octets, path)
    try:
        _walk(yaml.parse(text, Loader=LOADER), path)
        root = yaml.compose(text, Loader=LOADER)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: chr() and int() of the slow parser
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or error
        line, column = place(mark) if mark else (None, None)
        raise PolicyError(path, f"not valid YAML: {problem}", line, column) from error
    if root is None:
        raise PolicyError(path, "holds no document", 1, 1)
    return root


def place(mark: Any) -> tuple[int, int]:
    """Return line and column of a YAML mark, both from 1."""
    return mark.line + 1, mark.column + 1


def join(path: str, key: str | int) -> str:
    """Write the path of a key in a mapping (``aik.trust``) or of an item in a list (``names[0]``).

    Args:
        path: Path of the mapping or list; empty at the top.
        key: Text of the key, or index of the item. Odd keys are escaped and cut.
    """
    if isinstance(key, int):
        return f"{path}[{key}]"
    step = key if _SIMPLE_KEY.fullmatch(key) else cited(key)
    return f"{path}.{step}" if path else step


def cited(text: str) -> str:
    """Write the file's own words for a message: in quotes, escaped, and cut."""
    return f"'{shown(text, _MOST_CITED)}'"


def located(path: str, fault: str) -> str:
    """Put the path of a key before a fault."""
    return f"{path}: {fault}" if path else fault


def _decode(octets: bytes, path: str) -> str:
    """Bound the size and read strict UTF-8 without control characters; a BOM may stand in front."""
    if len(octets) > MAX_OCTETS:
        raise PolicyError(path, f"larger than {MAX_OCTETS} octets")
    try:
        text = octets.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = octets[: error.start].decode("utf-8")
        fault = f"not UTF-8: octet 0x{octets[error.start]:02x}"
        raise PolicyError(path, fault, *_end_of(before)) from error
    odd = _UNPRINTABLE.search(text)
    at = min(odd.start() if odd else len(text), f"{text}{_BYTE_ORDER_MARK}".index(_BYTE_ORDER_MARK))
    if at < len(text):
        fault = f"control character U+{ord(text[at]):04X}"
        raise PolicyError(path, fault, *_end_of(text[:at]))
    return text


def _end_of(text: str) -> tuple[int, int]:
    """Return line and column of the character that follows a text, both from 1."""
    lines = _LINE_BREAK.split(text)
    return len(lines), len(lines[-1]) + 1


class _Level:
    """A mapping or list that the walk is inside of.

    Attributes:
        path: Its own path.
    """

    def __init__(self, path: str, mapping: bool) -> None:
        """Start before the first node."""
        self.path = path
        self._mapping = mapping
        self._count = 0
        self._key = ""

    def step(self, event: Any) -> str:
        """Go on to the next node and return its path; a key has the path of its value."""
        count, self._count = self._count, self._count + 1
        if not self._mapping:
            return join(self.path, count)
        if count % 2 == 0:
            self._key = event.value if isinstance(event, yaml.ScalarEvent) else "?"
        return join(self.path, self._key)


def _walk(events: Iterable[Any], path: str) -> None:
    """Refuse all of YAML that a policy may not use, without recursion and before building."""
    levels: list[_Level] = []
    documents = nodes = 0
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            here = levels[-1].step(event) if levels else ""
            nodes += 1
            fault = _fault(event, len(levels), nodes)
            if fault:
                raise PolicyError(path, located(here, fault), *place(event.start_mark))
            if isinstance(event, yaml.CollectionStartEvent):
                levels.append(_Level(here, isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            levels.pop()
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise PolicyError(path, "a second document", *place(event.start_mark))


def _fault(event: Any, depth: int, nodes: int) -> str | None:
    """Tell what is wrong with a node that stands inside ``depth`` others."""
    if isinstance(event, yaml.AliasEvent):
        return "aliases are not allowed"
    if event.anchor is not None:
        return "anchors are not allowed"
    if event.tag is not None:
        return "tags are not allowed"
    if depth >= MAX_DEPTH and isinstance(event, yaml.CollectionStartEvent):
        return f"nested deeper than {MAX_DEPTH} levels"
    if nodes > MAX_NODES:
        return f"more than {MAX_NODES} values and keys"
    return None
