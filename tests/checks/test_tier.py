"""``response.tier``: the response reports the tier that was asked for."""

import pytest

from attest.policy.model import TIERS
from tests.judging import answer, refusing, verified

CHECK = "response.tier"


def test_tier_is_skipped_where_the_caller_did_not_say() -> None:
    reason = "the caller did not say which tier it asked for"
    assert answer(verified(), CHECK) == ("skip", reason)


def test_tier_skipped_does_not_refuse() -> None:
    assert verified().accepted


@pytest.mark.parametrize("tier", TIERS)
def test_tier_passes_where_the_response_reports_it(tier: str) -> None:
    result = verified(tier=tier, asking={"security_tier": tier})
    assert answer(result, CHECK) == ("pass", f"the response reports {tier}, as was asked for")


@pytest.mark.parametrize(
    ("tier", "seen"),
    [
        ("standard", '"standard"'),
        ("high", '"high"'),
        ("Maximum", '"Maximum"'),
        ("", '""'),
        ("maximum ", '"maximum "'),
        ("\x1b[2J\u202e", r'"\x1b[2J\u202e"'),
        ("t" * 201, f'"{"t" * 200}..."'),
    ],
)
def test_tier_alone_refuses_where_another_is_reported(tier: str, seen: str) -> None:
    result = verified(tier=tier, asking={"security_tier": "maximum"})
    reason = f"the response reports {seen}, asked for was maximum"
    assert (answer(result, CHECK), refusing(result)) == (("fail", reason), {CHECK})


def test_tier_fails_where_a_higher_one_is_reported() -> None:
    result = verified(tier="maximum", asking={"security_tier": "standard"})
    reason = 'the response reports "maximum", asked for was standard'
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("drop", [["_metadata.security_tier"], ["_metadata"]])
def test_tier_fails_where_none_is_reported(drop: list[str]) -> None:
    result = verified(drop=drop, asking={"security_tier": "maximum"})
    reason = "the response reports none, asked for was maximum"
    assert answer(result, CHECK) == ("fail", reason)
