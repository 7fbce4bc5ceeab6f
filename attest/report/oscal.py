"""OSCAL assessment results (NIST, 1.2.1): many results as one, with a finding a check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from attest.report.published import QUESTIONS, Published
from attest.report.summary import OUTCOMES, Summary, summarise
from attest.version import __version__

OSCAL_VERSION = "1.2.1"
CONTROLS = ("si-7.6", "si-7.9")
"""NIST SP 800-53 Rev. 5: SI-7(6) Cryptographic Protection, and SI-7(9) Verify Boot Process."""

_NAMES = uuid5(NAMESPACE_URL, "tag:tpm-attest,2026:oscal")


def render(
    results: Iterable[Published], assessed_at: datetime, controls: Sequence[str] = CONTROLS
) -> str:
    """Return one assessment of all results, in ASCII.

    Args:
        results: In any order.
        assessed_at: Moment of the assessment, with zone.
        controls: Ids of the controls that were reviewed, as their catalog writes them.
    """
    summary = summarise(results)
    moment = assessed_at.isoformat()
    base = uuid5(_NAMES, f"{moment} {summary}")
    plan = str(uuid5(base, "plan"))
    document = {
        "uuid": str(base),
        "metadata": {
            "title": "TPM attestation results",
            "last-modified": moment,
            "version": __version__,
            "oscal-version": OSCAL_VERSION,
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [_result(summary, base, moment, controls)],
        "back-matter": {"resources": [{"uuid": plan, "title": "Policies", "description": _PLAN}]},
    }
    return json.dumps({"assessment-results": document}, indent=1) + "\n"


_PLAN = "There is no plan beside the policies, which the result names with their digests."


def _result(summary: Summary, base: UUID, moment: str, controls: Sequence[str]) -> dict[str, Any]:
    """Write the one result."""
    counts = {"accepted": summary.accepted, "refused": summary.refused}
    policies = dict.fromkeys((name, sha) for name, sha, _ in summary.policies if name)
    props = [_prop(name, count) for name, count in counts.items()]
    props += [_prop("policy", f"{name} sha256:{sha}") for name, sha in policies]
    selection = [{"control-id": control} for control in controls]
    result: dict[str, Any] = {
        "uuid": str(uuid5(base, "result")),
        "title": "TPM attestation",
        "description": f"{summary.accepted} responses accepted, {summary.refused} refused.",
        "start": summary.first or moment,
        "end": summary.last or moment,
        "props": props,
        "reviewed-controls": {"control-selections": [{"include-controls": selection}]},
    }
    asked = [check for check in summary.checked if _is_asked(summary, check)]
    if asked:  # OSCAL has no empty lists
        result["observations"] = [_observation(summary, check, base, moment) for check in asked]
        result["findings"] = [_finding(summary, check, base) for check in asked]
    return result


def _is_asked(summary: Summary, check: str) -> bool:
    """Tell whether any response was held against a check."""
    return any(summary.checks.get((check, outcome)) for outcome in ("pass", "fail", "warn"))


def _observation(summary: Summary, check: str, base: UUID, moment: str) -> dict[str, Any]:
    """Count how a check ended."""
    counts = {outcome: summary.checks.get((check, outcome), 0) for outcome in OUTCOMES}
    return {
        "uuid": str(uuid5(base, f"observation {check}")),
        "title": check,
        "description": QUESTIONS.get(check, check),
        "methods": ["TEST"],
        "props": [_prop(outcome, count) for outcome, count in counts.items()],
        "collected": summary.last or moment,
    }


def _finding(summary: Summary, check: str, base: UUID) -> dict[str, Any]:
    """Say whether a check's objective is met: every response passes, for nothing else proves it."""
    passed = summary.checks.get((check, "pass"), 0)
    failed = summary.checks.get((check, "fail"), 0)
    met = passed == summary.accepted + summary.refused
    reason = "pass" if met else "fail" if failed else "other"
    return {
        "uuid": str(uuid5(base, f"finding {check}")),
        "title": check,
        "description": QUESTIONS.get(check, check),
        "target": {
            "type": "objective-id",
            "target-id": check,
            "status": {"state": "satisfied" if met else "not-satisfied", "reason": reason},
        },
        "related-observations": [{"observation-uuid": str(uuid5(base, f"observation {check}"))}],
    }


def _prop(name: str, value: object) -> dict[str, str]:
    """Write a property in a namespace of our own."""
    return {"name": name, "ns": "tag:tpm-attest,2026:oscal", "value": str(value)}
