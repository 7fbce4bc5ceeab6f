"""TPMs of one maker, and an enrolment."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("TSS2_LOG", "all+none")  # libtss2 logs each refusal

from tests.live.collect.conftest import MEASURED
from tests.live.enrolment.enrolling import Enrolment
from tests.manufacture import Maker
from tests.swtpm import Swtpm


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker(tmp_path_factory.mktemp("maker"))


@pytest.fixture(scope="module")
def first(maker: Maker) -> Iterator[Swtpm]:
    with maker.tpm() as tpm:
        tpm.extend(MEASURED)
        yield tpm


@pytest.fixture(scope="module")
def second(maker: Maker) -> Iterator[Swtpm]:
    with maker.tpm() as tpm:
        yield tpm


@pytest.fixture
def enrolment(tmp_path: Path) -> Enrolment:
    return Enrolment(tmp_path / "one")
