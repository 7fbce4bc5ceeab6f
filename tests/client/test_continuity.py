"""Continuity: an answer comes from the state that its probe had shown, or it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from attest.archive import verify_archive
from attest.result import AttestationResult
from client.continuity import broken
from client.errors import AttestationRefused
from client.gate import CONTINUITY
from client.response import AttestedResponse
from tests import build
from tests.aik import digest, ecc_aik
from tests.archive import making
from tests.client.gating import wired
from tests.client.reaching import PROMPT, Rig, archived, texts
from tests.client.serving import answered
from tests.judging import answer, policy_of, verified
from tests.policy.test_schema import valid

GROWN = {"sha256": {**build.VALUES["sha256"], 10: digest("sha256", b"one file more")}}
WIDER = {"sha256": {**build.VALUES["sha256"], 1: digest("sha256", b"configuration")}}
UNAVAILABLE = {"is_available": False}
OWNER = ecc_aik().qualified_name("owner")
UNKNOWN = ecc_aik().qualified_name(ecc_aik().qualified_name())


def result(signer: bytes | None = None, **quoted: Any) -> AttestationResult:
    """The result over a quote that says this."""
    if signer is not None:
        quoted["signer"] = signer
    told: Any = quoted
    return verified(ecc_aik(), quoted=told)


def test_equal_states_continue() -> None:
    assert broken(result(), result()) is None


def test_clock_that_ran_on_continues() -> None:
    assert broken(result(clock=1000), result(clock=1001)) is None


def test_no_evidence_on_either_side_continues() -> None:
    absent = verified(drop=["_metadata.tpm_attestation"])

    assert absent.attest is None
    assert broken(absent, absent) is None


@pytest.mark.parametrize("order", [1, -1])
def test_evidence_on_one_side_only_is_said(order: int) -> None:
    absent = verified(drop=["_metadata.tpm_attestation"])
    before, after = (result(), absent)[::order]

    assert broken(before, after) == "only one of probe and answer carries evidence"


@pytest.mark.parametrize("values", [GROWN, WIDER, {"sha256": {0: build.VALUES["sha256"][0]}}])
def test_other_values_or_another_selection_are_said(values: build.Values) -> None:
    other = verified(ecc_aik(), values=values)

    assert broken(result(), other) == "the quoted PCRs are not those of the probe"


@pytest.mark.parametrize("signer", [None, OWNER, UNKNOWN])
def test_clock_that_ran_back_is_said_in_any_hierarchy(signer: bytes | None) -> None:
    before, after = result(signer, clock=1000), result(signer, clock=999)

    assert broken(before, after) == "clock ran back from 1000 to 999"


COUNTERS = [
    ({"reset_count": 7}, {"reset_count": 6}, "resetCount ran back from 7 to 6"),
    ({"restart_count": 2}, {"restart_count": 1}, "restartCount ran back from 2 to 1"),
    ({"firmware": 1}, {"firmware": 2}, "firmwareVersion was 1, and is 2"),
    ({"firmware": 2}, {"firmware": 1}, "firmwareVersion was 2, and is 1"),
]


@pytest.mark.parametrize("parent", ["endorsement", "platform"])
@pytest.mark.parametrize(("before", "after", "said"), COUNTERS)
def test_counters_are_compared_where_the_hierarchy_shows_them(
    parent: str, before: dict[str, int], after: dict[str, int], said: str
) -> None:
    signer = ecc_aik().qualified_name(parent)

    assert broken(result(signer, **before), result(signer, **after)) == said


@pytest.mark.parametrize("signer", [OWNER, UNKNOWN, ecc_aik().qualified_name("null-hierarchy")])
@pytest.mark.parametrize("only", ["before", "after", "both"])
@pytest.mark.parametrize(("before", "after"), [case[:2] for case in COUNTERS])
def test_counters_are_not_compared_where_either_hierarchy_veils_them(
    signer: bytes, only: str, before: dict[str, int], after: dict[str, int]
) -> None:
    old = result(None if only == "after" else signer, **before)
    new = result(None if only == "before" else signer, **after)

    assert broken(old, new) is None


def test_restarts_count_anew_after_a_reset() -> None:
    before, after = result(reset_count=7, restart_count=5), result(reset_count=8, restart_count=0)

    assert broken(before, after) is None


def test_counters_that_ran_on_continue() -> None:
    before, after = result(restart_count=2), result(restart_count=3)

    assert broken(before, after) is None


CHANGED: dict[str, dict[str, Any]] = {
    "PCRs": {"values": GROWN},
    "selection": {"values": WIDER},
    "clock": {"quoted": {"clock": 1}},
    "resetCount": {"quoted": {"reset_count": 1}},
    "restartCount": {"quoted": {"restart_count": 1}},
    "firmwareVersion": {"quoted": {"firmware": 1}},
}


@pytest.mark.parametrize("case", CHANGED)
def test_warn_releases_and_says_so_last_in_a_result_that_keeps_to_its_schema(case: str) -> None:
    response = Rig(wired(answered(), answered(**CHANGED[case]))).ask()

    assert isinstance(response, AttestedResponse)
    assert response.attestation.accepted
    assert response.attestation.checks[-1].id == CONTINUITY
    outcome, reason = answer(response.attestation, "gate.continuity")
    assert outcome == "warn"
    assert case.replace("selection", "PCRs") in reason
    assert valid("result", response.attestation.to_dict())


@pytest.mark.parametrize("case", CHANGED)
def test_require_refuses_by_that_check_alone(case: str) -> None:
    rig = Rig(wired(answered(), answered(**CHANGED[case])), continuity="require")

    refusal = rig.ask()

    assert isinstance(refusal, AttestationRefused)
    assert [check.id for check in refusal.result.refusals] == ["gate.continuity"]
    assert (str(refusal.phase), refusal.prompt_sent) == ("response", True)
    assert str(refusal).startswith("attestation refused: gate.continuity: ")
    assert refusal.result.to_dict()["decision"] == "refused"
    assert valid("result", refusal.result.to_dict())


def test_require_records_its_refusal_in_an_archive_that_verifies(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    told = archived(tmp_path, continuity="require")
    Rig(wired(answered(), answered(**CHANGED["clock"])), **told).ask()

    record = making.record_of(making.lines_of(path)[1])
    assert (record["released"], record["result"]["decision"]) == (False, "refused")
    assert record["result"]["checks"][-1]["id"] == "gate.continuity"
    assert not verify_archive(path).faults


@pytest.mark.parametrize("continuity", ["warn", "require"])
def test_result_that_continues_has_no_such_check(continuity: str) -> None:
    response = Rig(wired(), continuity=continuity).ask()

    assert isinstance(response, AttestedResponse)
    assert CONTINUITY not in {check.id for check in response.attestation.checks}


def test_nothing_is_compared_without_a_probe() -> None:
    rig = Rig(wired(answered(), answered(**CHANGED["clock"])), "off", continuity="require")

    assert isinstance(rig.ask(), AttestedResponse)
    assert isinstance(rig.ask(), AttestedResponse)


def test_answers_are_compared_with_their_probe_and_not_with_each_other() -> None:
    answers = [answered(quoted={"clock": clock}) for clock in (1000, 2000, 1500)]
    rig = Rig(wired(*answers), continuity="require")

    assert isinstance(rig.ask(), AttestedResponse)
    assert isinstance(rig.ask(), AttestedResponse)


def test_always_follows_a_state_that_moves_on() -> None:
    answers = [answered(values=values) for values in (build.VALUES, build.VALUES, GROWN)]
    rig = Rig(wired(*answers), "always", continuity="require")

    assert isinstance(rig.ask(), AttestedResponse)
    assert isinstance(rig.ask(), AttestedResponse)


MEMBERS = ("pcr_banks", "pcr_values", "quote_b64", "signature_b64", "aik_pubkey_b64")


def test_server_that_loses_its_tpm_after_the_probe_is_said_under_a_policy_that_lets_it() -> None:
    policy = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
    gone: dict[str, Any] = {"drop": [f"_metadata.tpm_attestation.{name}" for name in MEMBERS]}
    gone["attestation"] = UNAVAILABLE
    rig = Rig(wired(answered(), answered(**gone)), policy=policy, continuity="require")

    refusal = rig.ask()

    assert isinstance(refusal, AttestationRefused)
    assert [check.id for check in refusal.result.refusals] == ["gate.continuity"]
    assert texts(rig.server)[1] == PROMPT


@pytest.mark.parametrize("continuity", ["", "WARN", "refuse", None, True])
def test_unknown_continuity_is_refused_at_construction(continuity: Any) -> None:
    with pytest.raises(ValueError, match=r"^continuity is .*, expected warn or require$"):
        Rig(wired(), continuity=continuity)
