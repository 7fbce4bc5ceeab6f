"""OCSF 1.5: one compliance finding (class 2003) a response, as security data lakes keep them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attest.report.published import (
    QUESTIONS,
    Published,
    is_accepted,
    place_of,
    policy_of,
    refusals,
)

OCSF_VERSION = "1.5.0"
CLASS = 2003

_CREATE = 1
_INFORMATIONAL, _HIGH = 1, 4
_NEW = 1
_PASS, _WARNING, _FAIL, _OTHER = 1, 2, 3, 99
_STATUS = {"pass": _PASS, "warn": _WARNING, "fail": _FAIL, "skip": _OTHER}
_STATUS_NAMES = {_PASS: "Pass", _WARNING: "Warning", _FAIL: "Fail", _OTHER: "skip"}


def finding(result: Published, logged_at: datetime) -> dict[str, Any]:
    """Return one response as a compliance finding.

    Args:
        result: The result.
        logged_at: Moment of the event, with zone.
    """
    accepted = is_accepted(result)
    refusing = refusals(result)
    status = _PASS if accepted else _FAIL
    said = "; ".join(f"{refusal.check}: {refusal.reason}" for refusal in refusing)
    decision = "accepted" if accepted else "refused"
    title = f"TPM attestation {decision}: {place_of(result)}"
    event: dict[str, Any] = {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": CLASS // 1000,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": int(logged_at.timestamp() * 1000),
        "severity_id": _INFORMATIONAL if accepted else _HIGH,
        "severity": "Informational" if accepted else "High",
        "status_id": _NEW,
        "status": "New",
        "status_code": "PASS" if accepted else "FAIL",
        "message": title,
        "metadata": _metadata(result),
        "finding_info": {
            "uid": f"{place_of(result)} {result['evidence_sha256'] or 'no evidence'}",
            "title": title,
            "types": ["TPM attestation"],
        },
        "compliance": {
            "control": policy_of(result),
            "standards": ["TPM 2.0 attestation"],
            "status_id": status,
            "status": _STATUS_NAMES[status],
            "checks": [_check(check) for check in result["checks"]],
        },
        "unmapped": _unmapped(result),
    }
    if said:
        event["status_detail"] = said
    if result["aik"] is not None:
        event["resources"] = [{"uid": result["aik"]["name"], "type": "TPM attestation key"}]
    return event


def _metadata(result: Published) -> dict[str, Any]:
    """Name the product that made the finding."""
    name, _, version = str(result["verifier"]).partition(" ")
    return {
        "version": OCSF_VERSION,
        "product": {"name": name, "vendor_name": name, "version": version},
    }


def _check(check: dict[str, str]) -> dict[str, Any]:
    """Write one check."""
    status = _STATUS[check["outcome"]]
    return {
        "uid": check["id"],
        "name": QUESTIONS.get(check["id"], check["id"]),
        "desc": check["reason"],
        "status_id": status,
        "status": _STATUS_NAMES[status],
    }


def _unmapped(result: Published) -> dict[str, Any]:
    """Keep what the class has no place for."""
    kept = ("payload_id", "evidence_sha256", "assurance", "baseline", "tier", "verified_at")
    return {name: result[name] for name in kept if result[name] is not None}
