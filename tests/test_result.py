"""``AttestationResult``: one derived decision, and the JSON that the schema describes."""

import hashlib
import json
import pickle
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

import attest
from attest.digests import evidence_sha256
from attest.policy.schema import schema
from attest.result import Assurance, AttestationResult, CheckResult, Outcome
from tests import aik, build
from tests.judging import AT, ORDER, attestation, octets_of, policy_of, verified

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = sorted(path.parent for path in FIXTURES.glob("*/expected.json"))
VALIDATOR = jsonschema.Draft202012Validator(schema("result"))
MEMBERS = (
    *("schema", "source", "row", "payload_id", "decision", "assurance", "anchor", "baseline"),
    *("closest_baseline", "differences", "tier", "checks", "pcrs", "aik", "clock"),
    *("firmware_version", "policy", "evidence_sha256", "verified_at", "verifier"),
)
PROVING = frozenset(
    {"evidence.present", "evidence.form", "quote.magic", "quote.type", "quote.signature"}
    | {"quote.nonce", "quote.selection", "quote.digest"}
    | {"aik.attributes", "aik.strength", "aik.scheme"}
)
ANCHOR = attest.Anchor("enrolled", "name", b"\0\x0b")
KEY = aik.rsa_aik()


def result_of(outcomes: dict[str, str], mandatory: set[str], **members: Any) -> AttestationResult:
    checks = tuple(CheckResult(check, Outcome(how), "why") for check, how in outcomes.items())
    told = {"nonce_compared": True, **members}
    return AttestationResult(checks=checks, mandatory=frozenset(mandatory), **told)


@pytest.mark.parametrize(("outcome", "mandatory"), [*product(Outcome, [False, True])])
def test_decision_follows_from_outcome_and_duty(outcome: Outcome, mandatory: bool) -> None:
    result = result_of({"quote.clock": outcome}, {"quote.clock"} if mandatory else set())
    accepted = outcome == "pass" or (outcome in {"warn", "skip"} and not mandatory)
    decision = "accepted" if accepted else "refused"
    refusals = () if accepted else result.checks
    assert (result.accepted, result.refusals, result.to_dict()["decision"]) == (
        accepted,
        refusals,
        decision,
    )


def test_refusals_are_only_the_checks_that_refuse_in_order() -> None:
    outcomes = {"a.a": "fail", "b.b": "pass", "c.c": "warn", "d.d": "skip", "e.e": "warn"}
    result = result_of(outcomes, {"b.b", "c.c", "d.d"})
    assert [check.id for check in result.refusals] == ["a.a", "c.c", "d.d"]


def test_a_result_without_checks_is_refused() -> None:
    assert not result_of({}, set()).accepted


@pytest.mark.parametrize("refused", [False, True])
def test_truth_of_a_result_is_a_type_error(refused: bool) -> None:
    result = verified(quoted={"magic": 0} if refused else {})
    with pytest.raises(TypeError, match=r"use \.accepted"):
        bool(result)


@pytest.mark.parametrize("check", ORDER)
@pytest.mark.parametrize("outcome", ["fail", "warn", "skip"])
def test_assurance_rests_on_every_check_that_proves(check: str, outcome: str) -> None:
    result = result_of(dict.fromkeys(ORDER, "pass") | {check: outcome}, set(), anchor=ANCHOR)
    if check in PROVING:
        assert result.assurance is Assurance.NONE
    elif check == "aik.trust":
        assert result.assurance is Assurance.SELF_CONSISTENT
    else:
        assert result.assurance is Assurance.ANCHORED


@pytest.mark.parametrize("check", sorted(PROVING))
def test_assurance_is_none_where_a_proving_check_is_missing(check: str) -> None:
    outcomes = {one: "pass" for one in ORDER if one != check}
    assert result_of(outcomes, set()).assurance is Assurance.NONE


def test_assurance_needs_an_anchor_to_be_anchored() -> None:
    result = result_of(dict.fromkeys(ORDER, "pass"), set())
    assert result.assurance is Assurance.SELF_CONSISTENT


@pytest.mark.parametrize("outcome", ["warn", "fail", "skip"])
def test_assurance_needs_no_nonce_where_none_is_compared(outcome: str) -> None:
    outcomes = dict.fromkeys(ORDER, "pass") | {"quote.nonce": outcome}
    result = result_of(outcomes, set(), nonce_compared=False)
    assert result.assurance is Assurance.SELF_CONSISTENT


@pytest.mark.parametrize(
    "policy",
    [
        {"pcrs": {"sha256": {7: "initial"}}},
        {"baselines": [{"name": "r", "pcrs": {"sha256": {0: bytes(32)}}}]},
        {"valid": {"until": "2026-01-01T00:00:00Z"}},
        {"applies_to": {"security_tier": ["high"]}},
    ],
)
@pytest.mark.parametrize("anchored", [False, True])
def test_assurance_stays_where_only_policy_or_pcrs_refuse(
    policy: dict[str, object], anchored: bool
) -> None:
    enrolled = {"trust": "enrolled", "names": [KEY.name]}
    how = {"aik": enrolled} if anchored else {}
    result = verified(policy={**policy, **how})
    expected = (False, "anchored" if anchored else "self-consistent")
    assert (result.accepted, str(result.assurance)) == expected


