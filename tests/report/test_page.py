"""Pages: well-formed, under a strict policy, and hostile text is text."""

import hashlib
import re
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import msgspec
import pytest

from attest.replay.case import case_of
from attest.replay.overview import report_of
from attest.report.contents import Report, Row
from attest.report.page import render_case, render_report
from tests.replay.reported import HOSTILE, run_of, unjudged, usual

SHOWN: Final = HOSTILE.replace("\u202e", "\\u202e").replace("\x07", "\\x07")
Element = ElementTree.Element


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report_of(usual(tmp_path_factory.mktemp("report")))


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> str:
    return render_case(case_of(usual(tmp_path_factory.mktemp("case")), None, 18))


def read(page: str) -> Element:
    """Parse a page as a strict parser does: one that is not well-formed is an error."""
    assert page.startswith("<!DOCTYPE html>\n")
    return ElementTree.fromstring(page)  # noqa: S314 - our own page


def text_of(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def pages(report: Report, case: str) -> list[str]:
    return [render_report(report), case]


def test_pages_are_well_formed(report: Report, case: str) -> None:
    for page in pages(report, case):
        assert [child.tag for child in read(page)] == ["head", "body"]


def test_the_policy_allows_the_pages_own_style_and_script_alone(report: Report, case: str) -> None:
    for page in pages(report, case):
        (csp,) = [
            meta.get("content", "")
            for meta in read(page).iter("meta")
            if meta.get("http-equiv") == "Content-Security-Policy"
        ]
        rules = dict(rule.strip().split(" ", 1) for rule in csp.split(";"))
        assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
        assert rules["img-src"] == "data:"
        for name in ("style", "script"):
            (inline,) = re.findall(f"<{name}>(.*?)</{name}>", page, re.DOTALL)
            digest = b64encode(hashlib.sha256(inline.encode()).digest()).decode()
            assert rules[f"{name}-src"] == f"'sha256-{digest}'"
        assert page.index("Content-Security-Policy") < page.index("<style>")


def test_pages_name_nothing_outside_themselves(report: Report, case: str) -> None:
    for page in pages(report, case):
        assert not re.search("https?:|//[a-z]|url\\(|@import", page)
        names = {name for element in read(page).iter() for name in element.attrib}
        assert not {name for name in names if name.startswith("on")} | (names & {"style", "srcset"})
        linked = [e.get(n) for e in read(page).iter() for n in ("src", "href") if e.get(n)]
        assert linked == ["data:,"]


def test_hostile_text_is_text(report: Report, case: str) -> None:
    for page in pages(report, case):
        root = read(page)
        assert [element.tag for element in root.iter("script")] == ["script"]
        assert list(root.iter("img")) == []
        assert "\u202e" not in page
        assert "\x07" not in page
    cells = [text_of(cell) for cell in read(pages(report, case)[0]).iter("td")]
    assert any(f"id {SHOWN[:40]}" in cell for cell in cells)
    assert any(SHOWN[:40] in text_of(cell) for cell in read(case).iter("dd"))


def test_hostile_names_of_every_kind_are_text(report: Report) -> None:
    rows = tuple(
        Row(HOSTILE, 0, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, True, HOSTILE, ())
        for _ in range(2)
    )
    hostile = msgspec.structs.replace(
        report,
        verifier=HOSTILE,
        archives=(HOSTILE,),
        policies=({"name": HOSTILE, "serial": 1, "sha256": HOSTILE},),
        at=HOSTILE,
        digest=HOSTILE,
        assurances={HOSTILE: 1},
        by_check={HOSTILE: 1},
        rows=msgspec.structs.replace(report.rows, items=rows),
        not_judged=(HOSTILE,),
    )
    root = read(render_report(hostile))
    assert len(list(root.iter("script"))) == 1
    assert "\u202e" not in text_of(root)


def test_quoted_stands_against_golden(report: Report) -> None:
    (group,) = [group for group in report.groups.items if group.differences and group.count == 2]
    page = read(render_report(report))
    tables = [t for t in page.iter("table") if (t.get("class") or "").startswith("compare")]
    (difference,) = group.differences
    assert any(
        difference.quoted in text_of(table) and difference.golden[0] in text_of(table)
        and "Secure Boot" in text_of(table)
        for table in tables
    )  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((3, 3, 0, 0), "All 3 responses accepted"),
        ((3, 2, 0, 1), "1 of 3 responses could not be read"),
        ((3, 1, 1, 1), "1 of 3 responses refused"),
    ],
)
def test_the_verdict_is_told_first(
    report: Report, counts: tuple[int, int, int, int], said: str
) -> None:
    names = ("rows", "accepted", "refused", "malformed")
    told = msgspec.structs.replace(report, counts=dict(zip(names, counts, strict=True)))
    assert next(e.text for e in read(render_report(told)).iter("strong")) == said


