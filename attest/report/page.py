"""Pages for people: a run, or one response of it, as one self-contained HTML document.

Nothing is fetched and nothing runs but the one script, which the page's policy names by its hash.
All text is escaped by the template engine, and what could act on a reader's eyes before that.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from attest.report.contents import Case, Report
from attest.report.plain import ASSURANCES, MEANINGS, NEVER, WORDS, pcr_meaning
from attest.report.published import QUESTIONS
from attest.text import shown

_FOLDER = "templates"
_MOST = 400
"""Characters of a text that a page repeats."""
_LONG = 1 << 30
_GOLDEN = 4
"""Golden values that are listed for one PCR."""


def render_report(report: Report) -> str:
    """Return the page of a run.

    Args:
        report: What it shows.
    """
    return _render("report.html.jinja", report=report, never=NEVER, words=WORDS)


def render_case(case: Case) -> str:
    """Return the page of one response.

    Args:
        case: What it shows.
    """
    return _render("case.html.jinja", case=case, words=WORDS)


def _render(template: str, **values: Any) -> str:
    """Fill a template, under a policy that allows its own style and script alone."""
    style, script = _asset("page.css"), _asset("page.js")
    csp = (
        f"default-src 'none'; style-src {_source(style)}; script-src {_source(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return _environment().get_template(template).render(
        csp=csp, style=Markup(style), script=Markup(script), **values  # noqa: S704 - our own files
    )  # fmt: skip


@cache
def _asset(name: str) -> str:
    """Read a file that stands in every page as it is."""
    return (files("attest.report") / _FOLDER / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    """Name an inline element as a Content Security Policy does."""
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    """Make the one environment; a name that a template lacks is an error, and not nothing."""
    environment = Environment(
        loader=PackageLoader("attest.report", _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_final,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        safe_text=_safe_text,
        lines=_lines,
        number=_number,
        golden=_golden,
        members=_members,
        time=_time,
        place=lambda one: f"{_safe_text(one.source)} row {one.row}",
    )
    environment.globals.update(
        questions=QUESTIONS, meanings=MEANINGS, assurances=ASSURANCES, pcr_meaning=pcr_meaning
    )
    return environment


def _safe_text(text: str | None, most: int = _MOST) -> str:
    """Escape what could act on a reader, and cut what is too long; None is a dash."""
    return "\N{EN DASH}" if text is None else shown(text, most)


def _number(value: int) -> str:
    return f"{value:,}"


def _time(moment: str | None) -> str:
    """Write a moment as people read it; to the second."""
    return "\N{EN DASH}" if moment is None else f"{moment[:10]} {moment[11:19]} UTC"


def _golden(values: tuple[str, ...]) -> list[str]:
    """List golden values, and say how many more there are."""
    listed = [_safe_text(value) for value in values[:_GOLDEN]]
    more = len(values) - _GOLDEN
    return listed + [f"and {more:,} more"] * (more > 0)


def _members(value: Mapping[str, Any]) -> Markup:
    """Write JSON for a person, in ASCII."""
    return _lines(json.dumps(value, indent=1))


def _lines(text: str) -> Markup:
    """Escape what could act on a reader line by line, so that lines stay lines."""
    tidy = (shown(line, _LONG) for line in text.replace("\t", "    ").splitlines())
    return Markup("\n").join(tidy)


def _final(value: object) -> object:
    """Escape what could act on a reader, in whatever a template writes; its HTML comes after."""
    return (
        shown(value, _LONG) if isinstance(value, str) and not hasattr(value, "__html__") else value
    )
