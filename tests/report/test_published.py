"""``report.published``: where a published result stands, and what refuses it."""

import pytest

from attest.checks import CHECKS
from attest.report.published import (
    QUESTIONS,
    UNEXPLAINED,
    is_accepted,
    place_of,
    policy_of,
    refusals,
    source_of,
)
from tests.judging import AT, refusing, verified
from tests.report.results import ODD, changed, declined, forged, honest, published, unreadable

NOT_YET = {"policy": {"valid": {"from": "2027-01-01T00:00:00Z"}}}


def test_every_check_has_its_question_in_the_order_of_results() -> None:
    assert list(QUESTIONS) == list(CHECKS)


def test_an_accepted_result_has_no_refusals() -> None:
    assert (is_accepted(honest()), refusals(honest())) == (True, ())


def test_failures_refuse_with_their_reasons() -> None:
    first, second = refusals(forged())
    assert (first.check, second.check) == ("quote.magic", "quote.nonce")
    assert first.reason == "magic is 0x00000000, expected 0xff544347"


@pytest.mark.parametrize(
    "result",
    [
        verified(quoted={"magic": 0}),
        verified(quoted={"safe": 0, "magic": 0}),
        verified(policy=NOT_YET["policy"]),
        verified(signature=b"\x00" * 3),
        verified(drop=["_metadata.tpm_attestation"]),
    ],
)
def test_failures_and_what_is_always_mandatory_are_among_what_refuses(result) -> None:  # type: ignore[no-untyped-def] # an AttestationResult
    named = {refusal.check for refusal in refusals(published(result))}
    assert named
    assert named <= refusing(result)


def test_what_must_pass_under_every_policy_refuses_where_it_is_skipped() -> None:
    named = [refusal.check for refusal in refusals(unreadable())]
    assert named[:3] == ["evidence.present", "evidence.form", "quote.magic"]
    assert "aik.trust" not in named


def test_without_a_tpm_what_is_skipped_does_not_refuse() -> None:
    checks = [
        {**check, "outcome": "fail", "reason": "late"}
        if check["id"] == "policy.validity"
        else check
        for check in declined()["checks"]
    ]
    result = changed(declined(), decision="refused", checks=checks)
    assert [refusal.check for refusal in refusals(result)] == ["policy.validity"]


def test_where_nothing_fails_whatever_did_not_pass_refuses() -> None:
    result = changed(honest(), decision="refused")
    assert {refusal.check for refusal in refusals(result)} == {"aik.trust", "response.tier"}


def test_a_refusal_without_any_reason_stays_a_refusal() -> None:
    result = changed(honest(), decision="refused", checks=[])
    assert refusals(result) == (UNEXPLAINED,)


@pytest.mark.parametrize("word", ["refused", "Accepted", "", None, True])
def test_only_the_word_accepted_accepts(word: object) -> None:
    assert not is_accepted(changed(honest(), decision=word))


@pytest.mark.parametrize("source", [None, ""])
def test_an_unknown_source_is_said(source: str | None) -> None:
    assert source_of(changed(honest(), source=source)) == "unknown"


def test_a_place_is_safe_to_print() -> None:
    assert place_of(changed(honest(), source=ODD, row=None)).isprintable()
    assert place_of(honest(7)) == "a.jsonl row 7"


def test_a_policy_is_named_with_its_serial() -> None:
    assert policy_of(honest(policy={"serial": 7})) == "golden #7"
    assert policy_of(honest()) == "golden"
    assert policy_of(changed(honest(), policy=None)) == "no policy"


def test_the_moment_is_that_of_the_appraisal() -> None:
    assert honest()["verified_at"] == AT.isoformat().replace("+00:00", "Z")
