"""What evidence says of itself, in one mapping that a test compares whole."""

from typing import Any

from attest.evidence import Evidence


def seen(evidence: Evidence) -> dict[str, Any]:
    """What evidence says of itself, without what was parsed."""
    return {
        "present": evidence.present,
        "declined": evidence.declined,
        "absence": evidence.absence,
        "faults": evidence.faults,
    }


def nothing(**facts: object) -> dict[str, Any]:
    """The same of evidence that is not there."""
    return {"present": False, "declined": False, "absence": None, "faults": ()} | facts
