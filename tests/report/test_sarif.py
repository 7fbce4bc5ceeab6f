"""``report.sarif``: logs that the schema takes, bounded, with nothing left out in silence."""

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest

from attest.errors import PolicyError
from attest.policy.lint import Finding, lint
from attest.report.sarif import MOST_RESULTS, MOST_ROWS, render, render_lint
from tests.report.results import ODD, changed, forged, honest, unreadable

SCHEMA: Final = json.loads(
    (Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8")
)
MAGIC: Final = "magic is 0x00000000, expected 0xff544347"


def run_of(log: str) -> dict[str, Any]:
    """The one run of a log that the schema takes."""
    document = json.loads(log)
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def told(run: dict[str, Any]) -> list[tuple[str, str, str, int, int]]:
    """Rule, message, URI, line and count of each result."""
    return [
        (
            result["ruleId"],
            result["message"]["text"],
            (place := result["locations"][0]["physicalLocation"])["artifactLocation"]["uri"],
            place["region"]["startLine"],
            result["occurrenceCount"],
        )
        for result in run["results"]
    ]


def many(number: int) -> Iterator[dict[str, Any]]:
    """Refused results that all have reasons of their own."""
    template = forged()
    for row in range(number):
        checks = [{"id": "quote.nonce", "outcome": "fail", "reason": f"extraData is {row}"}]
        yield {**template, "row": row, "checks": checks}


def test_refusals_are_results_with_rule_reason_and_place() -> None:
    run = run_of(render([honest(0), forged(4)]))
    assert told(run)[0] == ("quote.magic", MAGIC, "a.jsonl", 5, 1)
    assert [result["ruleId"] for result in run["results"]] == ["quote.magic", "quote.nonce"]
    (place,) = run["results"][0]["locations"][0]["logicalLocations"]
    assert place == {"name": "4", "fullyQualifiedName": "a.jsonl row 4"}
    assert run["properties"] == {"accepted": 1, "refused": 1}


def test_accepted_responses_are_no_results() -> None:
    run = run_of(render([honest()]))
    assert (run["results"], run["properties"]) == ([], {"accepted": 1, "refused": 0})


def test_no_responses_are_a_log_too() -> None:
    assert run_of(render([]))["results"] == []


def test_every_rule_that_is_named_is_described() -> None:
    run = run_of(render([unreadable()]))
    described = {
        rule["id"] for rule in run["tool"]["driver"]["rules"] if rule["shortDescription"]["text"]
    }
    assert {result["ruleId"] for result in run["results"]} <= described


def test_a_check_of_a_later_version_is_listed_as_a_rule() -> None:
    checks = [{"id": "ima.rules", "outcome": "fail", "reason": ""}]
    run = run_of(render([changed(forged(), checks=checks)]))
    assert run["tool"]["driver"]["rules"][-1] == {"id": "ima.rules"}
    assert run["results"][0]["message"] == {"text": "ima.rules"}


def test_equal_refusals_of_one_source_are_one_result_that_counts_them() -> None:
    run = run_of(render([forged(row) for row in range(MOST_ROWS + 5)]))
    first = run["results"][0]
    rows = [place["logicalLocations"][0]["name"] for place in first["relatedLocations"]]
    assert told(run)[0] == ("quote.magic", MAGIC, "a.jsonl", 1, MOST_ROWS + 5)
    assert rows == [str(row) for row in range(1, MOST_ROWS + 1)]


def test_sources_are_told_apart() -> None:
    run = run_of(render([forged(0, "a.json"), forged(0, "b.json")]))
    assert [line[2] for line in told(run)] == ["a.json", "a.json", "b.json", "b.json"]


@pytest.mark.parametrize(("number", "left_out"), [(MOST_RESULTS, 0), (MOST_RESULTS + 3, 3)])
def test_results_are_capped_and_a_notification_says_how_many_are_left_out(
    number: int, left_out: int
) -> None:
    (run,) = json.loads(render(many(number)))["runs"]  # the schema's own check takes seconds
    (invocation,) = run["invocations"]
    notes = [note["message"]["text"] for note in invocation["toolExecutionNotifications"]]
    said = f"{left_out} further refusals are left out: a log lists at most 5000 results"
    assert len(run["results"]) == MOST_RESULTS
    assert notes == ([said] if left_out else [])
    assert run["properties"]["refused"] == number


def test_beyond_the_cap_known_refusals_still_count() -> None:
    last = next(many(1))
    (run,) = json.loads(render([*many(MOST_RESULTS), last]))["runs"]
    assert run["results"][0]["occurrenceCount"] == 2
    assert run["invocations"][0]["toolExecutionNotifications"] == []


@pytest.mark.parametrize(
    ("source", "uri"),
    [
        ("responses/a.json", "responses/a.json"),
        ("a b%.json", "a%20b%25.json"),
        ("http://x/a:b", "http%3A/x/a%3Ab"),
        ("\ud800\u00e9", "%ED%A0%80%C3%A9"),
    ],
)
def test_sources_are_relative_references_and_never_another_scheme(source: str, uri: str) -> None:
    run = run_of(render([forged(0, source)]))
    assert told(run)[0][2] == uri


def test_any_text_stays_in_ascii() -> None:
    log = render([forged(0, ODD)])
    assert log.isascii()
    assert run_of(log)["results"]


FINDING: Final = Finding("p/a.yaml", 12, 7, "warning", "pcr.resettable", "pcrs.sha256.16: reset")


def test_every_rule_of_lint_is_described() -> None:
    source = Path(inspect.getfile(lint)).read_text(encoding="utf-8")
    named = set(re.findall(r'"((?:aik|bank|baseline|golden|nonce|pcr)\.[a-z0-9]+)"', source))
    named -= {"aik.trust"}  # a place in the policy
    run = run_of(render_lint([]))
    described = {rule["id"] for rule in run["tool"]["driver"]["rules"] if rule["shortDescription"]}
    assert len(named) > 7
    assert named | {"policy.load"} == described


def test_lint_gives_line_and_column() -> None:
    run = run_of(render_lint([FINDING]))
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("pcr.resettable", "warning")
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "p/a.yaml"},
        "region": {"startLine": 12, "startColumn": 7},
    }


@pytest.mark.parametrize(
    ("place", "region"), [((3, 4), {"startLine": 3, "startColumn": 4}), ((None, None), None)]
)
def test_a_policy_that_does_not_load_is_an_error_at_its_place(
    place: tuple[int | None, int | None], region: dict[str, int] | None
) -> None:
    run = run_of(render_lint([], [PolicyError("p.yaml", "tpm: expected \x1b", *place)]))
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("policy.load", "error")
    assert result["message"]["text"] == "tpm: expected \\x1b"
    assert result["locations"][0]["physicalLocation"].get("region") == region


def test_findings_are_capped_too() -> None:
    run = run_of(render_lint([FINDING] * (MOST_RESULTS + 1)))
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert len(run["results"]) == MOST_RESULTS
    assert note["message"]["text"].startswith("1 further findings are left out")
