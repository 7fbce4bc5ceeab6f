"""What one policy says and another does not, member by member."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from attest.policy.model import Policy, PolicySet, policies_of
from attest.policy.written import policy_members

Facts = dict[str, tuple[str, ...]]
"""What a policy says: values by dotted path, where a list is a set of them."""


class Change(Struct, frozen=True):
    """One place where two policies differ.

    Attributes:
        path: Dotted path; baselines stand by their names, not by their numbers.
        before: What only the first policy says there.
        after: What only the second says there.
    """

    path: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def kind(self) -> str:
        """``added``, ``removed`` or ``changed``."""
        if not self.before:
            return "added"
        return "changed" if self.after else "removed"

    def __str__(self) -> str:
        """Write the change for a person: a sign, the path, and the values."""
        before, after = ", ".join(self.before), ", ".join(self.after)
        if self.kind == "changed":
            return f"~ {self.path}: {before} -> {after}"
        return f"+ {self.path}: {after}" if self.after else f"- {self.path}: {before}"

    def to_dict(self) -> dict[str, Any]:
        """Return the change as JSON has it."""
        return {
            "path": self.path,
            "kind": self.kind,
            "before": list(self.before),
            "after": list(self.after),
        }


def compare_policies(first: Policy | PolicySet, second: Policy | PolicySet) -> tuple[Change, ...]:
    """Return where two policies or policy sets differ; defaults are compared as what they are.

    The policies of sets are compared by their names, in the order of the files where a name stands
    several times. A policy and a set are compared as sets.
    """
    if isinstance(first, Policy) and isinstance(second, Policy):
        return tuple(_changes(_facts(first), _facts(second)))
    return tuple(_changes(_all_facts(first), _all_facts(second)))


def _all_facts(policy: Policy | PolicySet) -> Facts:
    """Return what every policy of a set says, each under its name."""
    facts: Facts = {}
    seen: dict[str, int] = {}
    for one in policies_of(policy):
        number = seen[one.name] = seen.get(one.name, 0) + 1
        place = one.name if number == 1 else f"{one.name}#{number}"
        facts |= {f"{place}: {path}": said for path, said in _facts(one).items()}
    return facts


def _changes(first: Facts, second: Facts) -> Iterator[Change]:
    for path in first | second:
        before, after = first.get(path, ()), second.get(path, ())
        gone = tuple(value for value in before if value not in after)
        new = tuple(value for value in after if value not in before)
        if gone or new:
            yield Change(path, gone, new)
        elif path.endswith("baselines") and before != after:
            yield Change(f"{path} (the first that matches is named)", before, after)


def _facts(policy: Policy) -> Facts:
    return dict(_flat(policy_members(policy), ""))


def _flat(value: Any, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the leaves of members; lists of baselines by their names."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _flat(below, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and path == "baselines":
        yield path, tuple(baseline["name"] for baseline in value)
        for baseline in value:
            rest = {key: below for key, below in baseline.items() if key != "name"}
            yield from _flat(rest, f"{path}.{baseline['name']}")
    elif isinstance(value, list):
        yield path, tuple(map(_text, value))
    else:
        yield path, (_text(value),)


def _text(value: Any) -> str:
    """Write a leaf, or an item of a list that is a mapping."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(below)}" for key, below in value.items()) + "}"
    return str(value)
