"""``attest.verify`` under a policy set: exactly one policy must apply to a response."""

from pathlib import Path
from typing import Any

import pytest

import attest
from attest.policy.model import PolicySet
from tests import build
from tests.judging import AT, answer, octets_of, refusing

CHECK = "policy.scope"
NOW, BEFORE, AFTER = "2026-11-24T12:00:00Z", "2026-11-24T11:00:00Z", "2026-11-24T13:00:00Z"
TIERS = {"security_tier": ["maximum"]}
LOWER = {"security_tier": ["standard", "high"]}
UNKNOWN_TIER = ["_metadata.security_tier"]


def set_of(folder: Path, **files: dict[str, object]) -> PolicySet:
    """Write a policy a file, named after it, and load the folder."""
    for name, members in files.items():
        text = build.policy_text(build.VALUES, **{"name": name, **members})
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    loaded = attest.load_policy(folder)
    assert isinstance(loaded, PolicySet)
    return loaded


def judged(policy: PolicySet, tier: str = "maximum", **asking: Any) -> attest.AttestationResult:
    response = build.response(tier=tier)
    return attest.verify(octets_of(response), policy, **{"at": AT, **asking})


def applied(result: attest.AttestationResult) -> object:
    policy = result.to_dict()["policy"]
    return None if policy is None else policy["name"]


@pytest.mark.parametrize(("tier", "name"), [("maximum", "upper"), ("high", "lower")])
def test_one_policy_applies_by_tier(tmp_path: Path, tier: str, name: str) -> None:
    policies = set_of(tmp_path, upper={"applies_to": TIERS}, lower={"applies_to": LOWER})
    result = judged(policies, tier)
    assert (result.accepted, applied(result)) == (True, name)


def test_one_policy_applies_by_time(tmp_path: Path) -> None:
    policies = set_of(tmp_path, old={"valid": {"until": NOW}}, new={"valid": {"from": NOW}})
    result = judged(policies)
    assert (result.accepted, applied(result), answer(result, CHECK)[0]) == (True, "new", "pass")


def test_a_set_of_one_is_applied(tmp_path: Path) -> None:
    assert applied(judged(set_of(tmp_path, only={}))) == "only"


def test_the_tier_that_was_asked_for_chooses_the_policy(tmp_path: Path) -> None:
    policies = set_of(tmp_path, upper={"applies_to": TIERS}, lower={"applies_to": LOWER})
    result = judged(policies, "high", security_tier="maximum")
    assert (applied(result), refusing(result)) == ("upper", {"response.tier"})


def test_no_policy_of_the_tier_is_a_refusal_that_names_none(tmp_path: Path) -> None:
    policies = set_of(tmp_path, lower={"applies_to": LOWER})
    result = judged(policies)
    reason = 'no policy of the set applies to tier "maximum" at this time'
    assert (answer(result, CHECK), applied(result), refusing(result)) == (
        ("fail", reason),
        None,
        {CHECK},
    )


def test_no_policy_of_the_time_is_a_refusal_that_names_none(tmp_path: Path) -> None:
    policies = set_of(tmp_path, old={"valid": {"until": NOW}}, new={"valid": {"from": AFTER}})
    result = judged(policies)
    reason = 'no policy of the set applies to tier "maximum" at this time'
    assert (answer(result, CHECK), applied(result)) == (("fail", reason), None)


def test_no_policy_for_a_response_without_a_tier_says_so(tmp_path: Path) -> None:
    policies = set_of(tmp_path, upper={"applies_to": TIERS})
    response = octets_of(build.response(drop=UNKNOWN_TIER))
    result = attest.verify(response, policies, at=AT)
    reason = "no policy of the set applies to tier none at this time"
    assert answer(result, CHECK) == ("fail", reason)


def test_a_hostile_tier_is_escaped_and_cut(tmp_path: Path) -> None:
    policies = set_of(tmp_path, upper={"applies_to": TIERS})
    result = judged(policies, "\x1b" + "t" * 300)
    reason = f'no policy of the set applies to tier "\\x1b{"t" * 199}..." at this time'
    assert answer(result, CHECK) == ("fail", reason)


def test_two_policies_are_a_refusal_that_names_both(tmp_path: Path) -> None:
    policies = set_of(tmp_path, a={}, b={"applies_to": TIERS}, c={"applies_to": LOWER})
    result = judged(policies)
    reason = '2 policies of the set apply to tier "maximum": a, b'
    assert (answer(result, CHECK), applied(result)) == (("fail", reason), None)


