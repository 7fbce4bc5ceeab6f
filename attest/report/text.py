"""A result as a person reads it: the decision, what it rests on, and each reason against it."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap

from attest.result import Assurance, AttestationResult, CheckResult, Outcome
from attest.text import shown

_ASSURANCES = {
    Assurance.NONE: "nothing was proven of a TPM",
    Assurance.SELF_CONSISTENT: "self-consistent, not anchored: any software could have made it",
    Assurance.ANCHORED: "anchored",
}
_ANCHORS = {
    ("enrolled", None): "the signing key is enrolled",
    ("enrolled", "certify"): "an enrolled key certifies the signing key",
    ("certified", None): "a certificate chain ties the signing key to a pinned root",
    ("certified", "certify"): "a key with a chain to a pinned root certifies the signing key",
}
"""What an anchor is, by its trust and the way that it takes."""
INDENT = " " * 10
_ID_WIDTH = 16
_WIDTH = 76
"""Columns of a reason: the longest that leaves a line within 103."""


class Style:
    """Colours for a terminal, or none."""

    def __init__(self, *, colour: bool) -> None:
        """Colour only where the reader is a terminal that wants it."""
        self._colour = colour

    def good(self, text: str) -> str:
        """Mark what was accepted."""
        return self._marked(text, "1;32")

    def bad(self, text: str) -> str:
        """Mark what refuses."""
        return self._marked(text, "1;31")

    def weak(self, text: str) -> str:
        """Mark what a reader should know and nothing rests on."""
        return self._marked(text, "33")

    def _marked(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text


def render(
    result: AttestationResult, source: str, row: int | None = None, style: Style | None = None
) -> str:
    """Render one result, without an end of line after the last line.

    Args:
        result: The result.
        source: Where the response came from.
        row: Row in the source, where it has several.
        style: Colours; none by default.
    """
    style = style or Style(colour=False)
    accepted = result.accepted
    where = shown(source) if row is None else f"{shown(source)} row {row}"
    head = style.good("ACCEPTED") if accepted else style.bad("REFUSED ")
    lines = [f"{head}  {where}  {_policy(result, accepted=accepted)}"]
    if accepted:
        assurance = _ASSURANCES[result.assurance]
        anchor = result.anchor
        if result.assurance is Assurance.ANCHORED and anchor is not None:
            lines.append(f"{INDENT}{assurance}: {_ANCHORS[anchor.trust, anchor.via]}")
        else:
            lines.append(INDENT + style.weak(assurance))
        for check in _reservations(result):
            lines += _explained(check, style.weak)
    else:
        for check in result.refusals:
            lines += _explained(check, style.bad)
    return "\n".join(lines)


def _policy(result: AttestationResult, *, accepted: bool) -> str:
    """Name the policy, and the baseline that an accepted response matched."""
    if result.policy is None:
        return "no policy"
    serial = result.policy.serial
    policy = f"policy {result.policy.name}" + (f" #{serial}" if serial is not None else "")
    return policy + (f", baseline {result.baseline}" if accepted and result.baseline else "")


def _explained(check: CheckResult, mark: Callable[[str], str]) -> list[str]:
    """Write a check and its reason, in lines that fit a terminal where words allow."""
    first, *rest = wrap(check.reason, _WIDTH, break_long_words=False, break_on_hyphens=False)
    lines = [f"{INDENT}{mark(f'{check.id:{_ID_WIDTH}}')} {first}"]
    return lines + [f"{INDENT}{'':{_ID_WIDTH}} {line}" for line in rest]


def _reservations(result: AttestationResult) -> tuple[CheckResult, ...]:
    """Return the warnings that the assurance does not already say."""
    return tuple(
        check
        for check in result.checks
        if check.outcome is Outcome.WARN and check.id != "aik.trust"
    )
