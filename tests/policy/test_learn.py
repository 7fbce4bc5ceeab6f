"""Baselines proposed from observations: states, left-out PCRs, and what is said of both."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from attest.policy.learn import MAX_CLUSTERS, LearnError, Observation, Proposal, propose
from attest.policy.worth import Pcr
from attest.tpm.constants import Alg
from tests.aik import digest

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
NONE: frozenset[Pcr] = frozenset()


def seen(number: int, anchor: bytes | None = None, **pcrs: str) -> Observation:
    """An observation whose PCRs (``p7="a"``) hold the hashes of words."""
    values = {int(name[1:]): digest("sha256", word.encode()) for name, word in pcrs.items()}
    return Observation({Alg.SHA256: values}, f"{number:064x}", anchor)


def proposed(*observations: Observation, wanted: frozenset[Pcr] = NONE) -> Proposal:
    return propose(observations, (AT, "test"), wanted)


def golden(proposal: Proposal) -> list[Mapping[int, bytes]]:
    return [
        {rule.index: rule.values[0] for rule in cluster.baseline.golden}
        for cluster in proposal.clusters
    ]


def left_out(proposal: Proposal) -> dict[int, str]:
    return {one.pcr[1]: one.reason for one in proposal.left_out}


def test_the_same_values_are_one_baseline_and_the_largest_comes_first() -> None:
    made = proposed(*(seen(n, p0="b" if n % 3 else "a", p7="c") for n in range(6)))
    b, a, c = (digest("sha256", word) for word in (b"b", b"a", b"c"))
    assert golden(made) == [{0: b, 7: c}, {0: a, 7: c}]
    assert [cluster.responses for cluster in made.clusters] == [4, 2]


def test_the_order_of_the_evidence_changes_nothing() -> None:
    given = [seen(n, p0=str(n % 4), p7="c", p10=str(n)) for n in range(40)]
    mixed = random.Random(7).sample(given, len(given))  # noqa: S311 - an order, no secret
    assert proposed(*given) == proposed(*mixed)


def test_a_pcr_that_never_agrees_is_left_out_and_named() -> None:
    made = proposed(*(seen(n, p0="a", p5=str(n)) for n in range(5)))
    assert left_out(made) == {5: "never agrees: 5 responses, as many values"}
    assert [list(values) for values in golden(made)] == [[0]]


def test_pcr_10_gets_the_rule_extended() -> None:
    made = proposed(seen(1, p0="a", p10="x"), seen(2, p0="a", p10="x"))
    assert left_out(made) == {10: "grows while a machine runs"}
    assert [(rule.index, str(rule.kind)) for rule in made.rules] == [(10, "extended")]


def test_a_pcr_that_only_some_quote_is_left_out_and_without_rule() -> None:
    made = proposed(seen(1, p0="a", p7="c", p10="x"), seen(2, p0="a"))
    assert left_out(made)[7] == "is quoted by 1 of 2 responses"
    assert made.rules == ()


def test_one_response_proposes_what_it_holds() -> None:
    assert golden(proposed(seen(1, p0="a", p7="c"))) == [
        {0: digest("sha256", b"a"), 7: digest("sha256", b"c")}
    ]


def test_the_same_evidence_counts_once() -> None:
    twice = seen(1, p0="a", p5="x")
    made = proposed(twice, twice, seen(2, p0="a", p5="y"))
    assert (made.repeated, made.clusters[0].responses) == (1, 2)
    assert left_out(made) == {5: "never agrees: 2 responses, as many values"}


def test_wanted_pcrs_get_values_and_no_others() -> None:
    wanted = frozenset({(int(Alg.SHA256), 5)})
    made = proposed(seen(1, p0="a", p5="x"), seen(2, p0="a", p5="y"), wanted=wanted)
    assert [list(values) for values in golden(made)] == [[5], [5]]
    assert left_out(made) == {0: "was not asked for"}


def test_a_wanted_pcr_must_always_be_quoted() -> None:
    with pytest.raises(LearnError, match="sha256:5: is not quoted by every response"):
        proposed(seen(1, p0="a"), wanted=frozenset({(int(Alg.SHA256), 5)}))
    with pytest.raises(LearnError, match="sha256:5: is not quoted by every response"):
        proposed(seen(1, p5="a"), seen(2, p0="a"), wanted=frozenset({(int(Alg.SHA256), 5)}))


def test_nothing_comes_of_nothing() -> None:
    with pytest.raises(LearnError, match="no response verified"):
        proposed()
    with pytest.raises(LearnError, match="no PCR is worth a golden value: sha256:10: grows"):
        proposed(seen(1, p10="x"))


def test_too_many_states_are_no_releases() -> None:
    many = [seen(n, p0="a", p1=str(n // 2)) for n in range(2 * MAX_CLUSTERS + 2)]
    said = "65 states are more than 64, so no releases: sha256:1 has 65 values"
    with pytest.raises(LearnError, match=said):
        proposed(*many)


def test_machines_are_counted_only_where_each_response_is_anchored() -> None:
    anchored = proposed(*(seen(n, anchor=bytes([n % 2]), p0="a") for n in range(4)))
    mixed = proposed(seen(1, anchor=b"k", p0="a"), seen(2, p0="a"))
    assert str(anchored.clusters[0]) == "learnt-1: 4 responses, 2 machines, anchored"
    assert str(mixed.clusters[0]) == (
        "learnt-1: 2 responses, machines unknown, self-consistent: "
        "anyone can make such evidence in software"
    )


def test_a_baseline_says_where_it_comes_from() -> None:
    made = proposed(seen(1, p0="a"), seen(2, p0="a")).clusters[0].baseline.provenance
    assert made is not None
    assert (made.source, made.date, made.tool) == ("2 responses", AT, "test")
    lines = "".join(f"{number:064x}\n" for number in (1, 2))
    assert made.sha256 == digest("sha256", lines.encode())
    assert made.assurance == "self-consistent"