def test_json_has_every_member_of_the_contract_in_its_order() -> None:
    assert tuple(verified().to_dict("a.json", 0)) == MEMBERS


def test_json_of_an_accepted_response() -> None:
    document = verified(asking={"security_tier": "maximum"}).to_dict("responses/a.json", 3)
    del document["checks"], document["evidence_sha256"]
    sha256 = hashlib.sha256(build.policy_text().encode()).hexdigest()
    assert document == {
        "schema": 1,
        "source": "responses/a.json",
        "row": 3,
        "payload_id": build.PAYLOAD_ID,
        "decision": "accepted",
        "assurance": "self-consistent",
        "anchor": None,
        "baseline": "release-a",
        "closest_baseline": None,
        "differences": [],
        "tier": "maximum",
        "pcrs": build.hex_values(build.VALUES),
        "aik": {"name": KEY.name.hex(), "hierarchy": "endorsement"},
        "clock": {"clock": "123456", "reset_count": 7, "restart_count": 2, "safe": True},
        "firmware_version": str(0x2023_0001_0000_0000),
        "policy": {"name": "golden", "serial": None, "sha256": sha256},
        "verified_at": "2026-11-24T12:00:00Z",
        "verifier": f"tpm-attest {attest.__version__}",
    }


def test_json_of_checks_has_id_outcome_and_reason() -> None:
    result = verified()
    rows = [
        (check["id"], check["outcome"], check["reason"]) for check in result.to_dict()["checks"]
    ]
    assert rows == [(check.id, str(check.outcome), check.reason) for check in result.checks]


def test_json_has_null_where_nothing_could_be_read() -> None:
    document = attest.verify(b"", policy_of(), at=AT).to_dict()
    nulls = {name for name, value in document.items() if value is None}
    assert nulls == {
        *("source", "row", "payload_id", "anchor", "baseline", "closest_baseline", "tier"),
        *("pcrs", "aik", "clock", "firmware_version", "evidence_sha256"),
    }


def test_json_has_null_for_a_value_that_could_not_be_read() -> None:
    values = build.hex_values(build.VALUES)
    values["sha256"]["7"] = "zz"
    pcrs = verified(pcr_values=values).to_dict()["pcrs"]
    assert pcrs == {"sha256": {**values["sha256"], "7": None}}


def test_json_has_pcrs_of_the_signed_selection_only() -> None:
    values = build.hex_values(build.VALUES) | {"sha1": {"0": "00" * 20}}
    values["sha256"] |= {"23": "00" * 32}
    result = verified(pcr_values=values)
    assert result.to_dict()["pcrs"] == build.hex_values(build.VALUES)


def test_json_writes_64_bit_numbers_as_decimals() -> None:
    largest = {"clock": 2**64 - 1, "firmware": 2**64 - 1, "reset_count": 2**32 - 1, "safe": 0}
    document = verified(quoted=largest).to_dict()  # type: ignore[arg-type] # a QuoteLies
    assert (document["clock"], document["firmware_version"]) == (
        {"clock": str(2**64 - 1), "reset_count": 2**32 - 1, "restart_count": 2, "safe": False},
        str(2**64 - 1),
    )


@pytest.mark.parametrize(
    ("at", "written"),
    [
        ("2026-11-24T13:00:00+01:00", "2026-11-24T12:00:00Z"),
        ("2026-11-24T12:00:00.000001Z", "2026-11-24T12:00:00.000001Z"),
        ("2026-11-24T00:30:00+05:30", "2026-11-23T19:00:00Z"),
    ],
)
def test_json_writes_the_moment_in_utc(at: str, written: str) -> None:
    document = verified(asking={"at": datetime.fromisoformat(at)}).to_dict()
    assert document["verified_at"] == written


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_moment_outside_the_calendar_is_the_callers_mistake(at: str) -> None:
    with pytest.raises(ValueError, match=r"^at lies outside the calendar in UTC$"):
        verified(asking={"at": datetime.fromisoformat(at)})


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"attestation": {"vendor": {"z": [1, -2, 0.5, 1e21, None, True], "a": "\u20ac\U0001f600"}}},
        {"attestation": {"largest": 2**53 - 1, "smallest": -(2**53) + 1}},
        {"quote": b""},
    ],
)
def test_json_has_the_digest_of_the_canonical_member(told: dict[str, Any]) -> None:
    response = build.response(**told)
    member = response["_metadata"]["tpm_attestation"]
    wanted = hashlib.sha256(rfc8785.dumps(member)).hexdigest()
    seen = attest.verify(octets_of(response), policy_of(), at=AT).to_dict()["evidence_sha256"]
    assert seen == wanted


def test_digest_of_the_member_does_not_follow_its_spelling() -> None:
    response = build.response()
    member = response["_metadata"]["tpm_attestation"]
    response["_metadata"]["tpm_attestation"] = dict(reversed(member.items()))
    pretty = json.dumps(response, indent=3).encode()
    digests = {
        attest.verify(octets, policy_of(), at=AT).to_dict()["evidence_sha256"]
        for octets in (pretty, octets_of(build.response()))
    }
    assert digests == {hashlib.sha256(rfc8785.dumps(member)).hexdigest()}


