"""``pcr.rules``: every rule on a single PCR holds for what was quoted."""

import pytest

from tests import build
from tests.aik import digest, rsa_aik
from tests.judging import answer, refusing, verified

CHECK = "pcr.rules"
HOLDS = ("pass", "every rule on single PCRs holds")
ZEROS, ONES = bytes(32), b"\xff" * 32
A, B, C, D, E = (digest("sha256", bytes([number])) for number in range(5))
LOCALITY = {last: bytes(31) + bytes([last]) for last in range(1, 6)}
UNVOUCHED = "; nothing vouches for the reported values"


def judged(
    wanted: dict[int, object], quoted: dict[int, bytes], bank: str = "sha256"
) -> tuple[str, str]:
    policy = {"pcrs": {bank: wanted}, "baselines": None}
    return answer(verified(values={bank: quoted}, policy=policy), CHECK)


@pytest.mark.parametrize(
    ("wanted", "index", "value"),
    [
        (A, 7, A),
        ([A, B], 7, A),
        ([A, B], 7, B),
        ("any", 7, ZEROS),
        ("any", 17, ONES),
        ("any", 7, A),
        ("extended", 0, A),
        ("extended", 10, LOCALITY[3]),
        ("extended", 0, LOCALITY[1]),
        ("extended", 0, LOCALITY[2]),
        ("extended", 0, LOCALITY[5]),
        ("extended", 17, A),
        ("initial", 0, LOCALITY[3]),
        ("initial", 0, LOCALITY[4]),
        *(("initial", index, ZEROS) for index in (*range(17), 23)),
        *(("initial", index, ONES) for index in range(17, 23)),
    ],
)
def test_rule_holds(wanted: object, index: int, value: bytes) -> None:
    assert judged({index: wanted}, {index: value}) == HOLDS


@pytest.mark.parametrize(
    ("wanted", "index", "value", "golden"),
    [
        (A, 7, B, A.hex()),
        (A, 7, ZEROS, A.hex()),
        ([A, B], 7, C, f"{A.hex()} or {B.hex()}"),
        ([A, B, D], 7, C, f"{A.hex()} or {B.hex()} or {D.hex()}"),
        ([A, B, D, E], 7, C, f"{A.hex()} or {B.hex()} or {D.hex()} or 1 more"),
        ("extended", 0, LOCALITY[3], "extended"),
        ("extended", 0, LOCALITY[4], "extended"),
        *(("extended", index, value, "extended") for index in (0, 16, 17, 22, 23)
          for value in (ZEROS, ONES)),
        ("initial", 0, LOCALITY[1], "initial"),
        ("initial", 0, LOCALITY[2], "initial"),
        ("initial", 0, LOCALITY[5], "initial"),
        ("initial", 1, LOCALITY[3], "initial"),
        ("initial", 0, b"\1" + bytes(30) + b"\3", "initial"),
        *(("initial", index, ONES, "initial") for index in (0, 16, 23)),
        *(("initial", index, ZEROS, "initial") for index in (17, 22)),
        ("initial", 7, A, "initial"),
    ],
)  # fmt: skip
def test_rule_fails(wanted: object, index: int, value: bytes, golden: str) -> None:
    reason = f"sha256:{index} is {value.hex()}, expected {golden}"
    assert judged({index: wanted}, {index: value}) == ("fail", reason)


@pytest.mark.parametrize(
    ("wanted", "golden"), [(A, A.hex()), ("any", "any"), ("extended", "extended")]
)
def test_rule_fails_on_a_pcr_that_is_not_quoted(wanted: object, golden: str) -> None:
    reason = f"sha256:8 is not quoted, expected {golden}"
    assert judged({8: wanted}, {7: A}) == ("fail", reason)


def test_rule_fails_on_a_bank_that_is_not_quoted() -> None:
    policy = {"pcrs": {"sha1": {7: "any"}}, "baselines": None}
    reason = "sha1:7 is not quoted, expected any"
    assert answer(verified(policy=policy), CHECK) == ("fail", reason)


