"""The TPMs that are quoted with, and somebody in the connection to one."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.aik import digest
from tests.live.collect.meddling import Meddler
from tests.swtpm import Swtpm

MEASURED: Final = {
    "sha256": {index: digest("sha256", bytes([index])) for index in (0, 7, 10)},
    "sha1": {index: digest("sha1", bytes([index])) for index in (0, 10)},
}


@pytest.fixture(scope="module")
def tpm() -> Iterator[Swtpm]:
    """A TPM into which something was measured."""
    with Swtpm() as started:
        started.extend(MEASURED)
        yield started


@pytest.fixture
def own_tpm() -> Iterator[Swtpm]:
    """A TPM of the test's own."""
    with Swtpm() as started:
        yield started


@pytest.fixture
def meddler(tpm: Swtpm) -> Iterator[Meddler]:
    """Somebody in the connection to the TPM."""
    with Meddler(tpm.tcti) as between:
        yield between
