"""What a response must give under a policy: ``expected.json``, and what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from attest.errors import MalformedError
from attest.text import shown

Word = Literal["pass", "fail", "warn", "skip"]


class Arguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the caller of ``attest.verify`` knows.

    Attributes:
        payload_id: Id that was sent.
        nonce: Expected extraData in hex.
        security_tier: Tier that was asked for.
        at: Moment of every validity, with time zone.
    """

    payload_id: str | None = None
    nonce: str | None = None
    security_tier: Literal["standard", "high", "maximum"] | None = None
    at: datetime | None = None


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a case must give; what it leaves out may be anything.

    Attributes:
        decision: The decision.
        arguments: What the caller knows.
        checks: Outcomes by check id.
        assurance: What is proven.
        baseline: Name of the baseline that matches, or None where none may.
        exit: Exit code of ``attest verify``, for other harnesses.
        octets_only: Whether the case has no form as a dict, for other harnesses.
    """

    decision: Literal["accepted", "refused"]
    arguments: Arguments = Arguments()
    checks: dict[str, Word] = {}
    assurance: Literal["none", "self-consistent", "anchored"] | msgspec.UnsetType = msgspec.UNSET
    baseline: str | msgspec.UnsetType | None = msgspec.UNSET
    exit: Literal[0, 1] | msgspec.UnsetType = msgspec.UNSET
    octets_only: bool = False


def read_expected(octets: bytes) -> Expected:
    """Read what a case must give.

    Raises:
        MalformedError: The octets are no such JSON.
    """
    try:
        expected = msgspec.json.decode(octets, type=Expected)
        bytes.fromhex(expected.arguments.nonce or "")
    except (ValueError, RecursionError) as error:  # msgspec's errors and UnicodeDecodeError are too
        raise MalformedError("expected.json", shown(str(error))) from error
    return expected


def differences(expected: Expected, result: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what of a result in its published JSON shape is not as expected.

    Args:
        expected: What a case must give.
        result: ``AttestationResult.to_dict()``.
    """
    said = []
    for member in ("decision", "assurance", "baseline"):
        wanted = getattr(expected, member)
        if wanted is not msgspec.UNSET and result[member] != wanted:
            said.append(f"{member} is {result[member]}, expected {wanted}")
    checks = {check["id"]: check for check in result["checks"]}
    for name, outcome in expected.checks.items():
        seen = checks.get(name)
        if seen is None:
            said.append(f"{shown(name)}: there is no such check")
        elif seen["outcome"] != outcome:
            said.append(f"{name} is {seen['outcome']}, expected {outcome}: {seen['reason']}")
    return tuple(said)
