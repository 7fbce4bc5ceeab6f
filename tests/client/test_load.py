"""A thousand requests at once through one client, most of them answered with a lie."""

import asyncio
import gzip
import io
import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from attest.archive import Verification, verify_archive
from client import (
    AttestationRefused,
    AttestedResponse,
    ForbiddenError,
    SecureChatCompletion,
    SecurityError,
)
from client.preflight import PROBE
from tests import build
from tests.aik import digest, ecc_aik
from tests.client import wire
from tests.client.crowd import crowded
from tests.client.leaks import leaked
from tests.client.preparing import MODEL, asked, prepared
from tests.client.serving import Answer, Posted, Reply, answered
from tests.judging import octets_of

if sys.platform != "win32":
    import resource

REQUESTS: Final = 1_000
FILES: Final = 2_048
"""Files that a process may need open: both ends of each connection, and the archive."""
HONEST: Final = "honest"
PROMPT_CANARY: Final = "PROMPT-CANARY-91c0"
ANSWER_CANARY: Final = "ANSWER-CANARY-e7b3"
OTHER_BOOT: Final = {"sha256": {**build.VALUES["sha256"], 7: digest("sha256", b"another boot")}}


def completion_of(prompt: str) -> dict[str, Any]:
    """What is answered to a prompt, with its own canary."""
    message = {"role": "assistant", "content": f"{ANSWER_CANARY} {prompt}"}
    return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def prompt_of(posted: Posted) -> str:
    """The prompt of a request."""
    prompt: str = json.loads(posted.plaintext)["messages"][0]["content"]
    return prompt


def telling(**told: Any) -> Answer:
    """Answer a prompt, telling these lies about the machine."""
    return lambda posted: answered(completion=completion_of(prompt_of(posted)), **told)(posted)


def changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Answer:
    """Answer honestly, but change the envelope."""

    def answer(posted: Posted) -> Reply:
        return Reply(wire.octets(change(json.loads(telling()(posted).body))))

    return answer


def misdirected(posted: Posted) -> Reply:
    """Seal an honest answer to another client."""
    whole = build.response(ecc_aik(), payload_id=posted.payload_id, tier="maximum")
    return Reply(wire.sealed_octets(octets_of(whole), wire.small_key().public_key()))


def twice(posted: Posted) -> Reply:
    """Answer with two members ``choices``, the second one another."""
    whole = build.response(ecc_aik(), payload_id=posted.payload_id, tier="maximum")
    octets = octets_of(whole)[:-1] + f', "choices": ["{ANSWER_CANARY}"]}}'.encode()
    return Reply(wire.sealed_octets(octets, posted.client_key))


def compressed(posted: Posted) -> Reply:
    """Compress an honest answer, which nobody asked for."""
    return Reply(gzip.compress(telling()(posted).body), headers={"Content-Encoding": "gzip"})


def without_tag(envelope: dict[str, Any]) -> dict[str, Any]:
    """Put a tag of zeros in the place of the true one."""
    payload = {**envelope["encrypted_payload"], "tag": wire.text(bytes(16))}
    return {**envelope, "encrypted_payload": payload}


@dataclass(frozen=True)
class Way:
    """One way to answer, and what must come of it.

    Attributes:
        answer: The answer.
        ends: Class of what ``create`` returns or raises.
        refused_by: The checks that refuse, where something was judged.
    """

    answer: Answer
    ends: type
    refused_by: frozenset[str] = frozenset()


def lie(answer: Answer, *checks: str) -> Way:
    """A lie about the machine, which these checks find."""
    return Way(answer, AttestationRefused, frozenset(checks))


WAYS: Final = {
    HONEST: Way(telling(), AttestedResponse),
    "wrong-pcr": lie(telling(values=OTHER_BOOT), "pcr.baseline"),
    "wrong-nonce": lie(telling(quoted={"extra_data": bytes(16)}), "quote.nonce"),
    "forged-signature": lie(telling(signature=ecc_aik().sign(b"another")), "quote.signature"),
    "tier-downgrade": lie(telling(tier="standard"), "response.tier"),
    "no-tpm": lie(
        telling(metadata={"tpm_attestation": {"is_available": False}}),
        *("evidence.present", "evidence.form"),
    ),
    "duplicate-member": lie(twice, "evidence.present", "evidence.form", "response.tier"),
    "wrong-recipient": Way(misdirected, SecurityError),
    "tampered-tag": Way(changed(without_tag), SecurityError),
    "compressed": Way(compressed, SecurityError),
    "forbidden": Way(lambda _: Reply(ANSWER_CANARY.encode(), 403), ForbiddenError),
}
"""By name, with which a prompt ends."""


@dataclass
class Ran:
    """What came of a run.

    Attributes:
        ends: By prompt, what ``create`` returned or raised.
        posts: By prompt, how often it was posted.
        archive: The archive's octets.
        seen: What verifying it said.
        logged: All that was logged, at DEBUG.
    """

    ends: dict[str, AttestedResponse | Exception]
    posts: Counter[str]
    archive: bytes
    seen: Verification
    logged: str


