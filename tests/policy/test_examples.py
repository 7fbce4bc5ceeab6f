"""The example policies: they load, say what they claim, and lint without errors."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from attest.policy.anchoring import Trust
from attest.policy.lint import lint
from attest.policy.loader import load_policy
from attest.policy.model import Policy, PolicySet, RuleKind
from attest.tpm.constants import Alg
from tests.policy.test_schema import data, valid

FOLDER = Path(__file__).parents[2] / "policies"
FILES = sorted(FOLDER.glob("*.yaml"))
AT = datetime(2026, 11, 24, tzinfo=UTC)


def example(name: str) -> Policy:
    loaded = load_policy(FOLDER / f"{name}.yaml")
    assert isinstance(loaded, Policy)
    return loaded


def test_there_is_one_for_each_tier() -> None:
    assert [path.stem for path in FILES] == ["high", "maximum", "standard"]
    assert all(example(path.stem).tiers == (path.stem,) for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_lint_without_errors(path: Path) -> None:
    rules = [finding.rule for finding in lint(path, AT)]

    assert rules == ([] if path.stem == "maximum" else ["aik.unanchored"])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_follow_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert valid("policy", data(text))


@pytest.mark.parametrize("tier", ["standard", "high", "maximum"])
def test_the_folder_is_a_set_with_one_policy_for_each_tier(tier: str) -> None:
    policies = load_policy(FOLDER)

    assert isinstance(policies, PolicySet)
    assert [policy.name for policy in policies.applying(tier, AT)] == [f"{tier}-example"]


def test_only_standard_lets_a_response_without_tpm_pass() -> None:
    assert [path.stem for path in FILES if not example(path.stem).tpm_required] == ["standard"]


def test_maximum_asks_for_an_enrolled_key_a_safe_clock_and_firmware_that_is_not_revoked() -> None:
    maximum = example("maximum")

    assert (maximum.aik.trust, len(maximum.aik.names)) == (Trust.ENROLLED, 1)
    assert maximum.aik.hierarchies == ("endorsement",)
    assert maximum.clock_safe_required
    assert [(rule.bank, rule.index, rule.kind) for rule in maximum.rules] == [
        (Alg.SHA256, 10, RuleKind.EXTENDED)
    ]
    assert [baseline.revoked is None for baseline in maximum.baselines] == [True, False]
