"""``attest.verify``: the caller's mistakes raise, everything else is a result."""

import importlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import attest
from attest.policy.model import Policy, PolicySet
from tests import build
from tests.judging import (
    ABSENT,
    AT,
    ORDER,
    answer,
    attestation,
    octets_of,
    policy_of,
    refusing,
    verified,
)

HONEST = octets_of(build.response())
NONE = {"is_available": False}
OPTIONAL = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
GIVEN = policy_of(nonce="given")
WITHOUT = attestation(NONE, security_tier="standard")
NOW, NEXT = "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"


def judged(response: object, policy: Policy | PolicySet, **asking: Any) -> attest.AttestationResult:
    return attest.verify(response, policy, **{"at": AT, **asking})


@pytest.mark.parametrize(
    ("asking", "fault"),
    [
        ({"at": datetime(2026, 11, 24)}, "at has no time zone"),  # noqa: DTZ001 - the mistake
        ({"security_tier": ""}, "security_tier is '', expected one of standard, high, maximum"),
        ({"security_tier": "Maximum"}, "security_tier is 'Maximum', expected one of standard, "),
        ({"nonce": b"\1"}, "a nonce was given, and the policy does not say nonce: given"),
        ({"nonce": b""}, "a nonce was given, and the policy does not say nonce: given"),
    ],
)
def test_verify_raises_for_a_callers_mistake(asking: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}"):
        judged(HONEST, policy_of(), **asking)


@pytest.mark.parametrize(
    ("nonce", "fault"),
    [
        (None, "the policy says nonce: given, and no nonce was given"),
        (b"", "nonce has 0 octets, expected 1 to 64"),
        (bytes(65), "nonce has 65 octets, expected 1 to 64"),
    ],
)
def test_verify_raises_where_a_nonce_is_missing_empty_or_too_long(
    nonce: bytes | None, fault: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}$"):
        judged(HONEST, GIVEN, nonce=nonce)


@pytest.mark.parametrize("nonce", [bytes(1), bytes(64)])
def test_verify_takes_a_nonce_of_1_to_64_octets(nonce: bytes) -> None:
    response = octets_of(build.response(quoted={"extra_data": nonce}))
    assert judged(response, GIVEN, nonce=nonce).accepted


@pytest.mark.parametrize("nonce", ["00", 1, bytearray(1), memoryview(b"\0"), [0]])
def test_verify_raises_where_a_nonce_is_no_bytes(nonce: Any) -> None:
    with pytest.raises(TypeError, match=f"^nonce is {type(nonce).__name__}, expected bytes$"):
        judged(HONEST, GIVEN, nonce=nonce)


@pytest.mark.parametrize("policy", [None, "policy.yaml", {"schema": 1}, [policy_of()]])
def test_verify_raises_where_a_policy_is_none(policy: Any) -> None:
    fault = f"policy is {type(policy).__name__}, expected what load_policy returns"
    with pytest.raises(TypeError, match=f"^{fault}$"):
        judged(HONEST, policy)


def test_verify_raises_for_a_mistake_whatever_the_response_holds() -> None:
    with pytest.raises(ValueError, match="no nonce was given"):
        judged(b"no JSON", GIVEN)


def test_verify_takes_the_present_moment_by_default() -> None:
    before = datetime.now(UTC)
    result = attest.verify(HONEST, policy_of())
    assert result.verified_at is not None
    assert before <= result.verified_at <= datetime.now(UTC)


@pytest.mark.parametrize("tier", ["standard", "high", "maximum"])
def test_verify_takes_every_tier(tier: str) -> None:
    response = octets_of(build.response(tier=tier))
    assert judged(response, policy_of(), security_tier=tier).accepted


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-1, False), (0, True), (0.999999, True), (1, False)]
)
def test_every_validity_is_decided_by_the_one_moment(seconds: float, accepted: bool) -> None:
    valid = {"from": NOW, "until": NEXT}
    golden = {"sha256": {7: build.VALUES["sha256"][7]}}
    policy = policy_of(valid=valid, baselines=[{"name": "r", "valid": valid, "pcrs": golden}])
    result = judged(HONEST, policy, at=AT + timedelta(seconds=seconds))
    both = {"policy.validity", "pcr.baseline"}
    assert (result.accepted, refusing(result)) == (accepted, set() if accepted else both)


def test_a_moment_in_another_zone_is_the_same_moment() -> None:
    elsewhere = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    policy = policy_of(valid={"from": NOW, "until": NEXT})
    assert judged(HONEST, policy, at=elsewhere).to_dict() == judged(HONEST, policy).to_dict()


@pytest.mark.parametrize(
    ("saved", "given", "carried"),
    [
        (build.PAYLOAD_ID, None, build.PAYLOAD_ID),
        (build.PAYLOAD_ID, "mine", "mine"),
        (None, "mine", "mine"),
        (None, None, None),
        (7, None, None),
        (["id"], None, None),
        ("", None, ""),
        (build.PAYLOAD_ID, "\ud800", None),
        (build.PAYLOAD_ID, 7, None),
    ],
)
def test_result_carries_the_callers_id_else_the_saved_one(
    saved: object, given: Any, carried: str | None
) -> None:
    response = octets_of(build.response(metadata={"payload_id": saved}))
    assert judged(response, policy_of(), payload_id=given).payload_id == carried


