"""``pcr.baseline``: one release matches whole, and none that was revoked."""

from datetime import UTC, datetime, timedelta

import pytest

from tests import build
from tests.aik import digest, rsa_aik
from tests.judging import AT, answer, refusing, verified

CHECK = "pcr.baseline"
A, B, C, D = (digest("sha256", bytes([number])) for number in range(4))
QUOTED: build.Values = {"sha256": {0: A, 7: B}}
UNVOUCHED = "; nothing vouches for the reported values"
NOW = "2026-11-24T12:00:00Z"
BEFORE, AFTER = "2026-11-24T11:59:59Z", "2026-11-24T12:00:01Z"
LATER = "from 2026-11-24T12:00:01+00:00"
OVER = "until 2026-11-24T12:00:00+00:00"


def release(
    name: str, pcrs: dict[int, object] | None = None, **members: object
) -> dict[str, object]:
    """A baseline that the quoted values match, unless PCRs are given."""
    golden = {0: A, 7: B} if pcrs is None else pcrs
    return {"name": name, **members, "pcrs": {"sha256": golden}}


def judged(*baselines: dict[str, object]) -> tuple[str, str]:
    return answer(verified(values=QUOTED, policy={"baselines": list(baselines)}), CHECK)


def named(*baselines: dict[str, object]) -> tuple[str | None, str | None]:
    result = verified(values=QUOTED, policy={"baselines": list(baselines)})
    return result.baseline, result.closest_baseline


@pytest.mark.parametrize(
    "golden",
    [{0: A, 7: B}, {0: A}, {7: B}, {7: [C, B]}, {0: [A, C], 7: [B, D]}],
)
def test_baseline_passes_where_every_golden_value_is_quoted(golden: dict[int, object]) -> None:
    assert judged(release("r1", golden)) == ("pass", "matches r1")


@pytest.mark.parametrize(
    "others",
    [
        [release("r0", {0: C})],
        [release("r0", valid={"until": NOW})],
        [release("r0", {0: C}, revoked="bad")],
    ],
    ids=["another", "expired", "revoked"],
)
def test_baseline_passes_beside_others_that_do_not_count(others: list[dict[str, object]]) -> None:
    assert judged(*others, release("r1")) == ("pass", "matches r1")


def test_baseline_names_the_first_match_in_the_file() -> None:
    assert named(release("r1", {0: A}), release("r2"), release("r0")) == ("r1", None)


@pytest.mark.parametrize(
    "golden",
    [{0: A, 7: C}, {0: C, 7: B}, {0: B, 7: A}, {0: [C, D], 7: B}],
)
def test_baseline_fails_where_any_golden_value_is_not_quoted(golden: dict[int, object]) -> None:
    assert judged(release("r1", golden))[0] == "fail"


def test_baseline_fails_where_releases_are_mixed() -> None:
    first, second = release("r1", {0: A, 7: C}), release("r2", {0: D, 7: B})
    reason = f"closest is r1: sha256:7 is {B.hex()}, expected {C.hex()}"
    assert judged(first, second) == ("fail", reason)


def test_baseline_alone_refuses() -> None:
    result = verified(values=QUOTED, policy={"baselines": [release("r1", {0: C})]})
    assert refusing(result) == {CHECK}


def test_baseline_writes_a_pcr_that_is_not_quoted() -> None:
    reason = f"closest is r1: sha256:8 is not quoted, expected {C.hex()}"
    assert judged(release("r1", {0: A, 8: C})) == ("fail", reason)


def test_baseline_fails_in_a_bank_that_is_not_quoted() -> None:
    sha1 = digest("sha1", b"firmware")
    reason = f"closest is r1: sha1:0 is not quoted, expected {sha1.hex()}"
    assert judged({"name": "r1", "pcrs": {"sha1": {0: sha1}}}) == ("fail", reason)


@pytest.mark.parametrize(
    ("baselines", "closest"),
    [
        ([release("r1", {0: C, 7: C}), release("r2", {0: A, 7: C})], "r2"),
        ([release("r1", {0: A, 7: C}), release("r2", {0: C, 7: C})], "r1"),
        ([release("r1", {0: C, 7: B}), release("r2", {0: A, 7: C})], "r1"),
        ([release("r1", {0: C}, valid={"until": NOW}), release("r2", {0: C, 7: C})], "r2"),
        ([release("r1", {0: C}, valid={"from": AFTER}), release("r2", {0: C, 7: C})], "r2"),
        ([release("r1", {0: C}, revoked="bad"), release("r2", {0: C, 7: C})], "r2"),
        ([release("r1", {0: C}, revoked="bad")], None),
        ([release("r1", {0: C}, valid={"until": NOW})], None),
        ([release("r1", {0: C, 7: C}), release("r2", valid={"until": NOW})], "r1"),
    ],
)
def test_closest_baseline_is_the_candidate_with_the_fewest_differences(
    baselines: list[dict[str, object]], closest: str | None
) -> None:
    assert named(*baselines) == (None, closest)


