"""``policy.validity``: the policy is in force at the moment of the appraisal."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from attest.context import Request
from attest.evidence import read_evidence
from attest.verify import appraise
from tests import build
from tests.judging import AT, answer, octets_of, policy_of, refusing, verified

CHECK = "policy.validity"
IN_FORCE = ("pass", "the policy is in force")
NOW, NEXT = "2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"
MOMENT = "2026-11-24T12:00:00+00:00"
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def far_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock of the machine stands 14 hours before UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "XXX-14")
        time.tzset()
        yield
    time.tzset()


def test_last_moment_of_the_calendar_is_one_wherever_the_machine_stands(far_east: None) -> None:
    last = datetime.max.replace(tzinfo=UTC)
    assert answer(verified(asking={"at": last}), CHECK) == IN_FORCE


@pytest.mark.parametrize(
    "valid",
    [
        None,
        {"from": NOW},
        {"until": NEXT},
        {"from": NOW, "until": NEXT},
        {"from": "2026-11-24T13:00:00+01:00"},
    ],
)
def test_validity_passes_inside(valid: dict[str, str] | None) -> None:
    assert answer(verified(policy={"valid": valid}), CHECK) == IN_FORCE


@pytest.mark.parametrize(
    ("valid", "written"),
    [
        ({"until": NOW}, f"until {MOMENT}"),
        ({"from": NEXT}, "from 2026-11-24T12:00:01+00:00"),
        (
            {"from": "2026-01-01T00:00:00Z", "until": NOW},
            f"from 2026-01-01T00:00:00+00:00 until {MOMENT}",
        ),
    ],
)
def test_validity_alone_refuses_outside(valid: dict[str, str], written: str) -> None:
    result = verified(policy={"valid": valid})
    reason = f"the policy is valid {written}, and the time is {MOMENT}"
    assert (answer(result, CHECK), refusing(result)) == (("fail", reason), {CHECK})


@pytest.mark.parametrize(
    ("at", "passes"),
    [
        (AT - INSTANT, False),
        (AT, True),
        (AT.astimezone(timezone(timedelta(hours=-11))), True),
        (AT + timedelta(seconds=1) - INSTANT, True),
        (AT + timedelta(seconds=1), False),
    ],
)
def test_validity_is_half_open(at: datetime, passes: bool) -> None:
    result = verified(policy={"valid": {"from": NOW, "until": NEXT}}, asking={"at": at})
    assert (answer(result, CHECK)[0] == "pass") is passes


@pytest.mark.parametrize("valid", [{"from": NOW}, {"until": NOW}])
def test_validity_fails_where_the_time_is_unknown(valid: dict[str, str]) -> None:
    evidence = read_evidence(octets_of(build.response()))
    result = appraise(evidence, policy_of(valid=valid), Request())
    outcome, reason = answer(result, CHECK)
    assert (outcome, reason.endswith("and the time is unknown")) == ("fail", True)


def test_validity_passes_where_the_time_is_unknown_and_nothing_is_bounded() -> None:
    evidence = read_evidence(octets_of(build.response()))
    assert answer(appraise(evidence, policy_of(), Request()), CHECK) == IN_FORCE