def test_an_empty_run_of_facts_leaves_no_gap(tmp_path: Path) -> None:
    bare = report_of(run_of(tmp_path, b"{}"))
    page = text_of(read(render_report(bare)))
    assert "No response has a time: there is no order to show." in page
    assert "Nothing was accepted." in page


def test_what_is_left_out_is_said(report: Report) -> None:
    def left(name: str) -> Callable[[Report], Report]:
        listed = msgspec.structs.replace(getattr(report, name), left_out=12_345)
        return lambda one: msgspec.structs.replace(one, **{name: listed})

    told = report
    for name in ("rows", "groups", "changes"):
        told = left(name)(told)
    assert report.timeline is not None
    timeline = msgspec.structs.replace(
        report.timeline, states_left_out=12_345, machines_left_out=12_345
    )
    told = msgspec.structs.replace(told, timeline=timeline)
    assert text_of(read(render_report(told))).count("12,345 ") == 5


def test_golden_values_beyond_four_are_counted(report: Report) -> None:
    (group,) = [group for group in report.groups.items if group.differences and group.count == 2]
    many = msgspec.structs.replace(
        group.differences[0], golden=tuple(f"{n:064x}" for n in range(1_010)), quoted=None, pcr=17
    )
    groups = msgspec.structs.replace(
        report.groups, items=(msgspec.structs.replace(group, differences=(many,)),)
    )
    page = text_of(read(render_report(msgspec.structs.replace(report, groups=groups))))
    assert "and 1,006 more" in page
    assert "not quoted" in page
    assert "dynamic launch (DRTM)" in page


def test_a_page_of_a_thousand_refusals_is_below_a_mebibyte(report: Report) -> None:
    (row,) = [row for row in report.rows.items if row.row == 19]
    reasons = tuple(
        msgspec.structs.replace(row.reasons[0], check=f"check.{n}", reason="f" * 160)
        for n in range(10)
    )
    rows = (msgspec.structs.replace(row, reasons=reasons),) * 700  # as far as MOST_TEXT lets
    told = msgspec.structs.replace(report, rows=msgspec.structs.replace(report.rows, items=rows))
    assert len(render_report(told).encode()) < 1024 * 1024


@pytest.mark.parametrize(
    ("row", "verdict"), [(0, "Accepted"), (14, "Refused"), (20, "Not readable")]
)
def test_a_case_tells_its_verdict_and_every_check(tmp_path: Path, row: int, verdict: str) -> None:
    root = read(render_case(case_of(usual(tmp_path), None, row)))
    assert next(element.text for element in root.iter("strong")) == verdict
    checks = [text_of(code) for code in root.iter("code")]
    assert {"quote.signature", "pcr.baseline", "response.tier"} <= set(checks)


def test_a_case_that_no_policy_judged_says_so(tmp_path: Path) -> None:
    page = text_of(read(render_case(case_of(unjudged(tmp_path), None, 0))))
    assert "none applied" in page


@pytest.mark.parametrize(("changes", "folded"), [(20, 0), (21, 1), (1000, 980)])
def test_many_changes_of_machines_do_not_push_the_reasons_away(
    report: Report, changes: int, folded: int
) -> None:
    (first, *_) = report.changes.items
    many = msgspec.structs.replace(report.changes, items=(first,) * changes)
    page = read(render_report(msgspec.structs.replace(report, changes=many)))
    tables = page.findall(".//table[@class='cards changes']")
    assert [len(table.findall("tbody/tr")) for table in tables] == [20, folded][: len(tables)]
    assert len(tables) == 1 + bool(folded)
    said = [text_of(summary) for summary in page.findall(".//details/summary")]
    ending = "change" if folded == 1 else "changes"
    assert (f"{folded} later {ending}" in said) is bool(folded)