def test_json_has_the_digest_of_a_declining_member() -> None:
    member = {"is_available": False}
    document = attest.verify(attestation(member), policy_of(), at=AT).to_dict()
    assert document["evidence_sha256"] == hashlib.sha256(b'{"is_available":false}').hexdigest()


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**63, 2**64])
def test_json_has_no_digest_of_numbers_that_cannot_be_canonical(number: int) -> None:
    result = verified(attestation={"vendor": [{"number": number}]})
    assert result.to_dict()["evidence_sha256"] is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_json_of_every_fixture_is_as_the_schema_says(case: Path) -> None:
    given = json.loads((case / "expected.json").read_text(encoding="utf-8"))["arguments"]
    nonce = bytes.fromhex(given["nonce"]) if "nonce" in given else None
    result = attest.verify(
        (case / "response.json").read_bytes(),
        attest.load_policy(case / "policy.yaml"),
        payload_id=given.get("payload_id"),
        at=AT,
        nonce=nonce,
    )
    VALIDATOR.validate(json.loads(json.dumps(result.to_dict(str(case), 0))))


@pytest.mark.parametrize(
    "told",
    [
        {"quoted": {"selection": [(0x0099, [0]), ("sha256", [0, 7, 10])]}},
        {"quoted": {"type": 0x9999}},
        {"metadata": {"security_tier": "\u202e", "payload_id": "\x1b"}},
        {"pcr_values": {"sha256": {"0": "zz"}}},
        {"public": b"", "signature": b""},
        {"drop": ["_metadata"]},
        {"policy": {"serial": 0, "aik": {"trust": "enrolled", "names": [KEY.name]}}},
        {"policy": {"pcrs": {"sha512": {23: "any"}}}},
    ],
)
def test_json_of_odd_results_is_as_the_schema_says(told: dict[str, Any]) -> None:
    VALIDATOR.validate(verified(**told).to_dict())


@pytest.mark.parametrize("told", [{}, {"quoted": {"magic": 0}}, {"drop": ["_metadata"]}])
def test_same_inputs_give_equal_results_that_survive_pickling(told: dict[str, Any]) -> None:
    first, second = verified(**told), verified(**told)
    copy = pickle.loads(pickle.dumps(first))  # noqa: S301 - our own octets
    assert first == second == copy
    assert first.to_dict() == copy.to_dict()


@pytest.mark.parametrize("name", ["checks", "accepted", "assurance", "baseline", "mandatory"])
def test_a_result_is_frozen(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(verified(), name, None)


def test_outcomes_are_strings() -> None:
    assert [*Outcome] == ["pass", "fail", "warn", "skip"]


class _Text(str):
    __slots__ = ()


HOSTILE = st.recursive(
    st.text() | st.booleans() | st.none() | st.integers() | st.floats() | st.text(st.characters())
    | st.sampled_from(["\x7f", "\x1f\b\f\n\r\t\"\\/", "\u2028", "\ud800", "😀", "\ufeff"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=3) | st.sampled_from(["\x00", "\ue000", "😀", "\ud800"]),
                      inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def plainly(member: Mapping[Any, Any]) -> str | None:
    """The hash by the library alone."""
    try:
        return hashlib.sha256(rfc8785.dumps(dict(member))).hexdigest()
    except rfc8785.CanonicalizationError:
        return None


def told(call: Callable[[Any], str | None], member: object) -> str | None:
    """What a call returns, or that it finds half of a surrogate pair, which no UTF-8 holds."""
    try:
        return call(member)
    except UnicodeEncodeError:
        return "no text"


@given(st.dictionaries(st.text(max_size=4) | st.sampled_from(["😀", "\ue000", "a\ud800"]), HOSTILE))
def test_the_hash_of_any_evidence_is_over_its_rfc_8785_form(member: dict[str, Any]) -> None:
    assert told(evidence_sha256, member) == told(plainly, member)


@given(st.dictionaries(
    st.text(st.characters(max_codepoint=127)),
    st.text(st.characters(max_codepoint=127)) | st.booleans() | st.none()
    | st.dictionaries(st.text(st.characters(max_codepoint=127)), st.text(max_size=3)),
))  # fmt: skip
def test_the_hash_of_plain_evidence_is_over_its_rfc_8785_form(member: dict[str, Any]) -> None:
    assert told(evidence_sha256, member) == told(plainly, member)


@pytest.mark.parametrize(
    "member",
    [
        {"a": {"b": {"c": {"d": {"e": "f"}}}}},
        {"a": _Text("b")},
        {_Text("a"): "b"},
        MappingProxyType({"b": "1", "a": {"z": True, "y": None}}),
        {"a": 2**53},
        {"a": {"b": float("nan")}},
        {1: "a"},
        {"a": {1: "a"}},
    ],
)
def test_evidence_of_unusual_shape_is_hashed_as_the_library_does(member: Any) -> None:
    assert told(evidence_sha256, member) == told(plainly, member)
