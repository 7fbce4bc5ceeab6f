"""``report.ear``: claims as the drafts name them, and none that nothing supports."""

from typing import Any

import pytest

from attest.cli.options import EAR_PROFILES
from attest.report.ear import PROFILES, claims, status, trustworthiness_vector
from tests import build
from tests.judging import Members, verified
from tests.report.results import (
    ENROLLED,
    NOW,
    RESETTABLE,
    STRANGER,
    changed,
    declined,
    forged,
    honest,
    outcomes_of,
    published,
    unreadable,
)

BROKEN_RULE: Members = {"pcrs": {"sha256": {10: "initial"}}}
REVOKED = {"revoked": "CVE-2026-1234"}
EXPIRED = {"valid": {"until": "2026-01-01T00:00:00Z"}}
TIERS = {0: "none", 1: "none", 2: "affirming", 3: "affirming", 32: "warning", 33: "warning"}
RANK = ["affirming", "warning", "contraindicated"]


def appraisal(result: dict[str, Any]) -> dict[str, Any]:
    """The one appraisal."""
    (one,) = claims(result, NOW)["submods"].values()
    assert isinstance(one, dict)
    return one


def test_a_claims_set_has_what_the_draft_demands() -> None:
    told = claims(honest(policy={"serial": 3}), NOW)
    assert told["eat_profile"] == "tag:ietf.org,2026:rats/ear#04"
    assert told["iat"] == 1795599000
    assert told["ear_status"] == told["submods"]["tpm"]["ear_status"] == "warning"
    assert told["ear_verifier_id"] == {"developer": "tpm-attest", "build": honest()["verifier"]}
    assert list(told["submods"]) == ["tpm"]


def test_an_appraisal_names_policy_request_and_evidence() -> None:
    result = honest()
    told = appraisal(result)
    assert told["ear_appraisal_policy_ids"] == [f"golden@sha256:{result['policy']['sha256']}"]
    assert told["tpm_attest"]["payload_id"] == result["payload_id"]
    assert told["tpm_attest"]["evidence_sha256"] == result["evidence_sha256"]
    assert told["tpm_attest"]["verified_at"] == "2026-11-24T12:00:00Z"
    assert told["tpm_attest"]["refused_by"] == []


def test_a_refused_appraisal_names_what_refuses() -> None:
    assert appraisal(forged())["tpm_attest"]["refused_by"] == ["quote.magic", "quote.nonce"]
    assert appraisal(unreadable())["tpm_attest"]["aik_name"] is None


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("veraison", "tag:github.com,2023:veraison/ear"),
        ("trustee", "tag:github.com,2024:confidential-containers/Trustee"),
    ],
)
def test_the_dotted_profiles_have_dotted_names_and_one_policy(name: str, uri: str) -> None:
    told = claims(honest(), NOW, PROFILES[name])
    one = told["submods"]["tpm"]
    assert (told["eat_profile"], "ear.verifier-id" in told) == (uri, True)
    assert one["ear.status"] == "warning"
    assert one["ear.trustworthiness-vector"] == {"executables": 3}
    assert one["ear.appraisal-policy-id"].startswith("golden@sha256:")
    assert not [key for key in (*told, *one) if key.startswith("ear_")]
    assert "ear.status" not in told


def test_the_command_knows_every_profile() -> None:
    assert tuple(PROFILES) == EAR_PROFILES


def test_without_a_policy_no_policy_is_named() -> None:
    assert "ear_appraisal_policy_ids" not in appraisal(changed(forged(), policy=None))


def test_golden_values_without_an_anchor_are_a_warning_and_say_nothing_of_hardware() -> None:
    result = honest()
    assert (status(result), trustworthiness_vector(result)) == ("warning", {"executables": 3})


def test_an_enrolled_key_is_affirmed_with_instance_and_hardware() -> None:
    result = honest(policy=ENROLLED)
    assert status(result) == "affirming"
    assert trustworthiness_vector(result) == {
        "executables": 3,
        "instance-identity": 2,
        "hardware": 2,
    }


def test_a_key_that_is_not_enrolled_is_not_recognised_and_says_nothing_of_hardware() -> None:
    result = honest(policy=STRANGER)
    assert status(result) == "contraindicated"
    assert trustworthiness_vector(result) == {"executables": 3, "instance-identity": 97}


