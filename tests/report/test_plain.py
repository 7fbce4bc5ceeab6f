"""Plain words: every check and every PCR has some, in the order of the checks."""

import pytest

from attest.checks import CHECKS
from attest.report.plain import ASSURANCES, DYNAMIC, MEANINGS, pcr_meaning
from attest.result import Assurance
from attest.tpm.constants import PCR_COUNT


def test_every_check_has_a_meaning_in_its_order() -> None:
    assert list(MEANINGS) == list(CHECKS)
    assert all(meaning.endswith(".") for meaning in MEANINGS.values())


def test_every_assurance_has_a_meaning() -> None:
    assert set(ASSURANCES) == set(Assurance)


@pytest.mark.parametrize("index", range(PCR_COUNT))
def test_only_pcrs_17_to_22_are_of_dynamic_launch(index: int) -> None:
    assert (pcr_meaning(index) == DYNAMIC) is (17 <= index <= 22)
