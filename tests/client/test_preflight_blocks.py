"""Preflight: what a probe that fails or is refused does, and what is kept of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from attest.archive import Phase
from attest.errors import EvidenceWriteError
from client.envelope import server_key_sha256
from client.errors import (
    APIConnectionError,
    AttestationRefused,
    AuthenticationError,
    ClientError,
    RateLimitError,
    SecurityError,
    ServerError,
)
from client.preflight import PROBE
from client.response import AttestedResponse
from tests.archive import making
from tests.client import wire
from tests.client.gating import saying, wired
from tests.client.reaching import FORGED, PROMPT, Rig, archived, lost, texts, then
from tests.client.serving import Answer, Posted, Reply, WireServer, answered, sealed, status
from tests.judging import refusing

PIN = server_key_sha256(wire.server_key().public_key())
OTHER_PIN = server_key_sha256(wire.small_key().public_key())


def tampered(posted: Posted) -> Reply:
    """An answer whose tag is another."""
    envelope = wire.sealed(b"{}", posted.client_key)
    envelope["encrypted_payload"]["tag"] = wire.text(b"t" * 16)
    return Reply(wire.octets(envelope))


LOST: dict[str, tuple[type[ClientError], Answer, int]] = {
    "forged": (AttestationRefused, answered(**FORGED), 1),
    "of another id": (AttestationRefused, answered(payload_id="5d6c9d4e"), 1),
    "of another tier": (AttestationRefused, answered(tier="high"), 1),
    "no evidence": (AttestationRefused, answered(attestation={"is_available": False}), 1),
    "no metadata": (AttestationRefused, answered(drop=["_metadata"]), 1),
    "member twice": (AttestationRefused, sealed(b'{"a": 1, "a": 2}'), 1),
    "no object": (SecurityError, sealed(b"[]"), 1),
    "tampered": (SecurityError, tampered, 1),
    "unsealed": (SecurityError, status(200, b"{}"), 1),
    "401": (AuthenticationError, status(401), 1),
    "429": (RateLimitError, status(429), 3),
    "500": (ServerError, status(500), 3),
    "broken": (APIConnectionError, lost, 3),
}


@pytest.mark.parametrize("mode", ["first", "ttl", "always"])
@pytest.mark.parametrize("case", LOST)
def test_probe_that_fails_holds_the_prompt_back(case: str, mode: str) -> None:
    kind, answer, times = LOST[case]
    rig = Rig(wired(answer), mode)

    outcome = rig.ask()

    assert type(outcome) is kind
    assert texts(rig.server) == [PROBE] * times


@pytest.mark.parametrize("case", [case for case, lost in LOST.items() if lost[2] == 1])
def test_probe_that_failed_is_made_again_by_the_next_prompt(case: str) -> None:
    kind, answer, _ = LOST[case]
    rig = Rig(wired(answer, answer, saying("pong")))

    assert type(rig.ask()) is kind
    assert type(rig.ask()) is kind
    assert isinstance(rig.ask(), AttestedResponse)

    assert texts(rig.server) == [PROBE, PROBE, PROBE, PROMPT]


def test_refusal_of_a_probe_says_that_no_prompt_was_sent() -> None:
    refusal = Rig(wired(answered(**FORGED))).ask()

    assert (refusal.phase, refusal.prompt_sent) == (Phase.PREFLIGHT, False)
    assert "quote.magic" in refusing(refusal.result)
    assert str(refusal).startswith("attestation refused: quote.magic: ")


def test_answer_that_is_refused_after_an_honest_probe_says_that_the_prompt_was_sent() -> None:
    rig = Rig(wired(answered(), answered(**FORGED)))

    refusal = rig.ask()

    assert isinstance(refusal, AttestationRefused)
    assert (refusal.phase, refusal.prompt_sent) == (Phase.RESPONSE, True)
    assert "quote.magic" in refusing(refusal.result)
    assert texts(rig.server) == [PROBE, PROMPT]


def test_answer_that_is_refused_leaves_its_probe_as_it_was() -> None:
    rig = Rig(wired(answered(), answered(**FORGED), answered()))
    rig.ask()

    assert isinstance(rig.ask(), AttestedResponse)

    assert texts(rig.server) == [PROBE, PROMPT, PROMPT]


def test_probe_that_aged_and_then_failed_does_not_count_again() -> None:
    rig = Rig(wired(answered(), answered(), answered(**FORGED), answered()), "ttl", ttl=10)
    rig.ask()
    rig.now += 10

    assert isinstance(rig.ask(), AttestationRefused)
    assert isinstance(rig.ask(), AttestedResponse)

    assert texts(rig.server) == [PROBE, PROMPT, PROBE, PROBE, PROMPT]


def kept(folder: Path) -> list[tuple[str, bool, str]]:
    """Phase, release and decision of each record."""
    records = [making.record_of(line) for line in making.lines_of(folder / "evidence.jsonl")]
    return [(one["phase"], one["released"], one["result"]["decision"]) for one in records]


def test_archive_has_probe_and_answer_of_which_only_the_answer_is_released(tmp_path: Path) -> None:
    Rig(wired(), **archived(tmp_path)).ask()

    assert kept(tmp_path) == [("preflight", False, "accepted"), ("response", True, "accepted")]


def test_archive_has_a_refused_probe(tmp_path: Path) -> None:
    Rig(wired(answered(**FORGED)), **archived(tmp_path)).ask()

    assert kept(tmp_path) == [("preflight", False, "refused")]


def test_audit_records_a_refused_probe_and_sends_the_prompt(tmp_path: Path) -> None:
    rig = Rig(wired(answered(**FORGED)), **archived(tmp_path, mode="audit"))

    response = rig.ask()

    assert isinstance(response, AttestedResponse)
    assert not response.attestation.accepted
    assert texts(rig.server) == [PROBE, PROMPT]
    assert kept(tmp_path) == [("preflight", False, "refused"), ("response", True, "refused")]


@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_probe_that_cannot_be_recorded_holds_the_prompt_back(tmp_path: Path, mode: str) -> None:
    rig = Rig(wired(), **archived(tmp_path, mode=mode))
    rig.ask(model="another")
    (tmp_path / "evidence.jsonl").unlink()

    outcome = rig.ask()

    assert type(outcome) is EvidenceWriteError
    assert texts(rig.server) == [PROBE, PROMPT, PROBE]


def rotating(server: WireServer) -> Answer:
    """Take another key, and say that the request could not be opened."""
    return then(status(400), lambda: server.rotate(wire.small_key()))


def sealed_to(server: WireServer) -> list[str]:
    """Key that each request opens under, by the server that has them all."""
    found = []
    for posted in server.posts:
        for name, key in (("old", wire.server_key()), ("new", wire.small_key())):
            try:
                wire.opened(posted.body, key)
            except ValueError:
                continue
            found.append(name)
    return found


@pytest.mark.parametrize("mode", ["first", "ttl", "always"])
def test_another_server_key_is_probed_anew_before_the_prompt_is_sealed_to_it(mode: str) -> None:
    server = wired()
    server.answers = (answered(), rotating(server), answered())
    rig = Rig(server, mode)

    assert isinstance(rig.ask(), AttestedResponse)

    assert sealed_to(server) == ["old", "old", "new", "new"]
    said = [wire.opened(posted.body, wire.small_key()) for posted in server.posts[2:]]
    assert [PROMPT.encode() in opened for opened in said] == [False, True]
    assert server.fetches == 2


def test_another_server_key_whose_probe_is_refused_gets_no_prompt() -> None:
    server = wired()
    server.answers = (answered(), rotating(server), answered(**FORGED))
    rig = Rig(server)

    refusal = rig.ask()

    assert isinstance(refusal, AttestationRefused)
    assert (refusal.phase, refusal.prompt_sent) == (Phase.PREFLIGHT, False)
    assert sealed_to(server) == ["old", "old", "new"]


def test_key_that_changed_at_the_probe_gets_a_probe_before_the_prompt() -> None:
    server = wired()
    server.answers = (rotating(server), answered())
    rig = Rig(server)

    assert isinstance(rig.ask(), AttestedResponse)

    assert sealed_to(server) == ["old", "new", "new"]


def test_key_that_changed_to_one_that_is_not_pinned_gets_nothing() -> None:
    server = wired()
    server.answers = (answered(), rotating(server), answered())
    rig = Rig(server, pins=(PIN,))

    assert "is none of the pinned keys" in str(rig.ask())

    assert sealed_to(server) == ["old", "old"]
    assert server.fetches == 2


def test_key_that_changed_to_another_pinned_one_is_probed_and_asked() -> None:
    server = wired()
    server.answers = (answered(), rotating(server), answered())
    rig = Rig(server, pins=(PIN, OTHER_PIN))

    assert isinstance(rig.ask(), AttestedResponse)

    assert sealed_to(server) == ["old", "old", "new", "new"]


def test_key_that_is_not_pinned_gets_not_even_a_probe() -> None:
    rig = Rig(wired(), pins=(OTHER_PIN,))

    outcome = rig.ask()

    assert isinstance(outcome, SecurityError)
    assert str(outcome) == f"server key: {PIN} is none of the pinned keys"
    assert rig.server.posts == []


def test_prompt_is_sealed_to_the_key_of_its_probe_when_another_is_fetched_meanwhile() -> None:
    server = wired()
    rig = Rig(server)

    def turn() -> None:
        server.rotate(wire.small_key())
        rig.run(rig.exchange._keyring.fetch_server_key())  # noqa: SLF001 - as another task does

    server.answers = (then(answered(), turn), answered())

    rig.ask()

    assert sealed_to(server) == ["old", "old"]