@pytest.mark.parametrize("files", [{"a": {}, "b": {}}, {"a": {"applies_to": LOWER}}])
def test_the_other_checks_run_where_no_policy_or_two_apply(
    tmp_path: Path, files: dict[str, dict[str, object]]
) -> None:
    result = judged(set_of(tmp_path, **files))
    outcomes = {check.id: str(check.outcome) for check in result.checks}
    expected = dict.fromkeys(outcomes, "pass") | {
        "aik.trust": "warn",
        "pcr.rules": "skip",
        "pcr.baseline": "skip",
        CHECK: "fail",
        "response.tier": "skip",
        "aik.certify": "skip",
        "aik.chain": "skip",
        "verifier.cross-check": "skip",
    }
    assert (outcomes, str(result.assurance)) == (expected, "self-consistent")


def test_a_quote_is_still_compared_with_the_payload_id_where_no_policy_applies(
    tmp_path: Path,
) -> None:
    policies = set_of(tmp_path, lower={"applies_to": LOWER})
    response = build.response(quoted={"extra_data": b"stale"})
    result = attest.verify(octets_of(response), policies, at=AT)
    assert refusing(result) == {CHECK, "quote.nonce"}


def test_a_missing_tpm_is_refused_where_no_policy_applies(tmp_path: Path) -> None:
    policies = set_of(tmp_path, lower={"tpm": "optional", "applies_to": LOWER})
    response = build.completion({"is_available": False})
    result = attest.verify(octets_of(response), policies, at=AT)
    assert refusing(result) >= {CHECK, "evidence.present", "evidence.form"}


@pytest.mark.parametrize(
    ("tier", "nonce", "refuses"),
    [
        ("maximum", b"challenge", set()),
        ("maximum", b"another", {"quote.nonce"}),
        ("maximum", None, {"quote.nonce"}),
        ("high", b"challenge", {"quote.nonce"}),
        ("high", None, {"quote.nonce"}),
        ("other", b"challenge", {CHECK}),
        ("other", None, {CHECK, "quote.nonce"}),
    ],
)
def test_a_set_of_mixed_nonces_never_raises_for_what_a_response_says(
    tmp_path: Path, tier: str, nonce: bytes | None, refuses: set[str]
) -> None:
    policies = set_of(tmp_path, given={"nonce": "given", "applies_to": TIERS},
                      by_id={"name": "by-id", "applies_to": LOWER})  # fmt: skip
    response = octets_of(build.response(tier=tier, quoted={"extra_data": b"challenge"}))
    assert refusing(attest.verify(response, policies, at=AT, nonce=nonce)) == refuses


@pytest.mark.parametrize(
    ("tier", "nonce", "reason"),
    [
        ("maximum", None, "no nonce was given"),
        ("high", b"\1", "a nonce was given, and the policy that applies does not ask for one"),
        ("standard", b"\1", "a nonce was given, and the policy that applies does not ask for one"),
    ],
)
def test_a_set_of_mixed_nonces_says_which_side_is_amiss(
    tmp_path: Path, tier: str, nonce: bytes | None, reason: str
) -> None:
    policies = set_of(
        tmp_path,
        given={"nonce": "given", "applies_to": TIERS},
        high={"applies_to": {"security_tier": ["high"]}},
        standard={"nonce": "none", "applies_to": {"security_tier": ["standard"]}},
    )
    result = judged(policies, tier, nonce=nonce)
    assert answer(result, "quote.nonce") == ("fail", reason)


def test_a_set_that_only_knows_given_nonces_raises_without_one(tmp_path: Path) -> None:
    policies = set_of(tmp_path, a={"nonce": "given"}, b={"nonce": "given", "applies_to": LOWER})
    with pytest.raises(ValueError, match="no nonce was given"):
        judged(policies)


def test_a_set_that_knows_no_given_nonce_raises_with_one(tmp_path: Path) -> None:
    policies = set_of(tmp_path, a={}, b={"nonce": "none", "applies_to": LOWER})
    with pytest.raises(ValueError, match="does not say nonce: given"):
        judged(policies, nonce=b"\1")


def test_validity_is_decided_by_the_policy_that_was_chosen(tmp_path: Path) -> None:
    policies = set_of(
        tmp_path, old={"valid": {"from": BEFORE, "until": NOW}}, new={"valid": {"from": NOW}}
    )
    result = judged(policies)
    assert answer(result, "policy.validity") == ("pass", "the policy is in force")
