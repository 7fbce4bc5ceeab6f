"""Golden values of the demonstration, and the rule that keeps them out of all other policies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from attest.errors import PolicyError
from attest.policy.document import located
from attest.policy.model import PcrRule, Policy
from attest.policy.section import Document
from attest.tpm.constants import alg_name

NAME = "demo"
"""Name of a policy that may hold these values; so may one whose name goes on after a hyphen."""

MEASURED: dict[int, bytes] = {
    index: hashlib.sha256(f"tpm-attest demonstration: {what}".encode()).digest()
    for index, what in ((0, "firmware"), (7, "secure boot"), (10, "files"))
}
"""What the embedded server measures into each PCR, once, before it answers."""

PCRS: dict[int, bytes] = {
    index: hashlib.sha256(bytes(32) + digest).digest() for index, digest in MEASURED.items()
}
"""What the SHA-256 bank then holds: anyone can make a quote of these, with no machine at all."""

_GOLDEN = frozenset(PCRS.values())


def is_demonstration(name: str) -> bool:
    """Tell whether a policy of this name is for the demonstration."""
    return name == NAME or name.startswith(f"{NAME}-")


def refuse_golden_values(policy: Policy, document: Document) -> None:
    """Refuse the demonstration's golden values where a policy is meant for machines.

    Args:
        policy: What was read.
        document: Where it stands.

    Raises:
        PolicyError: A rule or a baseline, revoked or not, holds one of the values.
    """
    if is_demonstration(policy.name):
        return
    for path, rule in _rules(policy):
        if _GOLDEN.isdisjoint(rule.values):
            continue
        which = next(at for at, value in enumerate(rule.values) if value in _GOLDEN)
        listed = f"{path}[{which}]"
        place = listed if listed in document.values else path
        fault = "is a golden value of the demonstration, allowed only in policies named demo"
        raise PolicyError(document.path, located(place, fault), *document.values[place])


def _rules(policy: Policy) -> Iterator[tuple[str, PcrRule]]:
    """Yield every rule with the path of its value in the file."""
    groups = [("pcrs", policy.rules)]
    groups += [
        (f"baselines[{index}].pcrs", baseline.golden)
        for index, baseline in enumerate(policy.baselines)
    ]
    for path, rules in groups:
        for rule in rules:
            yield f"{path}.{alg_name(rule.bank)}.{rule.index}", rule
