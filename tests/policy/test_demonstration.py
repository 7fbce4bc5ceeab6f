"""The demonstration's golden values load in policies named demo, and in no other."""

from __future__ import annotations

import hashlib

import pytest

from attest.errors import PolicyError
from attest.policy.demonstration import MEASURED, PCRS
from attest.policy.loader import parse_policy
from tests import build

OTHER = bytes([1]) * 32
FAULT = "is a golden value of the demonstration, allowed only in policies named demo"


def text(name: str = "golden", *, pcrs: object = None, baseline: object = None) -> bytes:
    members: dict[str, object] = {"name": name, "baselines": None}
    if pcrs is not None:
        members["pcrs"] = {"sha256": pcrs}
    if baseline is not None:
        honest = {"name": "a", "pcrs": {"sha256": {0: OTHER}}}
        members["baselines"] = [honest, {"name": "b", "pcrs": {"sha256": baseline}}]
    return build.policy_text({"sha256": {}}, **members).encode()


def refusal(octets: bytes) -> str:
    with pytest.raises(PolicyError) as caught:
        parse_policy(octets, "p.yaml")
    assert caught.value.line is not None
    line = octets.decode().splitlines()[caught.value.line - 1]
    assert caught.value.column is not None
    assert line[caught.value.column - 1 :].startswith('"')
    return caught.value.fault


def test_pcrs_are_the_measurements_extended_once() -> None:
    assert {index: hashlib.sha256(bytes(32) + one).digest() for index, one in MEASURED.items()} == (
        PCRS
    )
    assert sorted(PCRS) == [0, 7, 10]
    assert len(set(PCRS.values())) == 3


@pytest.mark.parametrize("index", [0, 7, 10])
def test_a_rule_with_such_a_value_is_refused_at_its_place(index: int) -> None:
    assert refusal(text(pcrs={index: PCRS[index]})) == f"pcrs.sha256.{index}: {FAULT}"


def test_such_a_value_is_refused_at_any_pcr() -> None:
    assert refusal(text(pcrs={2: PCRS[7]})) == f"pcrs.sha256.2: {FAULT}"


def test_such_a_value_in_a_list_is_refused_at_its_item() -> None:
    assert refusal(text(pcrs={7: [OTHER, PCRS[7]]})) == f"pcrs.sha256.7[1]: {FAULT}"
    assert refusal(text(pcrs={7: [PCRS[7]]})) == f"pcrs.sha256.7[0]: {FAULT}"


def test_such_a_value_in_a_baseline_is_refused() -> None:
    octets = text(baseline={0: OTHER, 7: PCRS[7]})

    assert refusal(octets) == f"baselines[1].pcrs.sha256.7: {FAULT}"


@pytest.mark.parametrize("name", ["demo", "demo-", "demo-of-today"])
def test_policies_named_demo_may_hold_them(name: str) -> None:
    policy = parse_policy(text(name, pcrs={7: PCRS[7]}, baseline={0: PCRS[0]}), "p.yaml")

    assert policy.name == name


@pytest.mark.parametrize("name", ["demonstration", "demos", "a-demo", "maximum-demo"])
def test_policies_of_a_name_that_only_resembles_it_may_not(name: str) -> None:
    assert refusal(text(name, pcrs={7: PCRS[7]})) == f"pcrs.sha256.7: {FAULT}"


def test_other_values_and_words_stay_allowed() -> None:
    policy = parse_policy(text(pcrs={7: OTHER, 10: "extended"}, baseline={0: OTHER}), "p.yaml")

    assert policy.name == "golden"
