"""The gated client against answers of a real TPM in software: one fresh key for each request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import pytest

from attest.archive import verify_archive
from client import AttestationRefused, AttestedResponse, SecureChatCompletion
from client.demo import POLICY
from client.demo.running import Running, serving
from tests.client.preparing import MODEL, asked, prepared
from tests.demo.talking import failing, options
from tests.lacking import lacks
from tests.swtpm import missing_tools

REQUESTS: Final = 200
AT_ONCE: Final = 16
SECURE_BOOT: Final = 7
CHANGED: Final = bytes(range(32))

End = AttestedResponse | AttestationRefused


@pytest.fixture
def running() -> Iterator[Running]:
    """A server with a TPM; fails without what that needs where CI=true, else skips."""
    lacking = missing_tools() + ([] if find_spec("tpm2_pytss") else ["tpm2_pytss (extra tpm)"])
    if lacking:
        lacks(f"missing: {', '.join(lacking)}")
    with serving(options(tpm="swtpm")) as started:
        yield started


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    """Arguments of a client under the policy of the demonstration."""
    return {**prepared(tmp_path), "policy": POLICY}


async def answers(chat: SecureChatCompletion, count: int) -> list[End]:
    """Ask so many times, a few at once; each answer, or its refusal."""
    free = asyncio.Semaphore(AT_ONCE)

    async def ask(number: int) -> End:
        async with free:
            try:
                return await chat.create(MODEL, asked(f"{number}"), security_tier="maximum")
            except AttestationRefused as refusal:
                return refusal

    return await asyncio.gather(*map(ask, range(count)))


def test_two_hundred_answers_with_a_fresh_key_each_are_verified(
    running: Running, told: dict[str, Any]
) -> None:
    async def ask_all() -> list[End]:
        async with SecureChatCompletion(running.url, **told) as chat:
            return await answers(chat, REQUESTS)

    ends = asyncio.run(ask_all())
    results = [end.attestation for end in ends if isinstance(end, AttestedResponse)]
    assert len(results) == REQUESTS
    assert all(result.accepted for result in results)
    assert len({result.to_dict()["aik"]["name"] for result in results}) == REQUESTS
    assert {result.payload_id for result in results} < set(running.payload_ids)
    seen = verify_archive(told["archive"])
    assert (seen.intact, seen.records) == (True, REQUESTS + 1)  # and the probe


def test_pcr_extended_in_the_tpm_while_running_has_every_later_answer_refused(
    running: Running, told: dict[str, Any]
) -> None:
    async def ask_all() -> tuple[list[End], list[End], list[End]]:
        async with SecureChatCompletion(running.url, **told) as chat:
            before = await answers(chat, AT_ONCE)
            under_way = asyncio.create_task(answers(chat, 4 * AT_ONCE))
            await asyncio.to_thread(running.source.extend, SECURE_BOOT, CHANGED)
            later = await answers(chat, 4 * AT_ONCE)
            return before, await under_way, later

    before, under_way, later = asyncio.run(ask_all())
    assert all(isinstance(end, AttestedResponse) for end in before)
    refused = [end for end in later if isinstance(end, AttestationRefused)]
    assert len(refused) == len(later)
    refused += [end for end in under_way if isinstance(end, AttestationRefused)]
    assert {tuple(failing(refusal.result)) for refusal in refused} == {("pcr.baseline",)}
    assert verify_archive(told["archive"]).intact
