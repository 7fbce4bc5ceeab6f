"""``compare``: quoted PCRs against rules and baselines, without the rest of an appraisal."""

from datetime import UTC, datetime

import pytest

from attest import Difference
from attest.policy.anchoring import AikRules, Trust
from attest.policy.compare import MOST_WRITTEN, Comparison, Quoted, compare, written
from attest.policy.model import ALWAYS, Baseline, PcrRule, Policy, RuleKind, Validity
from attest.tpm.constants import Alg

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
A, B, C = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
QUOTED: Quoted = {Alg.SHA256: {0: A, 7: B}}
OVER, LATER = Validity(end=AT), Validity(start=AT.replace(year=2027))


def rule(index: int, *values: bytes, kind: RuleKind = RuleKind.VALUES) -> PcrRule:
    return PcrRule(Alg.SHA256, index, kind, values)


def release(
    name: str, *golden: PcrRule, valid: Validity = ALWAYS, revoked: str | None = None
) -> Baseline:
    return Baseline(name, golden or (rule(0, A), rule(7, B)), valid, revoked)


def policy(*parts: PcrRule | Baseline) -> Policy:
    return Policy(
        name="test",
        aik=AikRules(Trust.UNANCHORED),
        rules=tuple(part for part in parts if isinstance(part, PcrRule)),
        baselines=tuple(part for part in parts if isinstance(part, Baseline)),
    )


def test_nothing_asked_gives_an_empty_comparison() -> None:
    assert compare(policy(), QUOTED, AT) == Comparison()


def test_rules_that_hold_give_no_difference() -> None:
    kinds = (RuleKind.ANY, RuleKind.EXTENDED)
    rules = (rule(0, A), rule(7, C, B), *(rule(0, kind=kind) for kind in kinds))
    assert compare(policy(*rules), QUOTED, AT) == Comparison()


@pytest.mark.parametrize(
    ("asked", "quoted", "golden"),
    [
        (rule(0, B), A, (B.hex(),)),
        (rule(0, B, C), A, (B.hex(), C.hex())),
        (rule(0, kind=RuleKind.INITIAL), A, ("initial",)),
        (rule(5, A), None, (A.hex(),)),
        (rule(5, kind=RuleKind.ANY), None, ("any",)),
    ],
)
def test_rules_that_do_not_hold_give_what_was_quoted_and_wanted(
    asked: PcrRule, quoted: bytes | None, golden: tuple[str, ...]
) -> None:
    difference = Difference("sha256", asked.index, quoted, golden)
    assert compare(policy(asked), QUOTED, AT).rule_differences == (difference,)


@pytest.mark.parametrize("kind", RuleKind)
def test_a_value_of_no_octets_holds_no_rule(kind: RuleKind) -> None:
    asked = rule(0, A, kind=kind) if kind is RuleKind.VALUES else rule(0, kind=kind)
    comparison = compare(policy(asked), {Alg.SHA256: {0: b""}}, AT)
    assert len(comparison.rule_differences) == 1


def test_a_value_of_no_octets_meets_no_baseline() -> None:
    comparison = compare(policy(release("r", rule(0, A))), {Alg.SHA256: {0: b""}}, AT)
    assert (comparison.matched, len(comparison.baseline_differences)) == (None, 1)


@pytest.mark.parametrize("bank", [Alg.SHA1, Alg.SHA384, Alg.SHA3_256])
def test_another_bank_meets_neither_rule_nor_baseline(bank: Alg) -> None:
    comparison = compare(policy(rule(0, A), release("r")), {bank: {0: A, 7: B}}, AT)
    assert (len(comparison.rule_differences), len(comparison.baseline_differences)) == (1, 2)


