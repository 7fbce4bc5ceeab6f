"""The page of a drift: what changed is told, and hostile text is text."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from attest.replay.drift import report_of_drift
from attest.replay.overview import report_of
from attest.report.contents import Report
from attest.report.page import render_report
from tests.replay.drifted import HOSTILE, RELEASES, change_of, drifted, policy_file, saved, usual
from tests.replay.making import octets
from tests.replay.reported import HOSTILE as TEXT
from tests.replay.reported import usual as usual_run
from tests.report.test_page import Element, read, text_of

SHOWN = HOSTILE.replace("\u202e", "\\u202e").replace("\x1b", "\\x1b")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("drift")
    usual(folder, HOSTILE)
    return report_of_drift(folder / "out")


def section(report: Report) -> str:
    """What the page says of the drift."""
    page = text_of(read(render_report(report)))
    return page.partition("What changed between the policies")[2].partition("Over time")[0]


def test_the_page_is_of_the_run_now_and_tells_what_changed(report: Report) -> None:
    page = text_of(read(render_report(report)))
    said = section(report)
    assert "6 of 11 accepted" in said.partition("Now")[2]
    assert "5 of 11 accepted" in said.partition("Now")[0]
    assert "4 of 11 responses refused" in page
    assert "accepted then, and are refused now? 3 rows" in said
    assert "refused then, and are accepted now? 4 rows" in said
    assert "by other checks? 1 row The" in said
    assert "2 from release-b to release-b-again" in said
    assert "No rows: other-assurance, other-evidence, only-then, only-now." in said


def test_a_row_that_is_refused_now_is_explained(report: Report) -> None:
    (first, *_) = [
        details
        for details in read(render_report(report)).iter("details")
        if "What refuses it now:" in text_of(details)
    ]
    said = text_of(first)
    assert RELEASES["a"]["sha256"][0].hex() in said
    assert RELEASES["b"]["sha256"][0].hex() in said
    assert "Closest baseline: release-b-again" in said
    assert first.get("open") == ""


def test_rows_beyond_the_first_are_counted(report: Report) -> None:
    assert "and 1 more: drift.json lists all" in section(report)
    told = changed(report, "newly-accepted", count=12_345, capped=True)
    assert "and 12,342 more: drift.json lists the first 4" in section(told)


def changed(report: Report, kind: str, **members: Any) -> Report:
    """The report with other members of a change."""
    assert report.drift is not None
    changes = [
        {**change, **(members if change["kind"] == kind else {})}
        for change in report.drift["changes"]
    ]
    return msgspec.structs.replace(report, drift={**report.drift, "changes": changes})


def test_values_beyond_ten_pairs_are_counted(report: Report) -> None:
    pairs = [{"then": f"a-{n}", "now": None, "count": 1} for n in range(12)]
    told = changed(report, "other-baseline", pairs=pairs, pairs_left_out=5)
    assert "1 from a-9 to \N{EN DASH}" in section(told)
    assert "and 7 other pairs" in section(told)


def test_hostile_names_are_text(report: Report) -> None:
    page = render_report(report)
    root = read(page)
    assert [element.tag for element in root.iter("script")] == ["script"]
    assert list(root.iter("img")) == []
    assert not {"\u202e", "\x1b"} & set(page)
    assert f"{SHOWN} row 0" in section(report)


def hostile(value: Any, name: str = "") -> Any:
    """The value with hostile text in place of all text but the kinds of changes."""
    if isinstance(value, dict):
        return {key: hostile(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [hostile(one, name) for one in value]
    return TEXT if isinstance(value, str) and name != "kind" else value


def test_hostile_text_in_every_member_is_text(report: Report) -> None:
    assert report.drift is not None
    found = hostile(dict(report.drift))
    for kind in ("newly-refused", "newly-accepted"):
        change_of(found, kind)["by_check"][TEXT] = 1
    found["then"]["policies"][0]["serial"] = 7
    root = read(render_report(msgspec.structs.replace(report, drift=found)))
    assert [element.tag for element in root.iter("script")] == ["script"]
    assert not any("\u202e" in text or "\x07" in text for text in root.itertext())


def test_another_response_shows_both(tmp_path: Path) -> None:
    usual(tmp_path)
    told = report_of_drift(tmp_path / "out")
    assert told.drift is not None
    (example, *_) = change_of(dict(told.drift), "newly-refused")["examples"]
    page = read(
        render_report(changed(told, "other-evidence", count=1, examples=[example], pairs=[]))
    )
    (shown,) = [one for one in page.iter("details") if "Now" in terms(one)]
    assert "accepted id id-0, evidence" in text_of(shown)
    assert "refused id id-0, evidence" in text_of(shown)


def terms(element: Element) -> list[str]:
    return [text_of(term) for term in element.iter("dt")]


def test_rows_of_one_run_alone_are_named(report: Report) -> None:
    example = {"source": "gone.jsonl", "row": 3, "then": {"decision": "accepted"}, "now": None}
    told = changed(report, "only-then", count=1, examples=[example], pairs=[])
    assert "gone.jsonl row 3" in section(told)


def test_a_drift_without_a_change_says_so(tmp_path: Path) -> None:
    policy = policy_file(tmp_path, "one", "a")
    archive = saved(tmp_path / "saved", [octets()])
    drifted(tmp_path / "out", archive, policy, policy)
    said = section(report_of_drift(tmp_path / "out"))
    assert "Nothing: every response ended the same" in said
    assert "Not the samenothing" in said  # a term and what stands beside it


def test_the_commands_repeat_the_drift(report: Report) -> None:
    lines = [command.line for command in report.commands]
    assert report.drift is not None
    out = next(line for line in lines if line.startswith("attest replay --check"))
    assert out.endswith("/out")
    again = next(line for line in lines if "--policy-then" in line)
    assert f"--policy-now {report.drift['now']['policy']} --at evidence -o again/" in again


def test_a_page_of_one_run_has_no_drift(tmp_path: Path) -> None:
    page = render_report(report_of(usual_run(tmp_path)))
    assert "What changed between the policies" not in page
