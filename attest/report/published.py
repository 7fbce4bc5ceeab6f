"""What every exchange format reads out of a published result: its place, and what refuses it.

All formats take results in their published JSON shape (``attest policy schema result``), since a
replay keeps nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from attest.policy.model import ALWAYS_MANDATORY, MANDATORY_WITHOUT_TPM
from attest.text import shown

Published = Mapping[str, Any]
"""A result as ``AttestationResult.to_dict`` gives it, or as JSON keeps it."""

QUESTIONS = {
    "evidence.present": "Is there evidence?",
    "evidence.form": "Can every octet of the evidence be read?",
    "quote.magic": "Was the statement made inside a TPM?",
    "quote.type": "Is the statement a quote?",
    "quote.signature": "Does the signature over the quote verify?",
    "quote.nonce": "Does the quote answer this request?",
    "quote.selection": "Do the signed selection and the reported PCRs name the same PCRs?",
    "quote.digest": "Do the reported PCR values hash to the signed digest?",
    "quote.signer": "Does the quote name this attestation key as its signer?",
    "quote.clock": "Is the clock of the TPM safe?",
    "aik.attributes": "Is the attestation key restricted, for signing only, and bound to its TPM?",
    "aik.strength": "Is the attestation key strong enough?",
    "aik.scheme": "Is the signature's scheme the key's own, and allowed?",
    "aik.trust": "Is the attestation key one that the policy trusts?",
    "pcr.rules": "Do the rules on single PCRs hold?",
    "pcr.baseline": "Does one baseline of golden values match whole, and none that is revoked?",
    "policy.scope": "Does exactly one policy apply?",
    "policy.validity": "Is the policy valid at this moment?",
    "response.tier": "Does the response report the tier that was asked for?",
    "aik.certify": "Where an AK is said to certify the attestation key, does it?",
    "aik.chain": "Does a certificate chain lead from the attestation key to a root and a machine?",
    "verifier.cross-check": "Does a second, independent stack see the same?",
}
"""What each check asks, in the order of results."""


_NEVER_MANDATORY = frozenset({"aik.certify", "aik.chain", "verifier.cross-check"})
"""Checks of what is optional: only by failing do they refuse, under any policy."""


class Refusal(Struct, frozen=True):
    """A check that stands in the way of a response, and why."""

    check: str
    reason: str


UNEXPLAINED = Refusal("decision", "refused, and no check says why")
"""What refuses where a result of another verifier lists no reason: a refusal is never lost."""


def is_accepted(result: Published) -> bool:
    """Tell whether a result is accepted; whatever is not that word is refused."""
    return bool(result["decision"] == "accepted")


def outcomes(result: Published) -> dict[str, str]:
    """Return the outcome of each check, by its id."""
    return {check["id"]: check["outcome"] for check in result["checks"]}


def refusals(result: Published) -> tuple[Refusal, ...]:
    """Return what refuses a response; nothing where it is accepted.

    A published result does not say which checks the policy made mandatory. So failures count, and
    what must pass under every policy; only where neither explains the refusal, every other check
    that did not pass.
    """
    if is_accepted(result):
        return ()
    without_tpm = outcomes(result).get("evidence.present") == "warn"
    mandatory = MANDATORY_WITHOUT_TPM if without_tpm else ALWAYS_MANDATORY
    amiss = [
        check
        for check in result["checks"]
        if check["outcome"] == "fail"
        or (check["outcome"] != "pass" and check["id"] not in _NEVER_MANDATORY)
    ]
    refusing = [
        check for check in amiss if check["outcome"] == "fail" or check["id"] in mandatory
    ] or amiss
    return tuple(Refusal(check["id"], check["reason"]) for check in refusing) or (UNEXPLAINED,)


def source_of(result: Published) -> str:
    """Return where a response came from, or a word for an unknown place."""
    source = result["source"]
    return source if isinstance(source, str) and source else "unknown"


def row_of(result: Published) -> int:
    """Return the row of a response in its source, from 0."""
    return int(result["row"] or 0)


def place_of(result: Published) -> str:
    """Name the place of a response, safe to print."""
    return f"{shown(source_of(result))} row {row_of(result)}"


def policy_of(result: Published) -> str:
    """Name the policy that judged a response, or say that none did."""
    policy = result["policy"]
    if policy is None:
        return "no policy"
    serial = "" if policy["serial"] is None else f" #{policy['serial']}"
    return f"{policy['name']}{serial}"


def first_of(values: Iterable[str | None]) -> str | None:
    """Return the first value that says something."""
    return next((value for value in values if value), None)