@pytest.mark.parametrize(
    ("baselines", "matched", "revoked", "lapsed", "closest"),
    [
        ([release("a")], "a", None, None, None),
        ([release("a"), release("b")], "a", None, None, None),
        ([release("x", rule(0, C)), release("b")], "b", None, None, None),
        ([release("x", valid=OVER), release("b")], "b", None, "x", None),
        ([release("a", valid=OVER)], None, None, "a", None),
        ([release("a", valid=OVER), release("b", valid=LATER)], None, None, "a", None),
        ([release("a", valid=OVER), release("c", rule(0, C))], None, None, "a", "c"),
        ([release("a", revoked="why")], None, "a", None, None),
        ([release("a", revoked="why"), release("b", revoked="why")], None, "a", None, None),
        ([release("a", revoked="why", valid=OVER)], None, "a", None, None),
        ([release("a", revoked="why", valid=LATER), release("b")], None, "a", None, None),
        ([release("a", rule(0, C), revoked="why")], None, None, None, None),
        (
            [release("a", rule(0, C), revoked="why"), release("b", rule(0, C))],
            None,
            None,
            None,
            "b",
        ),
        ([release("a", rule(0, B), rule(7, A)), release("b", rule(0, C))], None, None, None, "b"),
        ([release("a", rule(0, B)), release("b", rule(7, C))], None, None, None, "a"),
    ],
)
def test_baselines_are_told_apart(
    baselines: list[Baseline],
    matched: str | None,
    revoked: str | None,
    lapsed: str | None,
    closest: str | None,
) -> None:
    seen = compare(policy(*baselines), QUOTED, AT)
    names = [
        seen.matched,
        seen.closest,
        *(getattr(part, "name", None) for part in (seen.revoked, seen.lapsed)),
    ]
    assert names == [matched, closest, revoked, lapsed]


@pytest.mark.parametrize(
    ("valid", "matches"),
    [(ALWAYS, True), (Validity(start=AT), False), (Validity(end=AT), False)],
)
def test_an_unknown_moment_lies_only_in_an_open_validity(valid: Validity, matches: bool) -> None:
    comparison = compare(policy(release("a", valid=valid)), QUOTED, None)
    assert (comparison.matched is not None, comparison.closest) == (matches, None)


def test_differences_are_those_of_rules_then_those_of_the_closest() -> None:
    near = release("near", rule(0, A), rule(7, C))
    far = release("far", rule(0, C), rule(7, C))
    comparison = compare(policy(rule(0, B), far, near), QUOTED, AT)
    assert (*comparison.rule_differences, *comparison.baseline_differences) == (
        Difference("sha256", 0, A, (B.hex(),)),
        Difference("sha256", 7, B, (C.hex(),)),
    )


def test_written_differences_stand_one_after_the_other() -> None:
    pair = (Difference("sha1", 0, b"\1", ("02", "03")), Difference("sha256", 7, None, ("any",)))
    assert written(pair) == "sha1:0 is 01, expected 02 or 03; sha256:7 is not quoted, expected any"


@pytest.mark.parametrize(
    ("count", "end"), [(3, ""), (4, "; and 1 more"), (MOST_WRITTEN + 9, "; and 9 more")]
)
def test_written_differences_are_counted_after_the_third(count: int, end: str) -> None:
    pair = tuple(Difference("sha1", number, b"\1", ("any",)) for number in range(count))
    first = "; ".join(f"sha1:{number} is 01, expected any" for number in range(3))
    assert written(pair) == first + end


@pytest.mark.parametrize(
    ("golden", "end"),
    [
        (("01",), "01"),
        (("01", "02", "03"), "01 or 02 or 03"),
        (("01", "02", "03", "04"), "01 or 02 or 03 or 1 more"),
        (("01", "02", "03", "04", "05"), "01 or 02 or 03 or 2 more"),
    ],
)
def test_written_golden_values_are_counted_after_the_third(
    golden: tuple[str, ...], end: str
) -> None:
    assert written((Difference("sha1", 0, b"\xff", golden),)) == f"sha1:0 is ff, expected {end}"


def test_nothing_differs_is_written_as_nothing() -> None:
    assert written(()) == ""
