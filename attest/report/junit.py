"""JUnit XML: one test case a response or an expectation, as continuous integration shows them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
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


class Numbers:
    """Counts of a suite, which stand before its cases and are known behind them."""

    def __init__(self) -> None:
        """Nothing was counted yet."""
        self._tests = 0
        self._faults: Counter[str] = Counter()

    def written(self, cases: Iterable[Case]) -> Iterator[str]:
        """Write each case, and count it."""
        for case in cases:
            self._tests += 1
            if case.fault is not None:
                self._faults[case.fault.element] += 1
            yield _ascii(_case(case))

    def opening(self, suite: str) -> str:
        """Write what stands before the cases that were counted.

        Args:
            suite: Name of the suite.
        """
        numbers = f'tests="{self._tests}" failures="{self._faults["failure"]}" '
        numbers += f'errors="{self._faults["error"]}" skipped="0"'
        return _ascii(
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<testsuites name="tpm-attest" {numbers}>\n'
            f"<testsuite name={_attribute(suite)} {numbers}>\n"
        )


CLOSING = "</testsuite>\n</testsuites>\n"
"""What stands behind the cases."""
RESULTS = "attest verify"
"""Name of the suite of results."""


def render(results: Iterable[Published]) -> str:
    """Return one test suite for all results, where a refusal is a failure.

    The whole document is held, a few hundred octets a result; for very many, write what
    ``Numbers.written`` gives of ``cases_of`` to a place of its own first, as the command does.

    Args:
        results: In the order of the input.
    """
    return render_cases(RESULTS, cases_of(results))


def render_cases(suite: str, cases: Iterable[Case]) -> str:
    """Return one test suite.

    Characters that XML 1.0 cannot write are stripped, so that any text of a server gives a document
    that can be read.

    Args:
        suite: Name of the suite.
        cases: In the order of the suite.
    """
    numbers = Numbers()
    written = "".join(numbers.written(cases))
    return numbers.opening(suite) + written + CLOSING


def cases_of(results: Iterable[Published]) -> Iterator[Case]:
    """Return each result as a case, one by one."""
    return map(_case_of, results)


def _ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


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
