"""The questions over all results: what was planted is found, and nothing else."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from attest.checks import CHECKS
from attest.replay.findings import find
from attest.replay.pool import ReplayError
from attest.replay.questions import COUNTS, JUDGED, QUESTIONS, VIEW
from attest.replay.tables import views_of
from tests import build
from tests.aik import Aik, digest
from tests.endorsing import certified
from tests.replay.making import (
    AIK,
    OTHER,
    enrolling,
    findings_of,
    found,
    gate_archive,
    octets,
    replayed,
)

IDS = [
    *("nonce.reused", "quote.replayed", "payload-id.reused", "aik.reused"),
    *("clock.backwards", "counters.reset", "pcr.changed", "baseline.changed", "firmware.changed"),
    *("archive.gap", "refused.used"),
]
MACHINE = ("clock.backwards", "counters.reset", "pcr.changed", "baseline.changed",
           "firmware.changed")  # fmt: skip
GATE = ("archive.gap", "refused.used")
NEWER: build.Values = {"sha256": {**build.VALUES["sha256"], 0: digest("sha256", b"update")}}
TWO_BASELINES: dict[str, object] = {
    "baselines": [
        {"name": name, "pcrs": {"sha256": {i: values["sha256"][i] for i in (0, 7)}}}
        for name, values in (("release-a", build.VALUES), ("release-b", NEWER))
    ]
}


def hits(answers: Mapping[str, tuple[str, list[int]]]) -> dict[str, list[int]]:
    """What was found, without what was not."""
    return {name: rows for name, (answer, rows) in answers.items() if answer == "yes"}


def machine(out: Path, *rows: Mapping[str, Any], aik: Aik = AIK) -> dict[str, list[int]]:
    """What is found over quotes of one machine, each a second after the other."""
    responses = [octets(aik, number=number, **told) for number, told in enumerate(rows)]
    return hits(found(out, *responses, **enrolling(aik), **TWO_BASELINES))


def test_honest_rows_give_every_question_its_no(tmp_path: Path) -> None:
    answers = found(tmp_path / "out", *(octets(number=number) for number in range(3)))
    assert list(answers) == IDS
    told = {name: answer for name, (answer, _) in answers.items()}
    assert told == {name: "not judged" if name in MACHINE + GATE else "no" for name in IDS}


def test_honest_rows_of_machines_give_no_finding(tmp_path: Path) -> None:
    rows = [{"quoted": {"clock": 1000 * number, "reset_count": number // 2,
                        "restart_count": number % 2}} for number in range(6)]  # fmt: skip
    responses = [octets(AIK, number=number, **told) for number, told in enumerate(rows)]
    responses += [octets(OTHER, number=number + 10, **told) for number, told in enumerate(rows)]
    answers = found(tmp_path / "out", *responses, **enrolling(AIK, OTHER))
    assert hits(answers) == {}
    assert all(answers[name][0] == "no" for name in MACHINE)


def test_one_nonce_for_two_quotes(tmp_path: Path) -> None:
    responses = [
        octets(number=0),
        octets(number=1),
        octets(number=2, quoted={"extra_data": build.nonce_of("id-0")}),
    ]
    assert hits(found(tmp_path / "out", *responses)) == {"nonce.reused": [0, 2]}


def test_a_response_that_is_saved_twice(tmp_path: Path) -> None:
    responses = [octets(number=0), octets(number=1)]
    assert hits(found(tmp_path / "out", *responses, responses[0])) == {
        "nonce.reused": [0, 2],
        "quote.replayed": [0, 2],
        "payload-id.reused": [0, 2],
        "aik.reused": [0, 2],
    }


def test_a_quote_under_another_payload_id(tmp_path: Path) -> None:
    nonce = build.nonce_of("id-0")
    quote = build.quote(AIK, build.VALUES, extra_data=nonce)
    responses = [octets(AIK, number=number, quote=quote) for number in range(2)]
    assert hits(found(tmp_path / "out", *responses)) == {
        "nonce.reused": [0, 1],
        "quote.replayed": [0, 1],
        "aik.reused": [0, 1],
    }


def test_one_payload_id_for_two_nonces(tmp_path: Path) -> None:
    responses = [
        octets(number=0, payload_id="one"),
        octets(number=1, payload_id="one", quoted={"extra_data": b"x" * 16}),
    ]
    assert hits(found(tmp_path / "out", *responses)) == {"payload-id.reused": [0, 1]}


def test_an_aik_that_signs_again(tmp_path: Path) -> None:
    responses = [octets(AIK, number=0), octets(number=1), octets(AIK, number=2)]
    assert hits(found(tmp_path / "out", *responses)) == {"aik.reused": [0, 2]}


def test_an_enrolled_aik_is_meant_to_sign_again(tmp_path: Path) -> None:
    responses = [octets(AIK, number=0), octets(AIK, number=1)]
    assert hits(found(tmp_path / "out", *responses, **enrolling(AIK))) == {}


def test_an_aik_that_an_enrolled_ak_certifies_is_not_meant_to_sign_again(tmp_path: Path) -> None:
    told = {"attestation": {"endorsement": certified(AIK, OTHER)}}
    responses = [octets(AIK, number=number, **told) for number in range(2)]
    answers = found(tmp_path / "out", *responses, **enrolling(OTHER))
    assert hits(answers) == {"aik.reused": [0, 1]}
    assert answers["clock.backwards"][0] == "no"


def test_a_clock_that_goes_back(tmp_path: Path) -> None:
    clocks = (10, 9, 11)
    assert machine(tmp_path / "out", *({"quoted": {"clock": clock}} for clock in clocks)) == {
        "clock.backwards": [1]
    }


def test_clocks_are_compared_as_numbers_of_64_bits(tmp_path: Path) -> None:
    clocks = (9, 10, 2**63, 2**64 - 1)
    assert machine(tmp_path / "out", *({"quoted": {"clock": clock}} for clock in clocks)) == {}


def test_rows_of_one_second_never_go_back(tmp_path: Path) -> None:
    responses = [octets(AIK, payload_id=str(clock), quoted={"clock": clock}) for clock in (3, 1, 2)]
    assert hits(found(tmp_path / "out", *responses, **enrolling(AIK))) == {}


@pytest.mark.parametrize(
    ("counts", "rows"),
    [
        ([(7, 2), (6, 2)], [1]),
        ([(7, 2), (7, 1)], [1]),
        ([(7, 2), (8, 0), (8, 1)], []),
        ([(7, 2), (8, 0), (7, 3)], [2]),
    ],
)
def test_counters_that_go_back(
    tmp_path: Path, counts: list[tuple[int, int]], rows: list[int]
) -> None:
    told = [{"quoted": {"reset_count": reset, "restart_count": restart}}
            for reset, restart in counts]  # fmt: skip
    assert machine(tmp_path / "out", *told) == ({"counters.reset": rows} if rows else {})


def test_pcrs_and_baseline_that_change(tmp_path: Path) -> None:
    told = [{}, {"values": NEWER}, {"values": NEWER}]
    assert machine(tmp_path / "out", *told) == {"pcr.changed": [1], "baseline.changed": [1]}


def test_pcrs_that_change_on_a_refused_row(tmp_path: Path) -> None:
    odd: build.Values = {"sha256": {**build.VALUES["sha256"], 7: bytes(32)}}
    assert machine(tmp_path / "out", {}, {"values": odd}, {}) == {"pcr.changed": [1, 2]}


def test_pcr_10_grows_without_a_finding(tmp_path: Path) -> None:
    grown: build.Values = {"sha256": {**build.VALUES["sha256"], 10: digest("sha256", b"more")}}
    assert machine(tmp_path / "out", {}, {"values": grown}) == {}


def test_other_selections_are_not_compared(tmp_path: Path) -> None:
    more: build.Values = {"sha256": {**build.VALUES["sha256"], 1: bytes(32)}}
    assert machine(tmp_path / "out", {}, {"values": more}, {}) == {}


def test_firmware_that_changes(tmp_path: Path) -> None:
    told = [{"quoted": {"firmware": version}} for version in (1, 1, 2)]
    assert machine(tmp_path / "out", *told) == {"firmware.changed": [2]}


def test_a_forged_quote_says_nothing_of_a_machine(tmp_path: Path) -> None:
    honest = octets(AIK, number=0)
    forged = octets(
        AIK, number=1, quoted={"clock": 1, "firmware": 1}, signature=OTHER.sign(b"something")
    )
    answers = found(tmp_path / "out", honest, forged, **enrolling(AIK))
    assert hits(answers) == {}
    assert answers["clock.backwards"][0] == "no"


def test_a_row_without_a_time_has_no_row_before_it(tmp_path: Path) -> None:
    responses = [
        octets(AIK, number=0),
        octets(AIK, number=1, quoted={"clock": 1}, metadata={"processed_at": None}),
    ]
    assert hits(found(tmp_path / "out", *responses, **enrolling(AIK))) == {}


def test_a_gap_and_a_refused_response_that_was_used(tmp_path: Path) -> None:
    path = gate_archive(tmp_path, [octets(), octets(number=1, values=NEWER), octets(number=2)])
    lines = path.read_bytes().splitlines(keepends=True)
    answers = findings_of(replayed(tmp_path / "whole", path))
    assert hits(answers) == {"refused.used": [1]}
    assert answers["archive.gap"][0] == "no"
    path.write_bytes(lines[0] + lines[2])
    assert hits(findings_of(replayed(tmp_path / "cut", path))) == {"archive.gap": [1]}


def test_a_refused_response_that_was_withheld_is_no_finding(tmp_path: Path) -> None:
    path = gate_archive(tmp_path, [octets(values=NEWER)], released=False)
    assert hits(findings_of(replayed(tmp_path / "out", path))) == {}


def test_malformed_rows_are_not_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x\nx\n")
    outcome = replayed(tmp_path / "out", path)
    assert {finding["answer"] for finding in outcome.findings} == {"not judged"}
    assert {finding["not_judged"] for finding in outcome.findings} == {0}


def test_not_judged_says_what_is_needed_and_how_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(octets() + b"\nx")
    by_id = {finding["id"]: finding for finding in replayed(tmp_path / "out", path).findings}
    clock, nonce = by_id["clock.backwards"], by_id["nonce.reused"]
    assert (clock["judged"], clock["not_judged"], clock["count"]) == (0, 1, 0)
    assert clock["reason"].startswith("no row has an anchor")
    assert (nonce["judged"], nonce["not_judged"], "reason" in nonce) == (1, 0, False)


def test_rows_listed_are_capped_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attest.replay.findings.MOST_ROWS", 2)
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([octets(AIK)] * 3))
    (nonce, *_) = replayed(tmp_path / "out", path).findings
    assert (nonce["count"], nonce["rows"], nonce["capped"]) == (
        3, [[str(path), 0], [str(path), 1]], True,
    )  # fmt: skip


def test_every_question_is_explained_and_in_the_order_of_the_contract() -> None:
    assert [question.id for question in QUESTIONS] == IDS
    for question in QUESTIONS:
        assert question.asks.endswith("?")
        assert question.meaning.endswith(".")


@pytest.mark.parametrize("sql", [COUNTS, JUDGED, *(question.sql for question in QUESTIONS)])
def test_sql_stays_in_what_both_engines_take(sql: str) -> None:
    foreign = r'::|"|`|QUALIFY|LIST|UNNEST|EXPLODE|REGEXP|EXCLUDE|FILTER'
    without_texts = re.sub("'[^']*'", "''", sql)
    assert not re.search(foreign, without_texts, re.IGNORECASE)


def test_questions_need_no_engine_of_ours() -> None:
    answers = {COUNTS: [], JUDGED: [[0] * (len(QUESTIONS) + 1)]}
    findings = find(lambda sql: answers[sql])
    assert [finding["answer"] for finding in findings] == ["not judged"] * len(QUESTIONS)


def test_questions_write_nothing_to_standard_output(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(octets())
    replayed(tmp_path / "out", path)
    with views_of({VIEW: tmp_path / "out"}) as ask:
        assert ask("SELECT current_setting('enable_progress_bar')") == [(False,)]


def test_parts_without_a_column_are_not_those_of_a_run(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(octets())
    replayed(tmp_path / "out", path)
    with (
        pytest.raises(ReplayError, match="no_such_column"),
        views_of({VIEW: tmp_path / "out"}) as ask,
    ):
        ask("SELECT no_such_column FROM results")


def test_outcomes_stand_in_the_order_of_the_checks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(octets(quoted={"magic": 0}))
    replayed(tmp_path / "out", path)
    with views_of({VIEW: tmp_path / "out"}) as ask:
        ((outcomes, checks),) = ask("SELECT outcomes, checks FROM results")
    told = dict(zip(CHECKS, outcomes.split(","), strict=True))
    assert told == {one["id"]: one["outcome"] for one in json.loads(checks)}
    assert told["quote.magic"] == "fail"
