"""SARIF 2.1.0: refused responses and findings of lint, as code scanners list them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from string import ascii_letters, digits
from typing import Any

from msgspec import Struct

from attest.errors import PolicyError
from attest.policy.lint import Finding
from attest.report.published import (
    QUESTIONS,
    Published,
    Refusal,
    is_accepted,
    refusals,
    row_of,
    source_of,
)
from attest.text import shown
from attest.version import __version__

MOST_RESULTS = 5000
"""Results that a file lists: readers of SARIF drop what is beyond (GitHub shows 5,000 a run)."""
MOST_ROWS = 10
"""Further rows that one result names."""
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
DOES_NOT_LOAD = "policy.load"

_UNRESERVED = frozenset((ascii_letters + digits + "-._~/").encode())
_LINT_RULES = {
    "aik.certificates": "A file of certificates holds none that a chain can end in or lead over.",
    "aik.unanchored": "No anchor is asked for, so that a key made in software passes too.",
    "bank.sha1": "Golden values stand in a bank whose collisions can be made.",
    "baseline.contradiction": "A baseline and the rule on the same PCR can never both hold.",
    "baseline.expired": "The time of a baseline is over.",
    "golden.constant": "A golden value says that nothing was ever measured.",
    "nonce.none": "No nonce is compared, so that old quotes pass too.",
    "pcr.resettable": "A golden value stands for a PCR that software can reset.",
    DOES_NOT_LOAD: "The policy cannot be used.",
}


class _Group:
    """Refusals of one source by one check for one reason."""

    def __init__(self, first: int) -> None:
        self.rows = [first]
        self.count = 1

    def add(self, row: int) -> None:
        self.count += 1
        if len(self.rows) <= MOST_ROWS:
            self.rows.append(row)


class _Key(Struct, frozen=True):
    """What refusals that are told as one have in common."""

    source: str
    refusal: Refusal


def render(results: Iterable[Published]) -> str:
    """Return one SARIF log for all results, in memory that does not grow with their number.

    Refusals of one source, by one check and for one reason, are one result that counts them and
    names the first rows. What is beyond MOST_RESULTS is counted and said in a notification.

    Args:
        results: In the order of the input.
    """
    groups: dict[_Key, _Group] = {}
    accepted = refused = left_out = 0
    for result in results:
        accepted += is_accepted(result)
        refused += not is_accepted(result)
        source, row = source_of(result), row_of(result)
        for refusal in refusals(result):
            key = _Key(source, refusal)
            group = groups.get(key)
            if group is not None:
                group.add(row)
            elif len(groups) < MOST_RESULTS:
                groups[key] = _Group(row)
            else:
                left_out += 1
    listed = [_refused(key, group) for key, group in groups.items()]
    counts = {"accepted": accepted, "refused": refused}
    return _log(QUESTIONS, listed, _notes(left_out, "refusals"), counts)


def render_lint(findings: Iterable[Finding], broken: Iterable[PolicyError] = ()) -> str:
    """Return one SARIF log for what lint found, with lines and columns.

    Args:
        findings: What lint found.
        broken: Policies that do not load, each an error at its place.
    """
    listed = [_finding(finding) for finding in findings]
    listed += [_broken(error) for error in broken]
    left_out = max(0, len(listed) - MOST_RESULTS)
    return _log(_LINT_RULES, listed[:MOST_RESULTS], _notes(left_out, "findings"), {})


def _log(
    rules: Mapping[str, str],
    listed: Sequence[Mapping[str, Any]],
    notes: Sequence[Mapping[str, Any]],
    counts: Mapping[str, int],
) -> str:
    """Write a log with one run, in ASCII."""
    used = [*rules, *sorted({result["ruleId"] for result in listed} - set(rules))]
    driver = {
        "name": "tpm-attest",
        "version": __version__,
        "rules": [_rule(name, rules.get(name)) for name in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": listed,
        "properties": dict(counts),
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1) + "\n"


def _rule(name: str, said: str | None) -> dict[str, Any]:
    """Describe a rule, where it is one that this version knows."""
    return {"id": name} if said is None else {"id": name, "shortDescription": {"text": said}}


def _refused(key: _Key, group: _Group) -> dict[str, Any]:
    """Write the refusals of one group."""
    first, *further = group.rows
    check, reason = key.refusal.check, key.refusal.reason
    result: dict[str, Any] = {
        "ruleId": check,
        "level": "error",
        "kind": "fail",
        "message": {"text": reason or check},
        "locations": [_row_location(key.source, first)],
        "occurrenceCount": group.count,
    }
    if further:
        result["relatedLocations"] = [_row_location(key.source, row) for row in further]
    return result


def _row_location(source: str, row: int) -> dict[str, Any]:
    """Point to a row: by its number, and to the line where it stands if no line is blank."""
    name = shown(source)
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(source)},
            "region": {"startLine": row + 1},
        },
        "logicalLocations": [{"name": str(row), "fullyQualifiedName": f"{name} row {row}"}],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    """Write one finding of lint."""
    return {
        "ruleId": finding.rule,
        "level": finding.severity,
        "message": {"text": finding.message},
        "locations": [_line_location(finding.path, finding.line, finding.column)],
    }


def _broken(error: PolicyError) -> dict[str, Any]:
    """Write one policy that does not load."""
    return {
        "ruleId": DOES_NOT_LOAD,
        "level": "error",
        "message": {"text": shown(error.fault)},
        "locations": [_line_location(error.path, error.line, error.column)],
    }


def _line_location(path: str, line: int | None, column: int | None) -> dict[str, Any]:
    """Point to a line and column, or to the whole file."""
    location: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if line is not None:
        location["region"] = {"startLine": line, "startColumn": column}
    return {"physicalLocation": location}


def _uri(path: str) -> str:
    """Write a path as a URI reference (RFC 3986)."""
    octets = PurePath(path).as_posix().encode("utf-8", "surrogatepass")
    return "".join(chr(octet) if octet in _UNRESERVED else f"%{octet:02X}" for octet in octets)


def _notes(left_out: int, what: str) -> list[dict[str, Any]]:
    """Say what the cap left out."""
    if not left_out:
        return []
    text = f"{left_out} further {what} are left out: a log lists at most {MOST_RESULTS} results"
    return [{"level": "warning", "message": {"text": text}}]
