"""Files that the command line judges: a policy, an honest response, a forged one."""

from pathlib import Path

import pytest

from tests import build
from tests.cli.calls import FORGED, HONEST


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return written(tmp_path / "policy.yaml", build.policy_text().encode())


@pytest.fixture
def honest(tmp_path: Path) -> Path:
    return written(tmp_path / "honest.json", HONEST)


@pytest.fixture
def forged(tmp_path: Path) -> Path:
    return written(tmp_path / "forged.json", FORGED)


def written(path: Path, octets: bytes) -> Path:
    path.write_bytes(octets)
    return path
