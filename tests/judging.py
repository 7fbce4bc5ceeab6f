"""One lie told to ``attest.verify``, and what one check answers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, Unpack

import attest
from attest.policy.loader import parse_policy
from attest.policy.model import Policy
from tests import build
from tests.aik import Aik

AT: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The moment of every appraisal, unless a test names another."""

ORDER: Final = (
    "evidence.present",
    "evidence.form",
    "quote.magic",
    "quote.type",
    "quote.signature",
    "quote.nonce",
    "quote.selection",
    "quote.digest",
    "quote.signer",
    "quote.clock",
    "aik.attributes",
    "aik.strength",
    "aik.scheme",
    "aik.trust",
    "pcr.rules",
    "pcr.baseline",
    "policy.scope",
    "policy.validity",
    "response.tier",
    "aik.certify",
    "aik.chain",
    "verifier.cross-check",
)
"""Every check that is built, in the order of the contract."""

ABSENT: Final = "there is no evidence"
"""What every check of a quote says where there is none."""

Members = Mapping[str, object]
"""Members of a policy in place of the usual ones."""


class Told(build.ResponseLies, total=False):
    """What ``build.response`` may be told."""

    payload_id: str
    values: build.Values
    tier: str
    quoted: build.QuoteLies


def octets_of(response: object) -> bytes:
    """The response as it is saved."""
    return json.dumps(response).encode()


def policy_of(values: build.Values = build.VALUES, **members: object) -> Policy:
    """A policy that the values satisfy, but for the members given."""
    return parse_policy(build.policy_text(values, **members).encode(), "policy.yaml")


def verified(
    aik: Aik | None = None,
    *,
    policy: Members | None = None,
    asking: Mapping[str, Any] | None = None,
    **told: Unpack[Told],
) -> attest.AttestationResult:
    """Verify a response that tells these lies.

    Args:
        aik: The key; an RSA-2048 key by default.
        policy: Members of the policy in place of those that the values satisfy.
        asking: Keyword arguments of ``attest.verify``.
        **told: Lies of the response.
    """
    judged = policy_of(told.get("values", build.VALUES), **(policy or {}))
    response = octets_of(build.response(aik, **told))
    return attest.verify(response, judged, **{"at": AT, **(asking or {})})


def answer(result: attest.AttestationResult, check: str) -> tuple[str, str]:
    """Outcome and reason of one check."""
    (one,) = (judged for judged in result.checks if judged.id == check)
    return str(one.outcome), one.reason


def refusing(result: attest.AttestationResult) -> set[str]:
    """Ids of the checks that refuse."""
    return {check.id for check in result.refusals}


def attestation(member: object, **metadata: object) -> bytes:
    """A response whose ``tpm_attestation`` is just this."""
    whole = build.completion({})
    whole["_metadata"] |= {"tpm_attestation": member, **metadata}
    return octets_of(whole)
