"""``policy.scope``: exactly one policy is meant for the response's tier and time."""

import pytest

from tests.judging import Members, answer, refusing, verified

CHECK = "policy.scope"
APPLIES = ("pass", "the policy applies to the response")


def tiers(*names: str) -> Members:
    return {"applies_to": {"security_tier": list(names)}}


@pytest.mark.parametrize("policy", [{}, tiers("maximum"), tiers("high", "maximum")])
def test_scope_passes_where_the_policy_applies(policy: Members) -> None:
    assert answer(verified(policy=policy), CHECK) == APPLIES


@pytest.mark.parametrize(
    ("names", "tier", "seen"),
    [
        (("maximum",), "high", '"high"'),
        (("maximum",), "Maximum", '"Maximum"'),
        (("maximum",), "", '""'),
        (("maximum",), "\x1b[2J\u202e", r'"\x1b[2J\u202e"'),
        (("maximum",), "t" * 201, f'"{"t" * 200}..."'),
        (("high", "maximum"), "standard", '"standard"'),
    ],
)
def test_scope_alone_refuses_another_tier(names: tuple[str, ...], tier: str, seen: str) -> None:
    result = verified(policy=tiers(*names), tier=tier)
    reason = f"the policy applies to tier {', '.join(names)}, the response has {seen}"
    assert (answer(result, CHECK), refusing(result)) == (("fail", reason), {CHECK})


def test_scope_fails_where_the_response_has_no_tier() -> None:
    result = verified(policy=tiers("maximum"), drop=["_metadata.security_tier"])
    reason = "the policy applies to tier maximum, the response has none"
    assert answer(result, CHECK) == ("fail", reason)


def test_scope_passes_without_a_tier_where_the_policy_is_for_any() -> None:
    assert answer(verified(drop=["_metadata.security_tier"]), CHECK) == APPLIES


def test_scope_is_decided_by_the_tier_that_was_asked_for() -> None:
    result = verified(policy=tiers("maximum"), tier="high", asking={"security_tier": "maximum"})
    assert (answer(result, CHECK), refusing(result)) == (APPLIES, {"response.tier"})


def test_scope_fails_where_the_tier_that_was_asked_for_is_not_the_policys() -> None:
    result = verified(policy=tiers("maximum"), asking={"security_tier": "high"})
    reason = 'the policy applies to tier maximum, the response has "high"'
    assert answer(result, CHECK) == ("fail", reason)


def test_scope_still_names_the_one_policy_that_does_not_apply() -> None:
    result = verified(policy=tiers("maximum"), tier="high")
    assert result.to_dict()["policy"]["name"] == "golden"


def test_scope_lets_the_other_checks_run_under_the_policy() -> None:
    result = verified(policy=tiers("maximum"), tier="high")
    assert answer(result, "pcr.baseline") == ("pass", "matches release-a")
