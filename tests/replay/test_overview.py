"""What a report shows: counts, pictures, explanations, and what was not judged."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from attest.replay import overview, picture
from attest.replay.manifest import At
from attest.replay.overview import report_of
from attest.replay.pool import ReplayError
from attest.replay.published import ended
from attest.replay.run import Options, replay
from attest.report.contents import Timeline
from tests import build
from tests.archive.making import POSIX
from tests.replay.making import AIK, START, enrolling, octets, run_over
from tests.replay.reported import BASELINES, DAY, FOREIGN, HOSTILE, NEWER, run_of, usual


def picture_of(timeline: Timeline | None) -> Timeline:
    assert timeline is not None
    return timeline


def test_a_report_counts_what_the_summary_counts(tmp_path: Path) -> None:
    report = report_of(usual(tmp_path))
    assert report.counts == {"rows": 21, "accepted": 15, "refused": 5, "malformed": 1}
    assert report.assurances == {"anchored": report.counts["accepted"]}
    assert report.rows.left_out == 0
    decisions = [row.decision for row in report.rows.items]
    order = ["refused", "malformed", "accepted"]
    assert decisions == sorted(decisions, key=order.index)
    assert [(row.source, row.row) for row in report.rows.items if row.decision == "malformed"] == [
        (str(tmp_path / "saved.jsonl"), 20)
    ]


def test_refusals_that_are_alike_are_explained_once(tmp_path: Path) -> None:
    report = report_of(usual(tmp_path))
    groups = {group.reasons[-1].check: group for group in report.groups.items}
    changed = groups["pcr.baseline"]
    assert (changed.count, changed.row, changed.closest) == (2, 14, "release-b")
    (difference,) = changed.differences
    assert (difference.bank, difference.pcr) == ("sha256", 7)
    assert difference.quoted == FOREIGN["sha256"][7].hex()
    assert difference.golden == (NEWER["sha256"][7].hex(),)
    assert sum(group.count for group in report.groups.items) == report.counts["refused"]
    assert report.groups.left_out == 0


def test_groups_beyond_the_cap_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview, "GROUPS", overview.GROUPS.replace("LIMIT 40", "LIMIT 1"))
    report = report_of(usual(tmp_path))
    (group,) = report.groups.items
    assert report.groups.left_out == report.counts["refused"] - group.count > 0


def test_rows_end_where_their_text_is_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_TEXT", 500)
    report = report_of(usual(tmp_path))
    assert 0 < len(report.rows.items) < report.counts["rows"]
    assert report.rows.left_out == report.counts["rows"] - len(report.rows.items)


def test_the_picture_shows_values_in_the_order_of_their_first_row(tmp_path: Path) -> None:
    timeline = picture_of(report_of(usual(tmp_path)).timeline)
    assert (timeline.first, timeline.last) == ("2026-11-24T12:00:00Z", "2026-12-03T12:00:01Z")
    assert list(timeline.kinds.values())[:2] == ["baseline release-a", "baseline release-b"]
    names = [(lane.name, lane.note) for lane in timeline.states]
    assert names[0] == ("Values A", "11 rows, from 2026-11-24")
    assert names[1][1].endswith("from 2026-11-28; differs in sha256:0")
    assert names[2] == ("Values C", "2 rows, from 2026-11-30; differs in sha256:7")
    assert names[3][0] == "Nothing proven"


def test_cells_lie_in_their_lane_and_their_shares_are_whole(tmp_path: Path) -> None:
    timeline = picture_of(report_of(usual(tmp_path)).timeline)
    for lane in (*timeline.states, *timeline.machines):
        ends = [0]
        for cell in lane.cells:
            assert cell.start >= ends[-1]
            ends.append(cell.start + cell.width)
            assert sum(share for _, share in cell.shares) == pytest.approx(1)
        assert ends[-1] <= timeline.bins
        assert all(0 <= mark.bin < timeline.bins for mark in lane.marks)
    rows = sum(cell.rows for lane in timeline.states for cell in lane.cells)
    assert rows == 20


def test_machines_bear_marks_where_they_change(tmp_path: Path) -> None:
    report = report_of(usual(tmp_path))
    timeline = picture_of(report.timeline)
    assert {lane.note for lane in timeline.machines} == {"9 rows, 1 change", "8 rows, 1 change"}
    said = sorted(mark.said for lane in timeline.machines for mark in lane.marks)
    assert said == [
        "2026-11-28T12:00:00: baseline release-a to release-b; PCRs sha256:0",
        "2026-11-30T12:01:00: PCRs sha256:0, sha256:7",
    ]
    assert [change.row for change in report.changes.items] == [4, 14]
    assert report.changes.left_out == 0


def test_bins_that_look_the_same_are_one_cell(tmp_path: Path) -> None:
    rows = [octets(number=number) for number in range(picture.BINS)]
    timeline = picture_of(report_of(run_of(tmp_path, *rows)).timeline)
    ((cell,),) = [lane.cells for lane in timeline.states]
    assert (cell.start, cell.width, cell.rows) == (0, picture.BINS, picture.BINS)


def test_another_baseline_with_the_same_values_is_a_change(tmp_path: Path) -> None:
    until = {"until": (START + timedelta(days=1)).isoformat()}
    values = {"sha256": {7: build.VALUES["sha256"][7]}}
    named = [{"name": "first", "valid": until, "pcrs": values}, {"name": "next", "pcrs": values}]
    rows = [octets(AIK, number=0), octets(AIK, number=2 * DAY)]
    report = report_of(run_of(tmp_path, *rows, **enrolling(AIK), baselines=named))
    assert [change.said for change in report.changes.items] == [("baseline first to next",)]


def test_a_picture_of_one_moment_is_one_bin(tmp_path: Path) -> None:
    report = report_of(run_of(tmp_path, octets()))
    timeline = picture_of(report.timeline)
    assert timeline.first == timeline.last
    ((cell,),) = [lane.cells for lane in timeline.states]
    assert (cell.start, cell.width, cell.rows) == (0, 1, 1)
    assert (timeline.machines, report.changes.items) == ((), ())


def test_rows_without_a_time_give_no_picture(tmp_path: Path) -> None:
    report = report_of(run_of(tmp_path, b"{}"))
    assert report.timeline is None
    assert "When a row was made: 1 row without a time that can be read." in report.not_judged


def test_what_is_beyond_the_caps_of_a_picture_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_STATES", "_MACHINES"):
        text = getattr(picture, name)
        start = text.rindex("LIMIT")
        monkeypatch.setattr(picture, name, f"{text[:start]}LIMIT 1")
    monkeypatch.setattr(picture, "MOST_CHANGES", 1)
    monkeypatch.setattr(picture, "_MOST_NAMED", 1)
    monkeypatch.setattr(picture, "_CHANGED_PCRS", 1)
    report = report_of(usual(tmp_path))
    timeline = picture_of(report.timeline)
    assert (len(timeline.states), timeline.states_left_out) == (1, 3)
    assert (len(timeline.machines), timeline.machines_left_out) == (1, 1)
    assert (len(report.changes.items), report.changes.left_out) == (1, 1)
    assert "1 further baselines" in timeline.kinds.values()


def test_changes_within_a_bin_are_one_mark_that_counts_them(tmp_path: Path) -> None:
    rows = [octets(AIK, number=n, values=(NEWER if n % 2 else build.VALUES)) for n in range(4)]
    rows += [octets(AIK, number=400 * DAY)]
    report = report_of(run_of(tmp_path, *rows, **enrolling(AIK), **BASELINES))
    (lane,) = picture_of(report.timeline).machines
    assert next(mark.said.rpartition(" (")[2] for mark in lane.marks) == "and 2 more)"


def test_rows_of_rules_alone_are_accepted_without_a_baseline(tmp_path: Path) -> None:
    rules = {"pcrs": {"sha256": {7: "extended"}}, "baselines": None}
    report = report_of(run_of(tmp_path, octets(AIK), **rules))
    assert list(picture_of(report.timeline).kinds.values()) == ["accepted without a baseline"]


def test_what_was_not_judged_is_all_named(tmp_path: Path) -> None:
    report = report_of(run_of(tmp_path, octets(), octets(number=1, quoted={"magic": 0}), b"cut"))
    said = "\n".join(report.not_judged)
    assert "aik.trust (" in said
    assert "was answered with a reservation only: 2 responses." in said
    assert "response.tier (Does the response report the tier that was asked for?) was not" in said
    assert "archive.gap (Is a record missing before a row of a gate's archive?) of all rows" in said
    assert "1 row that could not be read." in said
    assert "Whether the time is right of 2 rows: the server alone claims it." in said


def test_questions_that_some_rows_cannot_be_asked_are_named(tmp_path: Path) -> None:
    said = "\n".join(report_of(usual(tmp_path)).not_judged)
    assert "pcr.changed (Did the PCRs of a machine change?) of " in said


@POSIX
@pytest.mark.parametrize("links", [1, 22])
def test_inputs_that_were_not_read_are_named(tmp_path: Path, links: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.json").write_bytes(octets())
    for number in range(links):
        (folder / f"link-{number:02}").symlink_to(folder / "a.json")
    replay(run_over(folder), tmp_path / "out", Options(0))
    lines = report_of(ended(tmp_path / "out")).not_judged
    named = [line for line in lines if line.startswith("The input ")]
    assert len(named) == min(links, 20)
    assert ("2 further inputs that could not be read." in lines) is (links == 22)


@pytest.mark.parametrize(
    ("at", "said", "option"),
    [
        (At("evidence"), "each response's own time", "--at evidence"),
        (At("now", START), "2026-11-24T12:00:00Z (the clock of the run)", "--at 2026-11-24T12"),
        (At("given", START), "2026-11-24T12:00:00Z (one moment for all)", "--at 2026-11-24T12"),
    ],
)
def test_the_moment_is_said_and_repeated(tmp_path: Path, at: At, said: str, option: str) -> None:
    report = report_of(run_of(tmp_path, octets(), at=at))
    assert report.at == said
    assert any(option in command.line for command in report.commands)


def test_a_summary_that_was_changed_is_an_error(tmp_path: Path) -> None:
    run = usual(tmp_path)
    path = run.out / "summary.json"
    summary = json.loads(path.read_bytes())
    path.write_text(json.dumps({**summary, "refused": 0, "accepted": summary["rows"] - 1}))
    with pytest.raises(ReplayError, match="counts of the parts are not those of the summary"):
        report_of(ended(run.out))


def test_hostile_text_is_kept_as_it_is_for_the_page(tmp_path: Path) -> None:
    report = report_of(usual(tmp_path))
    assert HOSTILE in [row.payload_id for row in report.rows.items]
