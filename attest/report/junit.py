"""JUnit XML: one test case a response, as continuous integration shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr  # it writes only

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


def render(results: Iterable[Published]) -> str:
    """Return one test suite for all results.

    Characters that XML 1.0 cannot write are stripped, so that any text of a server gives a document
    that can be read.

    Args:
        results: In the order of the input. What is kept is a few hundred octets a result, since a
            suite states its numbers first.
    """
    cases: list[str] = []
    failed = 0
    for result in results:
        case, has_failed = _case(result)
        cases.append(case)
        failed += has_failed
    numbers = f'tests="{len(cases)}" failures="{failed}" errors="0" skipped="0"'
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites name="tpm-attest" {numbers}>\n'
        f'<testsuite name="attest verify" {numbers}>\n'
        f"{''.join(cases)}</testsuite>\n</testsuites>\n"
    )
    return document.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _case(result: Published) -> tuple[str, bool]:
    """Write one response, and tell whether it is refused."""
    refusing = refusals(result)
    name = quoteattr(_written(place_of(result)))
    lines = [f"<testcase classname={quoteattr(_written(policy_of(result)))} name={name}"]
    lines[0] += f" file={quoteattr(_written(source_of(result)))}>"
    lines.append("<properties>")
    for key in ("decision", "assurance", "baseline", "payload_id", "evidence_sha256"):
        value = first_of([result[key]])
        if value is not None:
            lines.append(f'<property name="{key}" value={quoteattr(_written(value))}/>')
    lines.append("</properties>")
    if refusing:
        first, said = refusing[0], (f"{refusal.check}: {refusal.reason}" for refusal in refusing)
        message = quoteattr(_written(f"{first.check}: {first.reason}"))
        failure = f"<failure type={quoteattr(_written(first.check))} message={message}>"
        lines.append(failure + escape(_written("\n".join(said))) + "</failure>")
    lines.append("</testcase>\n")
    return "\n".join(lines), bool(refusing)


def _written(text: str) -> str:
    """Strip what XML cannot write."""
    return _NO_XML.sub("", text)
