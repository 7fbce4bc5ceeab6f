"""``report.inspection`` as text: aligned, wrapped, and safe to print."""

from attest.evidence import read_evidence
from attest.report.inspection import Field, Section, inspect_evidence, render
from tests import build
from tests.judging import octets_of


def test_nothing_of_the_server_can_act_on_a_terminal() -> None:
    odd = "\x1b[2J\u202e\n"
    values = {odd: {"0": "00"}, "sha256": {odd: "00"}}
    response = build.response(pcr_values=values, pcr_banks=odd, tier=odd, payload_id=odd)
    text = render(inspect_evidence(read_evidence(octets_of(response))))
    assert text.replace("\n", "").isprintable()


def test_text_aligns_values_and_puts_meanings_behind_them() -> None:
    sections = (
        Section("one", (Field("a", "1"), Field("long", "2", "two"))),
        Section("none", ()),
        Section("hex", (Field("x", "0" * 64), Field("y", "0" * 64 + "ff", "wide"))),
    )
    assert render(sections) == (
        "one\n  a     1\n  long  2  (two)\n\nnone\n\nhex\n"
        f"  x  {'0' * 64}\n  y  {'0' * 64}\n     ff  (wide)"
    )
