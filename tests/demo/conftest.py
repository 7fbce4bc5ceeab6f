"""An honest server that the tests of a module share, and a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from client.demo.running import Running, serving
from tests.demo.talking import options


@pytest.fixture(scope="module")
def honest() -> Iterator[Running]:
    with serving(options()) as running:
        yield running


@pytest.fixture
def client(honest: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=honest.url) as client:
        yield client
