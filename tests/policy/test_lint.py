"""Lint: what is unwise, what can never be met, and where it stands."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from attest.errors import PolicyError
from attest.policy.lint import Finding, lint
from tests.policy.texts import A, B, policy

AT = datetime(2026, 11, 24, tzinfo=UTC)
ZERO, ONES, LOCALITY = "00" * 32, "FF" * 32, "00" * 31 + "03"
ENROLLED = f'{{trust: enrolled, spki_sha256: ["{A}"]}}'


def findings(folder: Path, at: datetime = AT, /, **parts: str | None) -> list[str]:
    """Return what lint says of a policy with an enrolled key, without the path."""
    path = folder / "p.yaml"
    path.write_text(policy(**{"aik": ENROLLED, **parts}), encoding="utf-8")
    return [str(finding).removeprefix(f"{path}:") for finding in lint(path, at)]


def baselines(*pcrs: str, keys: str = "") -> str:
    items = [f"{{name: r{number}{keys}, pcrs: {{{bank}}}}}" for number, bank in enumerate(pcrs)]
    return f"[{', '.join(items)}]"


def test_a_sound_policy_has_no_findings(tmp_path: Path) -> None:
    golden = baselines(f'sha256: {{0: "{A}", 7: ["{A}", "{B}"]}}', f'sha384: {{0: "{"a1" * 48}"}}')

    assert findings(tmp_path, baselines=golden) == []


CONSTANT = "nothing was ever measured into this PCR [golden.constant]"
RESET = "software can reset this PCR at any time [pcr.resettable]"
SHA1 = "collisions of SHA-1 can be made [bank.sha1]"
UNANCHORED = "unanchored: a key made in software passes too"
WARNINGS: list[tuple[dict[str, str | None], list[str]]] = [
    (
        {"aik": "{trust: unanchored}"},
        [f"3:14: warning: aik.trust: {UNANCHORED} [aik.unanchored]"],
    ),
    ({"aik": "{trust: tee}"}, []),
    (
        {"nonce": "none"},
        ["5:8: warning: nonce: none: old quotes pass too, so only for inspection [nonce.none]"],
    ),
    ({"nonce": "given"}, []),
    (
        {"pcrs": f'{{sha256: {{0: "{ZERO}"}}}}'},
        [f"4:20: warning: pcrs.sha256.0: all 00: {CONSTANT}"],
    ),
    (
        {"pcrs": f'{{sha256: {{7: ["{A}", "{ONES}"]}}}}'},
        [f"4:89: warning: pcrs.sha256.7[1]: all FF: {CONSTANT}"],
    ),
    (
        {"baselines": baselines(f'sha256: {{17: "{ONES}"}}')},
        [f"5:44: warning: baselines[0].pcrs.sha256.17: all FF: {CONSTANT}"],
    ),
    ({"pcrs": f'{{sha256: {{0: "{LOCALITY}"}}}}'}, []),
    (
        {"pcrs": "{sha256: {16: any, 15: any, 23: extended, 22: initial}}"},
        [
            f"4:17: warning: pcrs.sha256.16: {RESET}",
            f"4:35: warning: pcrs.sha256.23: {RESET}",
        ],
    ),
    (
        {"baselines": baselines(f'sha256: {{"16": "{A}"}}')},
        [f"5:40: warning: baselines[0].pcrs.sha256.16: {RESET}"],
    ),
    (
        {"pcrs": "{sha1: {0: any, 7: any}, sha256: {0: any}}"},
        [f"4:8: warning: pcrs.sha1: {SHA1}"],
    ),
    (
        {"baselines": baselines(f'sha1: {{0: "{A[:38]}01"}}')},
        [f"5:31: warning: baselines[0].pcrs.sha1: {SHA1}"],
    ),
]


@pytest.mark.parametrize(("parts", "expected"), WARNINGS, ids=range(len(WARNINGS)))
def test_warns_at_the_place(
    tmp_path: Path, parts: dict[str, str | None], expected: list[str]
) -> None:
    assert findings(tmp_path, **parts) == expected


UNTIL = ", valid: {until: 2026-11-24T00:00:00Z}"
EXPIRED = "5:39: warning: baselines[0].valid.until: expired 2026-11-24T00:00:00+00:00"


def test_warns_of_expired_baselines_from_their_end_on(tmp_path: Path) -> None:
    golden = baselines(f'sha256: {{0: "{A}"}}', keys=UNTIL)

    assert findings(tmp_path, baselines=golden) == [f"{EXPIRED} [baseline.expired]"]
    assert findings(tmp_path, AT.replace(year=2025), baselines=golden) == []


def test_an_expired_baseline_that_is_revoked_still_refuses(tmp_path: Path) -> None:
    golden = baselines(f'sha256: {{0: "{A}"}}', keys=f"{UNTIL}, revoked: a")

    why = "which changes nothing: revoked, it refuses at any date"
    assert findings(tmp_path, baselines=golden) == [f"{EXPIRED}, {why} [baseline.expired]"]


TAG = "[baseline.contradiction]"
CONTRADICTIONS = [
    # rule, golden values, word in the message; None where some value satisfies the rule
    (f'"{A}"', f'"{B}"', "other values"),
    (f'["{A}", "{LOCALITY}"]', f'["{B}"]', "other values"),
    (f'"{A}"', f'["{B}", "{A.upper()}"]', None),
    ("extended", f'"{ZERO}"', "extended"),
    ("extended", f'"{ONES}"', "extended"),
    ("extended", f'"{LOCALITY}"', "extended"),
    ("extended", f'["{ZERO}", "{LOCALITY}"]', "extended"),
    ("extended", f'["{ZERO}", "{A}"]', None),
    ("initial", f'"{A}"', "initial"),
    ("initial", f'"{ONES}"', "initial"),
    ("initial", f'"{LOCALITY}"', None),
    ("initial", f'["{A}", "{ZERO}"]', None),
    ("any", f'"{ZERO}"', None),
]


@pytest.mark.parametrize(("rule", "golden", "word"), CONTRADICTIONS)
def test_a_baseline_that_no_rule_lets_pass_is_an_error(
    tmp_path: Path, rule: str, golden: str, word: str | None
) -> None:
    said = findings(
        tmp_path,
        pcrs=f"{{sha256: {{0: {rule}}}}}",
        baselines=baselines(
            f'sha256: {{0: "{LOCALITY[:-2]}05", 7: "{A}"}}', f"sha256: {{0: {golden}}}"
        ),
    )

    errors = [finding for finding in said if "error" in finding and "baselines[1]" in finding]
    wanted = f"baselines[1].pcrs.sha256.0: never passes, since pcrs.sha256.0 asks for {word}"
    assert [error.partition(": ")[2] for error in errors] == (
        [f"error: {wanted} {TAG}"] if word else []
    )


def test_each_baseline_and_pcr_is_held_against_the_rules(tmp_path: Path) -> None:
    said = findings(
        tmp_path,
        pcrs=f'{{sha256: {{0: "{A}", 7: initial}}, sha384: {{0: extended}}}}',
        baselines=f"""
  - name: good
    pcrs: {{sha256: {{0: "{A}", 4: "{B}"}}}}
  - name: bad
    pcrs:
      sha256:
        7: "{B}"
        0: "{B}"
      sha512: {{0: "{"00" * 63}01"}}
  - name: withdrawn
    revoked: known to be bad
    pcrs: {{sha256: {{0: "{B}"}}}}""",
    )

    never = "never passes, since pcrs.sha256"
    assert said == [
        f"11:12: error: baselines[1].pcrs.sha256.7: {never}.7 asks for initial {TAG}",
        f"12:12: error: baselines[1].pcrs.sha256.0: {never}.0 asks for other values {TAG}",
    ]


def test_findings_carry_their_parts(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(policy(), encoding="utf-8")

    assert lint(str(path), AT) == (
        Finding(
            path=str(path),
            line=3,
            column=14,
            severity="warning",
            rule="aik.unanchored",
            message="aik.trust: unanchored: a key made in software passes too",
        ),
    )


def test_a_set_is_looked_over_file_by_file_and_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(policy(name="b", nonce="none"), encoding="utf-8")
    (tmp_path / "a.yaml").write_text(policy(name="a", pcrs="{sha1: {16: any}}"), encoding="utf-8")

    assert [(Path(f.path).name, f.line, f.rule) for f in lint(tmp_path, AT)] == [
        ("a.yaml", 3, "aik.unanchored"),
        ("a.yaml", 4, "bank.sha1"),
        ("a.yaml", 4, "pcr.resettable"),
        ("b.yaml", 3, "aik.unanchored"),
        ("b.yaml", 5, "nonce.none"),
    ]


def test_expiry_is_judged_now_without_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        policy(
            aik=ENROLLED,
            baselines=baselines(f'sha256: {{0: "{A}"}}', keys=UNTIL.replace("2026", "2001")),
        ),
        encoding="utf-8",
    )

    assert [finding.rule for finding in lint(path)] == ["baseline.expired"]


def test_a_moment_without_zone_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time zone"):
        lint(tmp_path, datetime(2026, 11, 24))  # noqa: DTZ001 - the lie under test


def test_a_policy_that_does_not_load_is_not_looked_over(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        lint(tmp_path, AT)
