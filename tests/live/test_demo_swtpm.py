"""The embedded server with a real TPM in software: whole exchanges, accepted and refused."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import pytest

from client.demo.running import Running, serving
from tests.demo.talking import failing, options, verdict
from tests.lacking import lacks
from tests.swtpm import missing_tools

TIERS = ("standard", "high", "maximum")


def missing() -> list[str]:
    """What is needed and not there."""
    there = find_spec("tpm2_pytss") and find_spec("attest.collect")
    return [*missing_tools(), *([] if there else ["tpm2_pytss (extra tpm)"])]


@pytest.fixture
def running() -> Iterator[Running]:
    """A server of this kind; fails without what it needs where CI=true, else skips."""
    if lacking := missing():
        lacks(f"missing: {', '.join(lacking)}")
    with serving(options(tpm="swtpm")) as started:
        yield started


@pytest.mark.parametrize("tier", TIERS)
def test_an_honest_answer_is_accepted(running: Running, tier: str) -> None:
    result = verdict(running.url, tier)

    assert result.accepted, failing(result)
    assert (result.assurance, result.baseline) == ("self-consistent", "demonstration")


def test_a_pcr_extended_in_the_tpm_has_every_later_answer_refused(running: Running) -> None:
    before = verdict(running.url)
    running.source.extend(7, bytes(32))
    after = [verdict(running.url) for _ in range(3)]

    assert before.accepted
    assert [failing(result) for result in after] == [["pcr.baseline"]] * 3


def test_pcr_10_may_grow_while_the_machine_runs(running: Running) -> None:
    running.source.extend(10, bytes(32))

    assert verdict(running.url).accepted


def test_many_at_once_are_answered_one_after_the_other(running: Running) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: verdict(running.url), range(16)))

    assert all(result.accepted for result in results)
    names = {result.to_dict()["aik"]["name"] for result in results}
    assert len(names) == len(results)


@pytest.mark.parametrize(
    ("name", "failed"),
    [
        ("other-payload", ["quote.nonce"]),
        ("forged-signature", ["quote.signature"]),
        ("foreign-key", ["quote.signature"]),
        ("stripped-quote", ["evidence.form"]),
        ("wrong-pcr", ["pcr.baseline"]),
    ],
)
def test_misbehaviour_is_refused_for_what_it_is(name: str, failed: list[str]) -> None:
    if lacking := missing():
        lacks(f"missing: {', '.join(lacking)}")
    with serving(options(name, tpm="swtpm")) as running:
        assert failing(verdict(running.url, "maximum")) == failed


def test_ids_are_kept_in_order(running: Running) -> None:
    verdict(running.url)

    [kept] = running.payload_ids
    assert uuid.UUID(kept).version == 4
