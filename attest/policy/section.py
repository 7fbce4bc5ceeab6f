"""The strict cursor over a policy file: take key by key, then finish."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import yaml

from attest.errors import PolicyError
from attest.policy.document import compose, join, located, place

RESERVED = frozenset({"ek", "eventlog", "ima"})
"""Keys that a later schema will know."""

T = TypeVar("T")
D = TypeVar("D")

Place = tuple[int, int]
"""Line and column, both from 1."""

_KINDS = {yaml.ScalarNode: "a text", yaml.SequenceNode: "a list", yaml.MappingNode: "a mapping"}


class Document:
    """One policy file, and where its keys and values stand.

    Attributes:
        path: The file, as it was named.
        keys: Places of keys, by dotted path.
        values: Places of values, by dotted path.
    """

    def __init__(self, path: str) -> None:
        """Start with no places; reading fills them in."""
        self.path = path
        self.keys: dict[str, Place] = {}
        self.values: dict[str, Place] = {}


class Value:
    """One value of the file: a scalar, a list or a mapping, with its place and path.

    Attributes:
        document: The file that it stands in.
        path: Dotted path, such as ``baselines[0].pcrs.sha256.7``; empty at the top.
        place: Where it begins.
    """

    def __init__(self, document: Document, node: yaml.Node, path: str) -> None:
        """Note where the value stands."""
        self.document = document
        self.path = path
        self.place = place(node.start_mark)
        self._node: Any = node
        document.values[path] = self.place

    @property
    def text(self) -> str:
        """The scalar as it was written, never resolved: ``no``, ``0755`` and ``1e3`` are text."""
        self._expect(yaml.ScalarNode)
        return str(self._node.value)

    @property
    def quoted(self) -> bool:
        """Whether the scalar stands in single or double quotes."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.style in ("'", '"')

    @property
    def plain(self) -> bool:
        """Whether the scalar stands bare: no quotes, no block of lines."""
        return isinstance(self._node, yaml.ScalarNode) and not self._node.style

    @property
    def is_list(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def items(self) -> tuple[Value, ...]:
        """Return the items of a list, of which there is at least one."""
        self._expect(yaml.SequenceNode)
        if not self._node.value:
            raise self.error("empty list")
        return tuple(
            Value(self.document, node, join(self.path, index))
            for index, node in enumerate(self._node.value)
        )

    def section(self) -> Section:
        """Return a cursor over a mapping, which has at least one key."""
        self._expect(yaml.MappingNode)
        if not self._node.value:
            raise self.error("empty mapping")
        return Section(self, self._node)

    def error(self, fault: str) -> PolicyError:
        """Return an error that points at this value."""
        return PolicyError(self.document.path, located(self.path, fault), *self.place)

    def _expect(self, kind: type[yaml.Node]) -> None:
        if not isinstance(self._node, kind):
            raise self.error(f"expected {_KINDS[kind]}, found {_KINDS[type(self._node)]}")


class Section:
    """A cursor over one mapping, which ends in ``finish()``."""

    def __init__(self, value: Value, node: yaml.MappingNode) -> None:
        """Refuse keys that are no scalars, and keys that were there before."""
        self._value = value
        self._left: dict[str, Value] = {}
        self._keys: dict[str, Place] = {}
        for key, content in node.value:
            here = place(key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                fault = f"expected a text as key, found {_KINDS[type(key)]}"
                raise self._error(value.path, fault, here)
            path = join(value.path, key.value)
            if key.value in self._keys:
                fault = f"duplicate key, first in line {self._keys[key.value][0]}"
                raise self._error(path, fault, here)
            self._keys[key.value] = value.document.keys[path] = here
            self._left[key.value] = Value(value.document, content, path)

    def __contains__(self, key: str) -> bool:
        """Tell whether a key is there and not yet taken."""
        return key in self._left

    def take(self, key: str) -> Value | None:
        """Take the value of an optional key, or None where it is not there."""
        return self._left.pop(key, None)

    def need(self, key: str) -> Value:
        """Take the value of a required key."""
        value = self.take(key)
        if value is None:
            raise self.missing(key, "required key is missing")
        return value

    def given(self, key: str, read: Callable[[Value], T], default: D) -> T | D:
        """Take and read an optional key, or return the default where it is not there."""
        value = self.take(key)
        return default if value is None else read(value)

    def entries(self) -> tuple[tuple[str, Value], ...]:
        """Take all that is left, where the keys are data: banks and PCR numbers."""
        left, self._left = self._left, {}
        return tuple(left.items())

    def finish(self) -> None:
        """Refuse the first key that nobody took."""
        for key in self._left:
            later = ", reserved for a later version" if key in RESERVED else ""
            raise self.key_error(key, f"unknown key{later}")

    def key_error(self, key: str, fault: str) -> PolicyError:
        """Return an error that points at a key."""
        return self._error(join(self._value.path, key), fault, self._keys[key])

    def missing(self, key: str, fault: str) -> PolicyError:
        """Return an error for a key that is not there; it points at the mapping."""
        return self._error(join(self._value.path, key), fault, self._value.place)

    def _error(self, path: str, fault: str, here: Place) -> PolicyError:
        return PolicyError(self._value.document.path, located(path, fault), *here)


def open_section(octets: bytes, document: Document) -> Section:
    """Read a policy file up to the cursor over its top mapping.

    Args:
        octets: Content of the file.
        document: Takes in the places.

    Raises:
        PolicyError: The octets are not one YAML document with a mapping.
    """
    return Value(document, compose(octets, document.path), "").section()
