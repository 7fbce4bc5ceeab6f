"""``report.junit``: one test case a response, in a document that can be read whatever is in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Failure, JUnitXml, Properties, TestCase, TestSuite

from attest.report.junit import render
from tests.report.results import ODD, changed, declined, forged, honest, unreadable


def suite_of(document: str) -> TestSuite:
    """The one suite, as another library reads it."""
    (suite,) = JUnitXml.fromstring(document.encode())
    assert isinstance(suite, TestSuite)
    return suite


def cases_of(document: str) -> list[TestCase]:
    return list(suite_of(document))


def properties_of(case: TestCase) -> dict[str, str]:
    """What stands beside a case, by name."""
    held = case.child(Properties)  # type: ignore[no-untyped-call] # it has no types
    return {entry.name: entry.value for entry in held}


def test_each_response_is_a_test_case_and_refused_ones_fail() -> None:
    suite = suite_of(render([honest(0), forged(1), declined()]))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (3, 1, 0, 0)
    assert [case.name for case in suite] == ["a.jsonl row 0", "a.jsonl row 1", "a.jsonl row 0"]
    assert [len(case.result) for case in suite] == [0, 1, 0]


def test_a_failure_names_the_first_check_and_lists_all() -> None:
    (case,) = cases_of(render([forged()]))
    (failure,) = case.result
    assert isinstance(failure, Failure)
    assert failure.type == "quote.magic"
    assert failure.message == "quote.magic: magic is 0x00000000, expected 0xff544347"
    assert [line.split(":")[0] for line in failure.text.splitlines()] == [
        "quote.magic",
        "quote.nonce",
    ]


def test_a_case_says_what_was_proven() -> None:
    (case,) = cases_of(render([honest()]))
    properties = properties_of(case)
    assert (case.classname, properties["decision"]) == ("golden", "accepted")
    assert (properties["assurance"], properties["baseline"]) == ("self-consistent", "release-a")
    assert properties["evidence_sha256"] == honest()["evidence_sha256"]


def test_what_is_null_is_no_property() -> None:
    (case,) = cases_of(render([unreadable()]))
    assert set(properties_of(case)) == {"decision", "assurance"}


def test_no_responses_are_an_empty_suite() -> None:
    suite = suite_of(render([]))
    assert (suite.tests, list(suite)) == (0, [])


def test_a_refusal_that_no_check_explains_still_fails() -> None:
    assert suite_of(render([changed(honest(), decision="refused", checks=[])])).failures == 1


@pytest.mark.parametrize("text", [ODD, "\x0b", "\ufffe", "]]>", "\ud800"])
def test_text_that_xml_cannot_write_is_stripped(text: str) -> None:
    checks = [{"id": "evidence.form", "outcome": "fail", "reason": text}]
    result = changed(forged(source=text), checks=checks, payload_id=text)
    document = render([result])
    assert document.isascii()
    assert suite_of(document).failures == 1


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_gives_a_document_that_can_be_read(text: str) -> None:
    checks = [{"id": text, "outcome": "fail", "reason": text}]
    policy = {"name": text, "serial": None, "sha256": text}
    result = changed(
        RESULT, checks=checks, payload_id=text, source=text, baseline=text, policy=policy
    )
    assert suite_of(render([result])).failures == 1


RESULT = forged()
