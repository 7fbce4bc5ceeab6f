"""Where two policies differ: each place once, defaults as what they are."""

from pathlib import Path

import pytest

from attest.policy.diff import compare_policies
from attest.policy.loader import load_policy
from tests.policy.texts import FULL, A, B, parsed, policy

ONE = f'{{sha256: {{0: "{A}"}}}}'
RELEASES = f"[{{name: a, pcrs: {ONE}}}, {{name: b, pcrs: {ONE}}}]"


def said(first: dict[str, str | None], second: dict[str, str | None]) -> list[str]:
    return [str(change) for change in compare_policies(parsed(**first), parsed(**second))]


@pytest.mark.parametrize(
    ("first", "second", "lines"),
    [
        ({}, {}, []),
        ({}, {"tpm": "required", "clock": "{safe: any}"}, []),
        ({}, {"signature": "{min_rsa_bits: 2048}"}, []),
        ({"serial": "1"}, {"serial": "2"}, ["~ serial: 1 -> 2"]),
        ({}, {"serial": "2"}, ["+ serial: 2"]),
        ({"serial": "2"}, {}, ["- serial: 2"]),
        ({}, {"aik": "{trust: tee}"}, ["~ aik.trust: unanchored -> tee"]),
        ({}, {"signature": "{min_rsa_bits: 3072}"}, ["~ signature.min_rsa_bits: 2048 -> 3072"]),
        (
            {},
            {"signature": "{curves: [nist-p256]}"},
            ["- signature.curves: nist-p384, nist-p521"],
        ),
        (
            {"pcrs": f'{{sha256: {{0: "{A}"}}}}'},
            {"pcrs": f'{{sha256: {{0: ["{A}", "{B}"]}}}}'},
            [f"+ pcrs.sha256.0: {B}"],
        ),
        (
            {"pcrs": "{sha256: {0: extended}}"},
            {"pcrs": "{sha256: {0: any, 1: initial}}"},
            ["~ pcrs.sha256.0: extended -> any", "+ pcrs.sha256.1: initial"],
        ),
        (
            {"baselines": f"[{{name: a, pcrs: {ONE}}}]"},
            {"baselines": f"[{{name: a, revoked: CVE, pcrs: {ONE}}}]"},
            ["+ baselines.a.revoked: CVE"],
        ),
        (
            {"baselines": f"[{{name: a, pcrs: {ONE}}}]"},
            {"baselines": RELEASES},
            ["+ baselines: b", f"+ baselines.b.pcrs.sha256.0: {A}"],
        ),
        (
            {"baselines": RELEASES},
            {"baselines": f"[{{name: b, pcrs: {ONE}}}, {{name: a, pcrs: {ONE}}}]"},
            ["~ baselines (the first that matches is named): a, b -> b, a"],
        ),
        (
            {"valid": "{until: 2026-11-01T00:00:00Z}"},
            {"valid": "{until: 2026-11-01T01:00:00+01:00}"},
            [],
        ),
    ],
)
def test_each_difference_is_named_once(
    first: dict[str, str | None], second: dict[str, str | None], lines: list[str]
) -> None:
    assert said(first, second) == lines


def test_items_that_are_mappings_are_written_in_full(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    loaded = []
    for subject in "ab":
        aik = f'{{trust: certified, roots: [{{file: r, sha256: "{empty}"}}]'
        path = tmp_path / f"{subject}.yaml"
        path.write_text(policy(aik=f"{aik}, identity: [{{subject: {subject}}}]}}"), "utf-8")
        loaded.append(load_policy(path))
    (change,) = compare_policies(*loaded)
    assert str(change) == "~ aik.identity: {subject: a} -> {subject: b}"


def test_a_change_has_its_shape_in_json() -> None:
    (change,) = compare_policies(parsed(serial="1"), parsed(serial="2"))
    assert change.to_dict() == {
        "path": "serial",
        "kind": "changed",
        "before": ["1"],
        "after": ["2"],
    }


def test_sets_are_compared_by_names(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(FULL, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(
        policy(name="maximum-prod", valid="{from: 2027-02-01T00:00:00Z}"), encoding="utf-8"
    )
    whole = load_policy(tmp_path)
    alone = load_policy(tmp_path / "a.yaml")
    assert compare_policies(whole, whole) == ()
    changes = compare_policies(alone, whole)
    assert {change.kind for change in changes} == {"added"}
    assert {change.path.split(":")[0] for change in changes} == {"maximum-prod#2"}
