"""The page of a run in the system's Chromium: its filter works, and nothing leaves it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from attest.replay.case import case_of
from attest.replay.drift import report_of_drift
from attest.replay.overview import report_of
from attest.report.page import render_case, render_report
from tests.replay import drifted
from tests.replay.reported import usual

PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    run = usual(folder)
    written = {"report": render_report(report_of(run)), "case": render_case(case_of(run, None, 14))}
    drifted.usual(folder / "drift", drifted.HOSTILE)
    written["drift"] = render_report(report_of_drift(folder / "drift" / "out"))
    for name, text in written.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in written}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium")
    assert found is not None, "needs chromium: scripts/test installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Seen:
    """A page, and all that it asked for and complained of."""

    def __init__(self, browser: Browser, width: int, scheme: str = "light") -> None:
        self.page: Page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))

    def open(self, path: Path) -> Page:
        self.page.goto(path.as_uri())
        return self.page


@pytest.fixture
def seen(browser: Browser) -> Iterator[Seen]:
    seen = Seen(browser, DESK)
    yield seen
    seen.page.close()


def listed(page: Page) -> list[str]:
    """The verdicts of the rows that can be seen."""
    return page.locator("#rows tbody tr:visible td:first-child").all_inner_texts()


def test_no_request_leaves_a_page_and_nothing_is_complained_of(
    seen: Seen, pages: dict[str, Path]
) -> None:
    for path in pages.values():
        seen.requests.clear()
        page = seen.open(path)
        page.wait_for_load_state("networkidle")
        assert (seen.requests, seen.said) == ([path.as_uri()], [])


def test_the_verdict_filters_rows(seen: Seen, pages: dict[str, Path]) -> None:
    page = seen.open(pages["report"])
    assert len(listed(page)) == 21
    page.select_option("#decision", "malformed")
    assert listed(page) == ["not readable"]
    page.select_option("#decision", "refused")
    assert listed(page) == ["refused"] * 5
    assert page.inner_text("#seen") == "5 of 21 listed rows shown"


def test_a_check_and_words_filter_rows_together(seen: Seen, pages: dict[str, Path]) -> None:
    page = seen.open(pages["report"])
    page.select_option("#check", "pcr.baseline")
    assert listed(page) == ["refused"] * 2
    page.fill("#search", "ID-518460 pcr.Baseline")
    assert listed(page) == ["refused"]
    page.fill("#search", "no such words")
    assert listed(page) == []
    page.select_option("#check", "")
    page.fill("#search", "")
    assert (len(listed(page)), seen.said) == (21, [])


def test_hostile_text_can_be_searched_and_does_nothing(seen: Seen, pages: dict[str, Path]) -> None:
    page = seen.open(pages["report"])
    page.fill("#search", "<script>alert(1)")
    assert "accepted" in listed(page)
    assert (page.locator("main script, main img").count(), seen.said) == (0, [])


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_as_wide_as_its_screen(
    browser: Browser, pages: dict[str, Path], width: int, scheme: str
) -> None:
    seen = Seen(browser, width, scheme)
    for path in pages.values():
        page = seen.open(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(255, 255, 255)") is (scheme == "light")
    seen.page.close()


def test_a_phone_says_which_verdict_is_of_which_run(
    browser: Browser, pages: dict[str, Path]
) -> None:
    for width, said in ((PHONE, ["then", "now"]), (DESK, [])):
        seen = Seen(browser, width)
        page = seen.open(pages["drift"])
        table = page.locator("#drift ~ table").first
        labels = table.locator("tbody tr").first.locator("td:not(.amount) .narrow:visible")
        assert labels.all_inner_texts() == said
        assert table.locator("thead").is_visible() is (not said)
        seen.page.close()


def test_script_that_is_put_into_a_page_does_not_run(
    seen: Seen, pages: dict[str, Path], tmp_path: Path
) -> None:
    text = pages["report"].read_text(encoding="utf-8")
    lie = "<script>document.title = 'taken'</script><img src='data:,' onerror='x()'/>"
    changed = tmp_path / "changed.html"
    changed.write_text(text.replace("<main>", f"<main>{lie}"), encoding="utf-8")
    page = seen.open(changed)
    assert page.title() == "TPM attestation report: 5 refused of 21"
    assert any("Content Security Policy" in said for said in seen.said)


def test_a_page_is_printed_without_its_filters(seen: Seen, pages: dict[str, Path]) -> None:
    page = seen.open(pages["report"])
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.is_visible("#filters")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")