def test_rules_hold_bank_by_bank() -> None:
    sha1 = digest("sha1", b"firmware")
    assert judged({0: sha1}, {0: sha1}, "sha1") == HOLDS


@pytest.mark.parametrize(
    ("broken", "end"),
    [
        (1, ""),
        (3, ""),
        (4, "; and 1 more"),
        (8, "; and 5 more"),
    ],
)
def test_rules_name_three_differences_and_count_the_others(broken: int, end: str) -> None:
    wanted: dict[int, object] = dict.fromkeys(range(8), "extended")
    quoted = {index: ZEROS if index < broken else A for index in range(8)}
    named = (f"sha256:{n} is {ZEROS.hex()}, expected extended" for n in range(min(broken, 3)))
    assert judged(wanted, quoted) == ("fail", "; ".join(named) + end)


def test_rules_put_every_difference_into_the_result() -> None:
    policy = {"pcrs": {"sha256": {7: [A, B], 8: "extended", 9: C, 10: C}}, "baselines": None}
    result = verified(values={"sha256": {7: D, 8: ZEROS, 10: C}}, policy=policy)
    assert result.to_dict()["differences"] == [
        {"bank": "sha256", "pcr": 7, "quoted": D.hex(), "golden": [A.hex(), B.hex()]},
        {"bank": "sha256", "pcr": 8, "quoted": ZEROS.hex(), "golden": ["extended"]},
        {"bank": "sha256", "pcr": 9, "quoted": None, "golden": [C.hex()]},
    ]


def test_rules_that_hold_leave_no_difference() -> None:
    assert verified().differences == ()


def test_rules_alone_refuse() -> None:
    policy = {"pcrs": {"sha256": {7: A}}, "baselines": None}
    assert refusing(verified(policy=policy)) == {CHECK}


def test_rules_are_skipped_where_the_policy_has_none() -> None:
    result = verified(policy={"pcrs": None})
    assert answer(result, CHECK) == ("skip", "the policy has no rules on single PCRs")


def test_rules_skipped_for_want_of_rules_do_not_refuse() -> None:
    assert verified(policy={"pcrs": None}).accepted


@pytest.mark.parametrize("unread", ["quote", "values", "time"])
def test_rules_are_skipped_and_refuse_without_quoted_values(unread: str) -> None:
    if unread == "values":
        result = verified(pcr_values=None)
    else:
        result = verified(quote=b"" if unread == "quote" else build.other("time", rsa_aik()))
    seen = (answer(result, CHECK), CHECK in refusing(result))
    assert seen == (("skip", "there are no quoted PCR values"), True)


def test_rules_say_where_nothing_vouches_for_the_values() -> None:
    result = verified(quoted={"digest": bytes(32)})
    assert answer(result, CHECK) == ("pass", HOLDS[1] + UNVOUCHED)


def test_rules_compare_values_that_nothing_vouches_for() -> None:
    result = verified(
        policy={"pcrs": {"sha256": {7: A}}, "baselines": None}, signature=b"\0\x14\0\x0b\0\0"
    )
    seen = build.VALUES["sha256"][7].hex()
    reason = f"sha256:7 is {seen}, expected {A.hex()}{UNVOUCHED}"
    assert answer(result, CHECK) == ("fail", reason)


def test_rules_see_only_pcrs_of_the_signed_selection() -> None:
    values = build.hex_values(build.VALUES)
    values["sha256"]["8"] = A.hex()
    result = verified(policy={"pcrs": {"sha256": {8: A}}, "baselines": None}, pcr_values=values)
    reason = f"sha256:8 is not quoted, expected {A.hex()}"
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("upper", [False, True])
def test_rules_compare_octets_not_letters(upper: bool) -> None:
    values = {"sha256": {"7": A.hex().upper() if upper else A.hex()}}
    policy = {"pcrs": {"sha256": {7: A}}, "baselines": None}
    result = verified(values={"sha256": {7: A}}, pcr_values=values, policy=policy)
    assert answer(result, CHECK) == HOLDS
