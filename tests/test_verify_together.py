"""Many appraisals at once give what each gives alone, whatever stands among them."""

import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import attest
from attest.context import Request
from attest.evidence import Evidence, read_evidence
from attest.policy.model import Policy
from attest.verify import appraise, appraise_together
from tests import build
from tests.judging import AT, attestation, octets_of, policy_of

FIXTURES = Path(__file__).parent.parent / "fixtures"
RECORDED = sorted(FIXTURES.glob("*/response.json"))
POLICY = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
DECLINED = attestation({"is_available": False}, security_tier="standard")


def made(**lies: Any) -> bytes:
    return octets_of(build.response(tier="standard", **lies))


MADE = [
    made(),
    made(quoted={"magic": 0}),
    made(signature=b""),
    b"{}",
    b"no JSON",
    DECLINED,
    made(quoted={"digest": bytes(32)}),
]


def asked(*responses: bytes, at: datetime = AT) -> list[tuple[Evidence, Request]]:
    return [(read_evidence(response), Request(at=at)) for response in responses]


def told(result: attest.AttestationResult) -> str:
    return json.dumps(result.to_dict())


def alone(many: list[tuple[Evidence, Request]], policy: Policy) -> list[str]:
    return [told(appraise(evidence, policy, request)) for evidence, request in many]


def test_nothing_asked_gives_nothing() -> None:
    assert appraise_together([], POLICY) == []


def test_each_result_is_that_of_its_own_evidence() -> None:
    many = asked(*MADE, *reversed(MADE))
    together = appraise_together(many, POLICY)
    assert [result.accepted for result in together].count(True) == 4
    assert list(map(told, together)) == alone(many, POLICY)


def test_each_result_is_judged_at_its_own_moment() -> None:
    valid = {"from": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"}
    policy = policy_of(valid=valid)
    response = made()
    years = (2025, 2026, 2027)
    many = [asked(response, at=datetime(year, 6, 1, tzinfo=UTC))[0] for year in years]
    together = appraise_together(many, policy)
    assert [result.accepted for result in together] == [False, True, False]


@pytest.mark.parametrize("case", RECORDED, ids=lambda path: path.parent.name)
def test_recorded_evidence_gives_the_same_in_company(case: Path) -> None:
    policy = attest.load_policy(case.parent / "policy.yaml")
    assert isinstance(policy, Policy)
    many = asked(MADE[1], case.read_bytes(), DECLINED)
    assert list(map(told, appraise_together(many, policy))) == alone(many, policy)


def test_an_exception_in_a_check_refuses_its_row_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = importlib.import_module("attest.verify").CHECKS
    honest = checks["quote.nonce"]

    def broken(evidence: Evidence, context: object) -> attest.CheckResult:
        if evidence.payload_id == "odd":
            raise LookupError("odd")
        result: attest.CheckResult = honest(evidence, context)
        return result

    monkeypatch.setitem(checks, "quote.nonce", broken)
    many = asked(MADE[0], made(payload_id="odd"), MADE[0])
    first, second, third = appraise_together(many, POLICY)
    assert (first.accepted, second.accepted, third.accepted) == (True, False, True)
    assert [check.id for check in second.refusals] == ["quote.nonce"]
    assert "unexpected LookupError: odd" in next(
        check.reason for check in second.checks if check.id == "quote.nonce"
    )
