"""in-toto statements (in-toto/attestation, v1): what was verified of which evidence."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from attest.report.published import Published, is_accepted, place_of

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
SVR = "https://in-toto.io/attestation/svr/v0.2"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"

_PREFIX = "TPM_ATTEST_"
"""What properties begin with, so that no other framework's are taken for them."""


def statement(result: Published, verified: datetime) -> bytes | None:
    """Return the statement of one result, or None where there is no evidence to name.

    An accepted response gets a simple verification result, whose properties may be relied upon as
    they stand; a refused one gets a test result that says FAILED. A list of the properties that a
    refused response has would be taken for an approval by whoever looks for one of them.

    Args:
        result: The result.
        verified: Moment at which the verification took place, with zone.
    """
    if result["evidence_sha256"] is None:
        return None
    accepted = is_accepted(result)
    document = {
        "_type": STATEMENT,
        "subject": [_subject(result)],
        "predicateType": SVR if accepted else TEST_RESULT,
        "predicate": simple_verification(result, verified) if accepted else test_result(result),
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def simple_verification(result: Published, verified: datetime) -> dict[str, Any]:
    """Return the predicate SVR v0.2: the properties that hold.

    Raises:
        ValueError: The result is refused, so that no property of it may be relied upon.
    """
    if not is_accepted(result):
        raise ValueError("a refused result has no properties to rely upon")
    passing = [check["id"] for check in result["checks"] if check["outcome"] == "pass"]
    names = ["accepted", f"assurance.{result['assurance']}", *passing]
    moment = verified.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "verifier": {"id": _verifier(result), "policies": _policies(result)},
        "timeCreated": moment,
        "properties": [_property(name) for name in names],
    }


def test_result(result: Published) -> dict[str, Any]:
    """Return the predicate test-result v0.1: each check as a test, skipped ones left out."""
    names: dict[str, list[str]] = {"pass": [], "warn": [], "fail": [], "skip": []}
    for check in result["checks"]:
        names[check["outcome"]].append(check["id"])
    outcome = "FAILED"
    if is_accepted(result):
        outcome = "WARNED" if names["warn"] else "PASSED"
    return {
        "result": outcome,
        "configuration": _policies(result),
        "passedTests": names["pass"],
        "warnedTests": names["warn"],
        "failedTests": names["fail"],
    }


def _subject(result: Published) -> dict[str, Any]:
    """Name the evidence by its digest; its name is the request's, or else its place."""
    said = ("payload_id", "assurance", "verified_at")
    return {
        "name": result["payload_id"] or place_of(result),
        "digest": {"sha256": result["evidence_sha256"]},
        "annotations": {name: result[name] for name in said if result[name] is not None},
    }


def _policies(result: Published) -> list[dict[str, Any]]:
    """Describe the policy as a resource, by the digest of its file."""
    policy = result["policy"]
    if policy is None:
        return []
    return [{"name": policy["name"], "digest": {"sha256": policy["sha256"]}}]


def _verifier(result: Published) -> str:
    """Write the verifier as a URI, with its version: a package URL (purl)."""
    name, _, version = str(result["verifier"]).partition(" ")
    return f"pkg:pypi/{name}@{version}"


def _property(name: str) -> str:
    """Write a property: ``quote.nonce`` is TPM_ATTEST_QUOTE_NONCE."""
    return _PREFIX + name.upper().replace(".", "_").replace("-", "_")
