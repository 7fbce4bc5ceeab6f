"""The policy of the embedded server: right for its golden values, and warned of by lint."""

from __future__ import annotations

from datetime import UTC, datetime

from attest.policy.demonstration import PCRS
from attest.policy.lint import lint
from attest.policy.loader import load_policy
from attest.policy.model import Policy
from client.demo import POLICY
from tests.policy.test_schema import data, valid


def test_it_holds_just_these_values() -> None:
    policy = load_policy(POLICY)

    assert isinstance(policy, Policy)
    assert policy.name == "demo"
    [baseline] = policy.baselines
    assert {rule.index: rule.values for rule in baseline.golden} == {
        index: (PCRS[index],) for index in (0, 7)
    }


def test_it_lints_and_follows_the_schema() -> None:
    findings = lint(POLICY, datetime(2026, 11, 24, tzinfo=UTC))

    assert [finding.rule for finding in findings] == ["aik.unanchored"]
    assert valid("policy", data(POLICY.read_text(encoding="utf-8")))
