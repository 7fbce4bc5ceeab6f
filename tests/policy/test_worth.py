"""Which PCRs are worth a golden value."""

import pytest

from attest.policy.worth import Pcr, growing_rules, read_selection, why_left_out
from attest.tpm.constants import Alg

SOME, OTHER = b"\x01" * 31 + b"\x02", b"\x03" * 31 + b"\x04"


def test_a_selection_is_read_as_tpm2_tools_spell_it() -> None:
    read = read_selection("sha256:0,7+sha384:0")
    assert read == {(Alg.SHA256, 0), (Alg.SHA256, 7), (Alg.SHA384, 0)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a selection such as"),
        ("md5:0", "expected a selection such as"),
        ("sha256:", "expected a selection such as"),
        ("sha256:0, 7", "expected a selection such as"),
        ("sha256:07", "expected PCRs from 0 to 23"),
        ("sha256:24", "expected PCRs from 0 to 23"),
        ("sha256:10", "PCR 10 grows, and is never one golden value"),
    ],
)
def test_another_selection_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_selection(text)


@pytest.mark.parametrize(
    ("pcr", "values", "banks", "said"),
    [
        ((Alg.SHA256, 10), [SOME], (), "grows while a machine runs"),
        ((Alg.SHA256, 16), [SOME], (), "software can reset it at any time"),
        ((Alg.SHA256, 23), [SOME], (), "software can reset it at any time"),
        ((Alg.SHA256, 0), [bytes(31) + b"\x03"], (), "nothing was ever measured into it"),
        ((Alg.SHA256, 7), [bytes(32), b"\xff" * 32], (), "nothing was ever measured into it"),
        ((Alg.SHA256, 7), [bytes(32), SOME], (), None),
        ((Alg.SHA1, 7), [SOME[:20]], (Alg.SHA1, Alg.SHA256), "collisions of SHA-1 can be made"),
        ((Alg.SHA1, 7), [SOME[:20]], (Alg.SHA1,), None),
        ((Alg.SHA256, 7), [SOME, OTHER], (Alg.SHA1, Alg.SHA256), None),
    ],
)
def test_each_pcr_is_worth_a_value_or_says_why_not(
    pcr: tuple[int, int], values: list[bytes], banks: tuple[int, ...], said: str | None
) -> None:
    reason = why_left_out(pcr, values, banks)
    assert (reason or "").startswith(said or "")
    assert (reason is None) is (said is None)


def test_only_a_pcr_10_that_was_always_extended_gets_the_rule() -> None:
    seen: dict[Pcr, list[bytes]] = {
        (Alg.SHA256, 10): [SOME, OTHER],
        (Alg.SHA384, 10): [bytes(48), SOME + SOME[:16]],
        (Alg.SHA256, 7): [SOME],
    }
    assert [(rule.bank, rule.index) for rule in growing_rules(seen)] == [(Alg.SHA256, 10)]