@pytest.mark.parametrize(
    "response",
    [
        HONEST,
        b"",
        b"{}",
        b"[]",
        b"\xff",
        WITHOUT,
        attestation({"is_available": True}),
        attestation({"is_available": False, "x": 1}),
        attestation([]),
        octets_of({"_metadata": None}),
        octets_of(build.response(quote=b"")),
        {},
        {"_metadata": {1: 2}},
        {"a": object()},
        {"a": float("nan")},
        {"a": "\ud800"},
        [],
        "{}",
        None,
        7,
        object(),
        bytearray(HONEST),
        memoryview(HONEST),
    ],
)
@pytest.mark.parametrize("policy", [policy_of(), OPTIONAL], ids=["required", "optional"])
def test_every_check_stands_once_in_order_on_any_input(response: object, policy: Policy) -> None:
    assert tuple(check.id for check in judged(response, policy).checks) == ORDER


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_octets_are_judged_alike_in_any_buffer(kind: Any) -> None:
    assert judged(kind(HONEST), policy_of()).accepted


@pytest.mark.parametrize("response", [b"{}", attestation(NONE), attestation([])])
def test_without_evidence_nothing_of_it_is_asked(response: bytes) -> None:
    result = judged(response, policy_of())
    of_evidence = [check for check in ORDER if check[:3] in {"quo", "aik", "pcr"}]
    assert [answer(result, check) for check in of_evidence] == [("skip", ABSENT)] * 16


@pytest.mark.parametrize("response", [b"{}", attestation(NONE), b"no JSON", attestation([])])
def test_without_evidence_a_policy_that_requires_it_refuses(response: bytes) -> None:
    result = judged(response, policy_of())
    assert (result.accepted, str(result.assurance)) == (False, "none")
    assert {"evidence.present", "evidence.form", "quote.signature"} <= refusing(result)


def test_without_a_tpm_an_optional_policy_accepts_and_proves_nothing() -> None:
    result = judged(WITHOUT, OPTIONAL)
    assert (result.accepted, str(result.assurance), result.baseline) == (True, "none", None)


@pytest.mark.parametrize(
    ("asking", "refuses"),
    [
        ({"security_tier": "standard"}, set()),
        ({"security_tier": "high"}, {"policy.scope", "response.tier"}),
    ],
)
def test_without_a_tpm_scope_and_tier_still_count(
    asking: Mapping[str, Any], refuses: set[str]
) -> None:
    assert refusing(judged(WITHOUT, OPTIONAL, **asking)) == refuses


def test_without_a_tpm_the_validity_still_counts() -> None:
    over = {"until": NOW}
    policy = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]}, valid=over)
    assert refusing(judged(WITHOUT, policy)) == {"policy.validity"}


@pytest.mark.parametrize(
    "member",
    [
        NONE | {"pcr_banks": "sha256:0"},
        NONE | {"reason": "none built in"},
        {},
        {"is_available": 0},
        {"is_available": None},
        None,
        False,
    ],
)
def test_an_optional_policy_refuses_anything_but_the_exact_refusal(member: object) -> None:
    result = judged(attestation(member, security_tier="standard"), OPTIONAL)
    assert refusing(result) >= {"evidence.present", "evidence.form"}


@pytest.mark.parametrize("response", [b"{}", octets_of({"_metadata": {}})])
def test_an_optional_policy_refuses_where_the_attestation_is_missing(response: bytes) -> None:
    result = judged(response, OPTIONAL, security_tier="standard")
    assert refusing(result) >= {"evidence.present", "evidence.form"}


def test_an_optional_policy_judges_evidence_that_is_there() -> None:
    response = octets_of(build.response(tier="standard", quoted={"magic": 0}))
    assert refusing(judged(response, OPTIONAL)) == {"quote.magic"}


@pytest.mark.parametrize("check", ORDER)
def test_an_exception_inside_a_check_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, check: str
) -> None:
    def broken(*_: object) -> attest.CheckResult:
        raise LookupError("odd\x1b[2J")

    monkeypatch.setitem(importlib.import_module("attest.verify").CHECKS, check, broken)
    result = judged(HONEST, policy_of())
    outcome, reason = answer(result, check)
    assert (outcome, refusing(result)) == ("fail", {check})
    assert reason.startswith(r"unexpected LookupError: odd\x1b[2J")


@pytest.mark.parametrize(
    ("told", "vouched"),
    [
        ({}, True),
        ({"quoted": {"extra_data": b"stale"}}, True),
        ({"quoted": {"digest": bytes(32)}}, False),
        ({"signature": b"\0\x14\0\x0b\0\0"}, False),
        ({"public": b""}, False),
        ({"signature": b""}, False),
    ],
)
def test_pcr_judgements_say_where_nothing_vouches_for_them(
    told: dict[str, Any], vouched: bool
) -> None:
    result = verified(**told)
    unvouched = [
        answer(result, check)[1].endswith("; nothing vouches for the reported values")
        for check in ("pcr.rules", "pcr.baseline")
    ]
    assert unvouched == [not vouched] * 2


def test_matching_pcrs_never_turn_a_refusal() -> None:
    result = verified(signature=b"\0\x14\0\x0b\0\0")
    outcomes = [answer(result, check)[0] for check in ("pcr.rules", "pcr.baseline")]
    assert (outcomes, result.accepted) == (["pass", "pass"], False)


@pytest.mark.parametrize("policy", [{"pcrs": None}, {"baselines": None}])
def test_skipped_pcr_checks_say_nothing_of_vouching(policy: dict[str, object]) -> None:
    result = verified(policy=policy, quoted={"digest": bytes(32)})
    skipped = [check.reason for check in result.checks if check.id.startswith("pcr.")]
    assert sum("vouches" in reason for reason in skipped) == 1
