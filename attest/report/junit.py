"""JUnit XML: one test case a response or an expectation, as continuous integration shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Literal
from xml.sax.saxutils import escape, quoteattr  # it writes only

from msgspec import Struct

from attest.report.published import (
    Published,
    first_of,
    place_of,
    policy_of,
    refusals,
    source_of,
)

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 (2.2) has no way to write."""


class Fault(Struct, frozen=True):
    """Why a case does not pass.

    Attributes:
        element: ``failure`` for what was judged, ``error`` for what could not be.
        kind: What failed, such as the id of a check.
        message: Why, in one line.
        text: All that is to be said.
    """

    element: Literal["failure", "error"]
    kind: str
    message: str
    text: str


class Case(Struct, frozen=True):
    """One test case.

    Attributes:
        group: What it is a case of.
        name: Its own name.
        file: Where it stands.
        properties: Further facts, by name; None is left out.
        fault: Why it does not pass; None where it does.
    """

    group: str
    name: str
    file: str
    properties: tuple[tuple[str, str | None], ...] = ()
    fault: Fault | None = None


def render(results: Iterable[Published]) -> str:
    """Return one test suite for all results, where a refusal is a failure.

    Args:
        results: In the order of the input. What is kept is a few hundred octets a result, since a
            suite states its numbers first.
    """
    return render_cases("attest verify", map(_case_of, results))


def render_cases(suite: str, cases: Iterable[Case]) -> str:
    """Return one test suite.

    Characters that XML 1.0 cannot write are stripped, so that any text of a server gives a document
    that can be read.

    Args:
        suite: Name of the suite.
        cases: In the order of the suite.
    """
    written: list[str] = []
    faults: Counter[str] = Counter()
    for case in cases:
        written.append(_case(case))
        if case.fault is not None:
            faults[case.fault.element] += 1
    numbers = f'tests="{len(written)}" failures="{faults["failure"]}" '
    numbers += f'errors="{faults["error"]}" skipped="0"'
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="tpm-attest" {numbers}>\n'
        f"<testsuite name={_attribute(suite)} {numbers}>\n"
        f"{''.join(written)}</testsuite>\n</testsuites>\n"
    )
    return document.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _case_of(result: Published) -> Case:
    """Return one response as a case."""
    refusing = refusals(result)
    fault = None
    if refusing:
        first, said = refusing[0], (f"{refusal.check}: {refusal.reason}" for refusal in refusing)
        fault = Fault("failure", first.check, f"{first.check}: {first.reason}", "\n".join(said))
    keys = ("decision", "assurance", "baseline", "payload_id", "evidence_sha256")
    properties = tuple((key, first_of([result[key]])) for key in keys)
    return Case(policy_of(result), place_of(result), source_of(result), properties, fault)


def _case(case: Case) -> str:
    """Write one case."""
    lines = [f"<testcase classname={_attribute(case.group)} name={_attribute(case.name)}"]
    lines[0] += f" file={_attribute(case.file)}>"
    lines.append("<properties>")
    for key, value in case.properties:
        if value is not None:
            lines.append(f'<property name="{key}" value={_attribute(value)}/>')
    lines.append("</properties>")
    fault = case.fault
    if fault is not None:
        opening = f"<{fault.element} type={_attribute(fault.kind)} "
        opening += f"message={_attribute(fault.message)}>"
        lines.append(f"{opening}{escape(_written(fault.text))}</{fault.element}>")
    lines.append("</testcase>\n")
    return "\n".join(lines)


def _attribute(text: str) -> str:
    return quoteattr(_written(text))


def _written(text: str) -> str:
    """Strip what XML cannot write."""
    return _NO_XML.sub("", text)
