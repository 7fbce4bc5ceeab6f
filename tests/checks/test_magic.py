"""``quote.magic``: only what begins with TPM_GENERATED was made by a TPM."""

import pytest

from tests.judging import answer, refusing, verified

CHECK = "quote.magic"


def test_magic_passes_on_tpm_generated() -> None:
    assert answer(verified(), CHECK) == ("pass", "magic is TPM_GENERATED")


@pytest.mark.parametrize("magic", [0, 1, 0xFF544346, 0xFF544348, 0x7F544347, 0xFFFFFFFF])
def test_magic_fails_on_any_other_number(magic: int) -> None:
    reason = f"magic is 0x{magic:08x}, expected 0xff544347"
    assert answer(verified(quoted={"magic": magic}), CHECK) == ("fail", reason)


def test_magic_alone_refuses_a_foreign_number_that_the_key_signed() -> None:
    assert refusing(verified(quoted={"magic": 0})) == {CHECK}


def test_magic_is_skipped_without_a_readable_quote() -> None:
    result = verified(quoted={"trailing": b"\0"})
    assert answer(result, CHECK) == ("skip", "the quote could not be read")


def test_magic_skipped_refuses() -> None:
    assert CHECK in refusing(verified(quoted={"trailing": b"\0"}))
