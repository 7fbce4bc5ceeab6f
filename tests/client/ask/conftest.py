"""A server, a policy that its answers satisfy, and the command that asks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.archive import making
from tests.client.commanding import Asking
from tests.client.gating import saying
from tests.client.reaching import COMPLETION
from tests.client.serving import WireServer, serving


@pytest.fixture
def server() -> Iterator[WireServer]:
    """A server that says the completion."""
    with serving(saying(COMPLETION)) as running:
        yield running


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy that honest answers satisfy."""
    return making.policy_file(tmp_path)


@pytest.fixture
def ask(server: WireServer, policy: Path, kept: Path) -> Asking:
    """Ask the server, by the policy."""
    return Asking(server, policy, kept)
