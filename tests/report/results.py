"""Published results for the exchange formats: honest ones, and ones that tell a lie."""

import copy
from datetime import UTC, datetime
from typing import Any, Final

import attest
from tests import build
from tests.aik import rsa_aik
from tests.judging import AT, Members, attestation, policy_of, verified

NOW: Final = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
"""The moment at which results are exported."""
ODD: Final = "a\x00\x1b[2J\u202e\ud800\uffff\r\n<&\"'>]]>\u00e9\U0001f600"
"""Text that no format may let act."""
RESETTABLE: Final = {"sha256": {0: b"\x01" * 32}}

Published = dict[str, Any]
ENROLLED: Final[Members] = {"aik": {"trust": "enrolled", "names": [rsa_aik().name]}}
STRANGER: Final[Members] = {"aik": {"trust": "enrolled", "names": [b"\x00\x0b" + b"\xab" * 32]}}


def published(result: attest.AttestationResult, source: str = "a.jsonl", row: int = 0) -> Published:
    """The result as JSON has it."""
    return result.to_dict(source, row)


def honest(row: int = 0, policy: Members | None = None) -> Published:
    """A result of honest evidence, under a policy with these members."""
    return published(verified(policy=policy), row=row)


def forged(row: int = 0, source: str = "a.jsonl", policy: Members | None = None) -> Published:
    """A result of a quote that no TPM made, and that answers nothing."""
    lies: build.QuoteLies = {"magic": 0, "extra_data": b""}
    return published(verified(policy=policy, quoted=lies), source, row)


def declined() -> Published:
    """An accepted result of a server without a TPM."""
    policy = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
    response = attestation({"is_available": False}, security_tier="standard")
    return published(attest.verify(response, policy, at=AT))


def unreadable() -> Published:
    """A refused result of what is no JSON at all."""
    return published(attest.verify(b"{", policy_of(), at=AT))


def changed(result: Published, **members: object) -> Published:
    """A copy with other members."""
    return {**copy.deepcopy(result), **members}


def outcomes_of(result: Published) -> dict[str, str]:
    """Outcomes by the ids of the checks."""
    return {check["id"]: check["outcome"] for check in result["checks"]}
