"""Formats that tell of many results: Prometheus, OSCAL, OCSF, each read by another's library."""

import json
from typing import Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from trestle.oscal.assessment_results import AssessmentResults

from attest.report import ocsf, oscal, prometheus
from attest.report.summary import summarise
from tests.report.results import (
    ENROLLED,
    NOW,
    ODD,
    changed,
    declined,
    forged,
    honest,
    unreadable,
)

RESULTS: Final = [honest(0), honest(1, policy=ENROLLED), forged(2), declined(), unreadable()]
Samples = dict[tuple[str, ...], float]


def samples_of(text: str, metric: str) -> Samples:
    """Samples of one metric by the values of their labels."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return {tuple(sample.labels.values()): sample.value for sample in families[metric].samples}


def assessment_of(document: str) -> Any:
    """The assessment as the library of OSCAL reads it, and as it writes it again."""
    assessment = AssessmentResults.model_validate(json.loads(document)["assessment-results"])
    return json.loads(assessment.oscal_serialize_json())["assessment-results"]


def test_a_summary_counts_by_decision_and_assurance() -> None:
    summary = summarise(iter(RESULTS))
    assert (summary.accepted, summary.refused) == (3, 2)
    assert summary.decisions == {
        ("accepted", "anchored"): 1,
        ("accepted", "none"): 1,
        ("accepted", "self-consistent"): 1,
        ("refused", "none"): 2,
    }


def test_a_summary_lists_checks_in_the_order_of_results_and_unknown_ones_last() -> None:
    later = changed(forged(), checks=[{"id": "ek.later", "outcome": "fail", "reason": ""}])
    summary = summarise([later, *RESULTS])
    assert summary.checked[0] == "evidence.present"
    assert summary.checked[-1] == "ek.later"
    assert summary.checks["quote.magic", "fail"] == 1


def test_a_summary_spans_the_moments_of_its_results() -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z"
    moments = [None, late, early, None]
    summary = summarise(changed(honest(), verified_at=moment) for moment in moments)
    assert (summary.first, summary.last) == (early, late)


def test_a_summary_of_nothing_counts_nothing() -> None:
    summary = summarise([])
    assert (summary.accepted, summary.refused, summary.checked) == (0, 0, ())
    assert (summary.first, summary.last, summary.verifiers) == (None, None, ())


def test_metrics_are_read_by_another_parser() -> None:
    text = prometheus.render(RESULTS)
    assert samples_of(text, "tpm_attest_responses")["refused", "none"] == 2
    assert samples_of(text, "tpm_attest_checks")["quote.magic", "fail"] == 1
    assert samples_of(text, "tpm_attest_baselines") == {("release-a",): 3}


def test_metrics_name_policies_with_digest_and_decision() -> None:
    text = prometheus.render([honest(), changed(forged(), policy=None)])
    digest = honest()["policy"]["sha256"]
    assert samples_of(text, "tpm_attest_policies") == {
        ("", "", "refused"): 1,
        ("golden", digest, "accepted"): 1,
    }


@pytest.mark.parametrize("name", ['a"b', "a\\b", "a\nb", "a\\nb", "\u00e9{}=,"])
def test_labels_are_escaped(name: str) -> None:
    text = prometheus.render([changed(honest(), baseline=name)])
    assert samples_of(text, "tpm_attest_baselines") == {(name,): 1}


def test_metrics_of_nothing_are_well_formed() -> None:
    text = prometheus.render([])
    assert [family.type for family in text_string_to_metric_families(text)] == ["gauge"] * 4


def test_an_assessment_is_read_by_another_library() -> None:
    assessment = assessment_of(oscal.render(RESULTS, NOW))
    (result,) = assessment["results"]
    (resource,) = assessment["back-matter"]["resources"]
    assert result["description"] == "3 responses accepted, 2 refused."
    assert assessment["metadata"]["oscal-version"] == oscal.OSCAL_VERSION
    assert assessment["import-ap"]["href"] == f"#{resource['uuid']}"


def findings_of(results: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    """State and reason of each objective."""
    (result,) = assessment_of(oscal.render(results, NOW))["results"]
    targets = [finding["target"] for finding in result["findings"]]
    return {
        target["target-id"]: (target["status"]["state"], target["status"]["reason"])
        for target in targets
    }


def test_an_objective_is_met_only_where_every_response_passes() -> None:
    findings = findings_of([honest(0), honest(1)])
    assert findings["quote.nonce"] == ("satisfied", "pass")
    assert findings["aik.trust"] == ("not-satisfied", "other")
    assert findings_of([honest(), forged()])["quote.nonce"] == ("not-satisfied", "fail")
    assert findings_of([honest(), declined()])["quote.nonce"] == ("not-satisfied", "other")


def test_what_was_asked_of_nobody_is_no_finding() -> None:
    assert "response.tier" not in findings_of([honest()])


def test_an_assessment_names_controls_and_policies() -> None:
    (result,) = assessment_of(oscal.render(RESULTS, NOW, ["si-7"]))["results"]
    (selection,) = result["reviewed-controls"]["control-selections"]
    policies = [prop["value"] for prop in result["props"] if prop["name"] == "policy"]
    assert selection["include-controls"] == [{"control-id": "si-7"}]
    assert f"golden sha256:{honest()['policy']['sha256']}" in policies


def test_an_assessment_is_the_same_for_the_same_results_at_the_same_moment() -> None:
    assert oscal.render(RESULTS, NOW) == oscal.render(iter(RESULTS), NOW)
    assert oscal.render(RESULTS, NOW) != oscal.render(RESULTS[:1], NOW)


def test_an_assessment_of_nothing_can_be_read() -> None:
    (result,) = assessment_of(oscal.render([], NOW))["results"]
    assert not {"findings", "observations"} & set(result)
    assert result["description"] == "0 responses accepted, 0 refused."


@pytest.mark.parametrize("result", RESULTS)
def test_every_result_is_a_finding_that_another_library_reads(result: dict[str, Any]) -> None:
    event = ocsf.finding(result, NOW)
    read = ComplianceFinding.model_validate(event)
    assert (read.class_uid, read.type_uid.value, read.time) == (2003, 200301, 1795599000000)
    assert read.compliance.checks is not None
    assert [check.uid for check in read.compliance.checks] == [
        check["id"] for check in result["checks"]
    ]


def test_a_refused_response_is_a_failed_control_with_its_reasons() -> None:
    event = ocsf.finding(forged(), NOW)
    assert (event["compliance"]["status"], event["severity"]) == ("Fail", "High")
    assert event["status_detail"].startswith("quote.magic: magic is 0x00000000, expected")
    assert event["finding_info"]["title"] == "TPM attestation refused: a.jsonl row 0"


def test_an_accepted_response_is_a_control_that_passes() -> None:
    event = ocsf.finding(honest(), NOW)
    assert (event["compliance"]["status"], event["status_code"]) == ("Pass", "PASS")
    assert "status_detail" not in event
    assert event["resources"] == [{"uid": honest()["aik"]["name"], "type": "TPM attestation key"}]


def test_outcomes_become_statuses_of_the_class() -> None:
    checks = ocsf.finding(honest(), NOW)["compliance"]["checks"]
    statuses = {check["uid"]: (check["status_id"], check["status"]) for check in checks}
    assert statuses["quote.nonce"] == (1, "Pass")
    assert statuses["aik.trust"] == (2, "Warning")
    assert statuses["response.tier"] == (99, "skip")


def test_what_is_null_is_left_out_and_places_are_safe() -> None:
    event = ocsf.finding(changed(unreadable(), source=ODD), NOW)
    assert set(event["unmapped"]) == {"assurance", "verified_at"}
    assert event["message"].isprintable()
    assert "resources" not in event