def test_differences_are_those_of_the_closest_baseline_after_those_of_the_rules() -> None:
    policy = {
        "pcrs": {"sha256": {7: "initial"}},
        "baselines": [release("far", {0: C, 7: C}), release("near", {0: [C, D], 7: B})],
    }
    result = verified(values=QUOTED, policy=policy)
    assert result.to_dict()["differences"] == [
        {"bank": "sha256", "pcr": 7, "quoted": B.hex(), "golden": ["initial"]},
        {"bank": "sha256", "pcr": 0, "quoted": A.hex(), "golden": [C.hex(), D.hex()]},
    ]


def test_baseline_names_three_differences_and_counts_the_others() -> None:
    golden: dict[int, object] = {0: C, 7: C, 8: C, 9: C, 11: C}
    reason = (
        f"closest is r1: sha256:0 is {A.hex()}, expected {C.hex()}; "
        f"sha256:7 is {B.hex()}, expected {C.hex()}; "
        f"sha256:8 is not quoted, expected {C.hex()}; and 2 more"
    )
    assert judged(release("r1", golden)) == ("fail", reason)


@pytest.mark.parametrize(
    ("valid", "passes"),
    [
        ({"from": NOW}, True),
        ({"from": AFTER}, False),
        ({"until": AFTER}, True),
        ({"until": NOW}, False),
        ({"from": NOW, "until": AFTER}, True),
        ({"from": BEFORE, "until": NOW}, False),
        ({"from": "2026-11-24T13:00:00+01:00"}, True),
    ],
)
def test_baseline_is_a_candidate_from_its_first_moment_to_before_its_last(
    valid: dict[str, str], passes: bool
) -> None:
    assert (judged(release("r1", valid=valid))[0] == "pass") is passes


@pytest.mark.parametrize(("valid", "written"), [({"until": NOW}, OVER), ({"from": AFTER}, LATER)])
def test_baseline_says_which_release_matches_out_of_its_time(
    valid: dict[str, str], written: str
) -> None:
    reason = f"matches r1, which is valid only {written}"
    assert judged(release("r1", valid=valid), release("r2", {0: C})) == ("fail", reason)


def test_baseline_says_the_first_release_that_matches_out_of_its_time() -> None:
    reason = f"matches r1, which is valid only {OVER}"
    first, second = release("r1", valid={"until": NOW}), release("r2", valid={"from": AFTER})
    assert judged(first, second) == ("fail", reason)


def test_baseline_says_where_none_is_in_force() -> None:
    first = release("r1", {0: C}, valid={"until": NOW})
    second = release("r2", {0: C}, revoked="bad")
    assert judged(first, second) == ("fail", "no baseline is in force")


@pytest.mark.parametrize(
    "others",
    [[], [release("good")], [release("old", valid={"until": NOW})], [release("r2", {0: C})]],
    ids=["alone", "beside-good", "beside-expired", "beside-another"],
)
@pytest.mark.parametrize("last", [False, True], ids=["first", "last"])
@pytest.mark.parametrize(
    "valid",
    [{}, {"valid": {"until": NOW}}, {"valid": {"from": AFTER}}],
    ids=["always", "expired", "later"],
)
def test_baseline_that_is_revoked_refuses_whatever_else_matches_at_any_date(
    others: list[dict[str, object]], last: bool, valid: dict[str, object]
) -> None:
    recalled = release("recalled", None, revoked="key leaked", **valid)
    order = [*others, recalled] if last else [recalled, *others]
    result = verified(values=QUOTED, policy={"baselines": order})
    assert (answer(result, CHECK), result.accepted, result.baseline) == (
        ("fail", "matches recalled, revoked: key leaked"),
        False,
        None,
    )


def test_baseline_names_the_first_revoked_one() -> None:
    first, second = release("r1", revoked="one"), release("r2", revoked="two")
    assert judged(first, second) == ("fail", "matches r1, revoked: one")


def test_baseline_is_skipped_where_the_policy_has_none() -> None:
    result = verified(policy={"baselines": None})
    assert answer(result, CHECK) == ("skip", "the policy has no baselines")


def test_baseline_skipped_for_want_of_baselines_does_not_refuse() -> None:
    assert verified(policy={"baselines": None}).accepted


@pytest.mark.parametrize("unread", ["quote", "values", "time"])
def test_baseline_is_skipped_and_refuses_without_quoted_values(unread: str) -> None:
    if unread == "values":
        result = verified(pcr_values=[])
    else:
        result = verified(quote=b"" if unread == "quote" else build.other("time", rsa_aik()))
    seen = (answer(result, CHECK), CHECK in refusing(result))
    assert seen == (("skip", "there are no quoted PCR values"), True)


def test_baseline_says_where_nothing_vouches_for_the_values() -> None:
    result = verified(signature=b"\0\x14\0\x0b\0\0")
    assert answer(result, CHECK) == ("pass", f"matches release-a{UNVOUCHED}")


@pytest.mark.parametrize(("seconds", "passes"), [(-1, False), (0, True), (59, True), (60, False)])
def test_baseline_is_judged_at_the_moment_of_the_appraisal(seconds: int, passes: bool) -> None:
    valid = {"from": NOW, "until": "2026-11-24T12:01:00Z"}
    at = datetime(2026, 11, 24, 12, tzinfo=UTC) + timedelta(seconds=seconds)
    result = verified(
        values=QUOTED, policy={"baselines": [release("r1", valid=valid)]}, asking={"at": at}
    )
    assert (at >= AT, answer(result, CHECK)[0] == "pass") == (seconds >= 0, passes)