def ways(honest: int) -> list[str]:
    """A way for each request: so many of a thousand honest, the others evenly lies."""
    lies = [name for name in WAYS if name != HONEST]
    each = (REQUESTS - honest) // len(lies)
    named = [HONEST] * honest + [name for name in lies for _ in range(each)]
    return [named[(7 * number) % REQUESTS] for number in range(REQUESTS)]  # mixed: 7 divides none


async def create_all(chat: SecureChatCompletion, names: list[str]) -> dict[str, Any]:
    """Ask for all at once; say of each prompt what came of it."""
    ends: dict[str, Any] = {}

    async def create(prompt: str) -> None:
        try:
            ends[prompt] = await chat.create(MODEL, asked(prompt), security_tier="maximum")
        except Exception as error:  # noqa: BLE001 - each end is looked at
            ends[prompt] = error

    async with chat:
        prompts = [f"{PROMPT_CANARY} {number} {name}" for number, name in enumerate(names)]
        await asyncio.gather(*map(create, prompts))
    return ends


@contextmanager
def logging_to(text: io.StringIO) -> Iterator[None]:
    """Write all that is logged to a text, at DEBUG."""
    handler, root = logging.StreamHandler(text), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def allow_files() -> None:
    """Let this process open as many files as it needs; some systems begin with 256."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


@pytest.fixture(scope="module", params=[900, 100], ids=["a-tenth-lies", "a-tenth-is-honest"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A run of a thousand requests."""
    told = prepared(tmp_path_factory.mktemp("load"))
    posts: Counter[str] = Counter()
    text = io.StringIO()
    allow_files()

    def answer(posted: Posted) -> Reply:
        prompt = prompt_of(posted)
        posts[prompt] += 1
        return WAYS[way_of(prompt)].answer(posted)

    with crowded(answer) as server, logging_to(text):
        chat = SecureChatCompletion(server.url, **told)
        ends = asyncio.run(create_all(chat, ways(request.param)))
    archive = told["archive"]
    return Ran(ends, posts, archive.read_bytes(), verify_archive(archive), text.getvalue())


def way_of(prompt: str) -> str:
    """The way in which a prompt is answered; a probe is answered honestly."""
    return HONEST if prompt == PROBE else prompt.rpartition(" ")[2]


def test_every_honest_answer_is_released_to_who_asked(ran: Ran) -> None:
    honest = {prompt: end for prompt, end in ran.ends.items() if way_of(prompt) == HONEST}
    assert len(honest) in {100, 900}
    for prompt, end in honest.items():
        assert isinstance(end, AttestedResponse), end
        assert end["choices"] == completion_of(prompt)["choices"]
        assert end.attestation.accepted


def test_every_other_is_refused_for_its_own_reason(ran: Ran) -> None:
    refused = {prompt: end for prompt, end in ran.ends.items() if way_of(prompt) != HONEST}
    assert len(refused) in {100, 900}
    for prompt, end in refused.items():
        way = WAYS[way_of(prompt)]
        assert type(end) is way.ends, (prompt, end)
        if isinstance(end, AttestationRefused):
            failed = {check.id for check in end.result.checks if check.outcome == "fail"}
            assert failed == way.refused_by
            assert end.prompt_sent


def test_every_way_was_met(ran: Ran) -> None:
    assert {way_of(prompt) for prompt in ran.ends} == set(WAYS)


def test_every_request_was_posted_once_and_so_was_the_probe_before_them(ran: Ran) -> None:
    assert ran.posts == Counter([PROBE, *ran.ends])
    assert len(ran.ends) == REQUESTS


def test_archive_is_whole_with_one_record_for_each_decision(ran: Ran) -> None:
    decided = [
        end for end in ran.ends.values() if isinstance(end, (AttestedResponse, AttestationRefused))
    ]
    results = [
        end.attestation if isinstance(end, AttestedResponse) else end.result for end in decided
    ]
    probe, *records = [json.loads(line) for line in ran.archive.splitlines()]
    assert (ran.seen.intact, ran.seen.torn, ran.seen.missing_policies) == (True, 0, ())
    assert ran.seen.records == 1 + len(records) == 1 + len(results)
    assert (probe["phase"], probe["result"]["decision"]) == ("preflight", "accepted")
    said = Counter((record["payload_id"], record["released"]) for record in records)
    assert said == Counter((result.payload_id, result.accepted) for result in results)
    assert max(said.values()) == 1


def test_no_content_can_be_reached_from_a_refusal(ran: Ran) -> None:
    secrets = (PROMPT_CANARY.encode(), ANSWER_CANARY.encode())
    refused = [end for end in ran.ends.values() if isinstance(end, Exception)]
    found = {str(error): leaks for error in refused if (leaks := leaked(error, *secrets))}
    assert not found


def test_no_content_is_in_the_archive_or_in_a_log(ran: Ran) -> None:
    assert "POST" in ran.logged
    for canary in (PROMPT_CANARY, ANSWER_CANARY):
        assert canary not in ran.logged
        assert canary.encode() not in ran.archive
