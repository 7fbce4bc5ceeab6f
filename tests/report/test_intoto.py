"""``report.intoto``: an approval for what was accepted alone, a test result for what was not."""

import json
from typing import Any

import pytest

from attest.report.intoto import SVR, TEST_RESULT, simple_verification, statement, test_result
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

test_result.__test__ = False  # type: ignore[attr-defined] # a predicate, no test


def document_of(result: dict[str, Any]) -> dict[str, Any]:
    octets = statement(result, NOW)
    assert octets is not None
    document = json.loads(octets)
    assert isinstance(document, dict)
    return document


def test_an_accepted_response_gets_a_simple_verification_result() -> None:
    told = document_of(honest(policy={"serial": 3}))
    policy = honest(policy={"serial": 3})["policy"]
    assert (told["_type"], told["predicateType"]) == ("https://in-toto.io/Statement/v1", SVR)
    assert told["predicate"]["timeCreated"] == "2026-11-25T09:30:00Z"
    assert told["predicate"]["verifier"] == {
        "id": "pkg:pypi/" + honest()["verifier"].replace(" ", "@"),
        "policies": [{"name": "golden", "digest": {"sha256": policy["sha256"]}}],
    }


def test_properties_are_the_checks_that_pass_and_what_was_proven() -> None:
    properties = document_of(honest())["predicate"]["properties"]
    assert properties[:2] == ["TPM_ATTEST_ACCEPTED", "TPM_ATTEST_ASSURANCE_SELF_CONSISTENT"]
    assert "TPM_ATTEST_QUOTE_NONCE" in properties
    assert "TPM_ATTEST_AIK_TRUST" not in properties
    anchored = document_of(honest(policy=ENROLLED))["predicate"]["properties"]
    assert {"TPM_ATTEST_ASSURANCE_ANCHORED", "TPM_ATTEST_AIK_TRUST"} <= set(anchored)


def test_a_refused_response_gets_a_failed_test_result() -> None:
    told = document_of(forged())
    assert (told["predicateType"], told["predicate"]["result"]) == (TEST_RESULT, "FAILED")
    assert told["predicate"]["failedTests"] == ["quote.magic", "quote.nonce"]
    assert "aik.trust" in told["predicate"]["warnedTests"]
    assert "response.tier" not in str(told["predicate"])


def test_a_refused_response_never_gets_an_approval() -> None:
    with pytest.raises(ValueError, match=r"^a refused result has no properties to rely upon$"):
        simple_verification(forged(), NOW)


@pytest.mark.parametrize(
    ("result", "word"),
    [(honest(), "WARNED"), (honest(policy=ENROLLED), "PASSED"), (forged(), "FAILED")],
)
def test_a_test_result_says_passed_only_without_warnings(result: dict[str, Any], word: str) -> None:
    assert test_result(result)["result"] == word


def test_the_subject_is_the_evidence_under_the_id_of_the_request() -> None:
    (subject,) = document_of(honest())["subject"]
    assert subject["digest"] == {"sha256": honest()["evidence_sha256"]}
    assert subject["name"] == honest()["payload_id"]
    assert subject["annotations"]["verified_at"] == "2026-11-24T12:00:00Z"


@pytest.mark.parametrize("missing", [None, ""])
def test_a_subject_without_an_id_bears_its_place(missing: str | None) -> None:
    (subject,) = document_of(changed(honest(3), payload_id=missing))["subject"]
    assert subject["name"] == "a.jsonl row 3"


def test_without_evidence_there_is_no_statement() -> None:
    assert statement(unreadable(), NOW) is None


def test_the_answer_that_there_is_no_tpm_is_evidence_with_a_digest() -> None:
    told = document_of(declined())["predicate"]
    assert "TPM_ATTEST_ASSURANCE_NONE" in told["properties"]
    assert "TPM_ATTEST_QUOTE_SIGNATURE" not in told["properties"]


def test_without_a_policy_the_list_of_policies_is_empty() -> None:
    assert test_result(changed(forged(), policy=None))["configuration"] == []


def test_any_text_stays_in_ascii() -> None:
    octets = statement(changed(honest(), payload_id=ODD), NOW)
    assert octets is not None
    assert octets.isascii()
    assert json.loads(octets)["subject"][0]["name"] == ODD
