"""The part ``provenance`` of a policy or a baseline: where its values come from."""

from __future__ import annotations

from attest.policy.origin import LEARNT, Provenance
from attest.policy.scalars import moment, octets, text, word
from attest.policy.section import Value


def read_provenance(value: Value) -> Provenance:
    """Read ``provenance``, of which ``source`` is required; no decision ever rests on it."""
    section = value.section()
    provenance = Provenance(
        source=text(section.need("source")),
        sha256=section.given("sha256", _sha256, None),
        date=section.given("date", moment, None),
        tool=section.given("tool", text, None),
        assurance=section.given("assurance", _assurance, None),
    )
    section.finish()
    return provenance


def _sha256(value: Value) -> bytes:
    return octets(value, 32)


def _assurance(value: Value) -> str:
    return word(value, LEARNT)