@pytest.mark.parametrize(
    "lie",
    [
        {"signature": b"\x00\x14\x00\x0b\x01\x00" + b"\x01" * 256},
        {"quoted": {"extra_data": b"\x00" * 16}},
        {"quoted": {"magic": 0}},
        {"quoted": {"digest": b"\x00" * 32}},
        {"quoted": {"signer": b"\x00\x0b" + b"\x00" * 31}},
    ],
)
def test_a_broken_signature_nonce_or_digest_is_99_in_every_claim(lie: dict[str, Any]) -> None:
    result = published(verified(policy=ENROLLED, **lie))
    assert status(result) == "contraindicated"
    assert trustworthiness_vector(result) == {
        "executables": 99,
        "instance-identity": 99,
        "hardware": 99,
    }


def test_a_forgery_without_an_anchor_says_nothing_of_hardware() -> None:
    assert trustworthiness_vector(forged()) == {"executables": 99}


def test_a_forgery_by_a_stranger_is_99_and_says_nothing_of_hardware() -> None:
    told = trustworthiness_vector(forged(policy=STRANGER))
    assert told == {"executables": 99, "instance-identity": 99}


def test_unknown_values_are_33() -> None:
    other = {"sha256": {0: b"\x01" * 32, 7: b"\x02" * 32}}
    result = honest(policy={"baselines": [{"name": "other", "pcrs": other}]})
    assert (status(result), trustworthiness_vector(result)) == (
        "contraindicated",
        {"executables": 33},
    )


def test_a_broken_rule_is_33_beside_a_baseline_that_matches() -> None:
    result = honest(policy=BROKEN_RULE)
    assert outcomes_of(result)["pcr.baseline"] == "pass"
    assert trustworthiness_vector(result) == {"executables": 33}


@pytest.mark.parametrize(("said", "value"), [(REVOKED, 96), (EXPIRED, 32)])
def test_known_values_that_are_no_longer_wanted_are_not_unknown(
    said: dict[str, object], value: int
) -> None:
    golden = {"sha256": {0: build.VALUES["sha256"][0]}}
    result = honest(policy={"baselines": [{"name": "old", "pcrs": golden, **said}]})
    assert (status(result), trustworthiness_vector(result)) == (
        "contraindicated",
        {"executables": value},
    )


def test_rules_alone_say_nothing_of_executables() -> None:
    result = honest(policy={"baselines": None, "pcrs": {"sha256": {10: "extended"}}})
    assert trustworthiness_vector(result) == {"executables": 0}


def test_a_boot_without_its_first_pcr_says_nothing_of_executables() -> None:
    values = {"sha256": {7: b"\x01" * 32}}
    result = published(verified(values=values))
    assert result["decision"] == "accepted"
    assert trustworthiness_vector(result) == {"executables": 0}


def test_evidence_that_cannot_be_read_is_1_and_refused() -> None:
    result = published(verified(quoted={"trailing": b"\x00"}))
    assert outcomes_of(result)["evidence.form"] == "fail"
    assert status(result) == "contraindicated"
    assert trustworthiness_vector(result) == {"executables": 1}


@pytest.mark.parametrize("result", [declined(), unreadable()])
def test_no_evidence_is_no_assertion(result: dict[str, Any]) -> None:
    assert trustworthiness_vector(result) == {"executables": 0}


def test_a_server_without_a_tpm_is_never_affirmed() -> None:
    assert (status(declined()), status(unreadable())) == ("none", "contraindicated")


def test_what_was_not_asked_is_no_assertion() -> None:
    result = honest(policy=ENROLLED)
    checks = [
        {**check, "outcome": "skip"} if check["id"] == "quote.digest" else check
        for check in result["checks"]
    ]
    told = trustworthiness_vector(changed(result, checks=checks, assurance="none"))
    assert told == {"executables": 0, "instance-identity": 0, "hardware": 0}


@pytest.mark.parametrize(
    "result",
    [
        honest(),
        honest(policy=ENROLLED),
        honest(policy=STRANGER),
        honest(policy=BROKEN_RULE),
        published(verified(values=RESETTABLE)),
        forged(),
        declined(),
        unreadable(),
    ],
)
def test_the_status_is_never_better_than_the_worst_claim(result: dict[str, Any]) -> None:
    tiers = [
        TIERS.get(value, "contraindicated") for value in trustworthiness_vector(result).values()
    ]
    ranks = [RANK.index(tier) for tier in tiers if tier != "none"]
    told = status(result)
    assert told == "none" or RANK.index(told) >= max(ranks, default=0)
