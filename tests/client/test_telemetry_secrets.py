"""No log, no span and no metric ever has a prompt, a completion or an API key."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

import client
from client import SyncSecureChatCompletion
from client.demo.misbehaviour import MISBEHAVIOURS
from client.testing import URL, Responder
from tests.client import wire
from tests.client.collecting import KEY, NAMES, Collected, collecting
from tests.client.gating import saying, wired
from tests.client.reaching import (
    COMPLETION,
    FORGED,
    MESSAGES,
    MODEL,
    PROMPT,
    archived,
    keyed,
    lost,
    over,
)
from tests.client.serving import Answer, Posted, Reply, answered, sealed, serving, status
from tests.judging import policy_of


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collected]:
    """OpenTelemetry as an application configures it, for the gates that are made meanwhile."""
    with collecting(monkeypatch) as told:
        yield told


def tampered(posted: Posted) -> Reply:
    """A completion whose tag is another."""
    envelope = wire.sealed(COMPLETION.encode(), posted.client_key)
    envelope["encrypted_payload"]["tag"] = wire.text(b"t" * 16)
    return Reply(wire.octets(envelope))


def edited(old: bytes, new: bytes) -> Answer:
    """A completion with other octets."""

    def answer(posted: Posted) -> Reply:
        plaintext = wire.opened(saying(COMPLETION)(posted).body, wire.client_key())
        return sealed(plaintext.replace(old, new))(posted)

    return answer


def cut(posted: Posted) -> Reply:
    """A completion that breaks off."""
    reply = saying(COMPLETION)(posted)
    return Reply(reply.body, cut=len(reply.body) // 2)


SAID: Final = COMPLETION.encode()
SCENARIOS: Final[dict[str, Answer]] = {
    "honest": saying(COMPLETION),
    "forged": saying(COMPLETION, **FORGED),
    "other id": saying(COMPLETION, payload_id="5d6c9d4e"),
    "other tier": saying(COMPLETION, tier="maximum"),
    "content as tier": saying(COMPLETION, tier=COMPLETION),
    "content as bank": saying(COMPLETION, pcr_values={COMPLETION: {"0": COMPLETION}}),
    "content as selection": saying(COMPLETION, pcr_banks=COMPLETION),
    "content as quote": saying(COMPLETION, attestation={"quote_b64": COMPLETION}),
    "content as status": saying(COMPLETION, metadata={"response_status": COMPLETION}),
    "no TPM": saying(COMPLETION, attestation={"is_available": False}),
    "no metadata": saying(COMPLETION, drop=["_metadata"]),
    "content as metadata": answered(completion={"_metadata": COMPLETION}),
    "member twice": edited(b'"role"', b'"%b": 1, "%b": 2, "role"' % (SAID, SAID)),
    "half": edited(SAID, SAID + b'"'),
    "no UTF-8": edited(SAID, SAID + b"\xff"),
    "sealed list": sealed(b'["%b"]' % SAID),
    "sealed text": sealed(SAID),
    "tampered": tampered,
    "in the clear": lambda _: Reply(b'{"content": "%b"}' % SAID),
    "cut": cut,
    "encoded": lambda _: Reply(SAID, 200, {"Content_Encoding": "gzip"}),
    "encoding named": lambda _: Reply(b"", 200, {"Content_Encoding": "x"}),
    "401": status(401, b'{"detail": "no such key"}'),
    "400": status(400, SAID),
    "long": status(500, SAID * 10_000),
}


@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_no_log_no_span_and_no_metric_has_a_prompt_a_completion_or_a_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, collected: Collected, mode: str
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [answer for one in SCENARIOS.values() for answer in (one, one)]
    told = archived(tmp_path, api_key=KEY, max_retries=0, mode=mode)
    with serving(*answers) as server:
        for preflight in ["off"] * len(SCENARIOS) + ["first"] * len(SCENARIOS):
            with keyed(SyncSecureChatCompletion(server.url, preflight=preflight, **told)) as chat:
                try:
                    chat.create(MODEL, MESSAGES)
                except client.ClientError:
                    continue

    assert len(server.posts) > len(SCENARIOS)
    names = {record.name.split(".")[0] for record in caplog.records}
    assert names >= {"tpm_attest", "httpcore", "httpx"}
    logged = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    traced = "".join(span.to_json() for span in collected.spans) + repr(collected.points())
    assert "tpm_attest.decision" in traced
    for secret in (PROMPT, COMPLETION, KEY):
        assert secret not in logged
        assert secret not in traced
    for span in collected.spans:
        assert span.attributes.keys() == NAMES


@pytest.mark.parametrize("answer", [lost, saying(COMPLETION, **FORGED)])
def test_record_of_any_logger_has_no_object_that_holds_a_secret(
    caplog: pytest.LogCaptureFixture, answer: Answer
) -> None:
    caplog.set_level(logging.DEBUG)
    http = httpx.Client(transport=over(wired(answer)))
    chat = keyed(
        SyncSecureChatCompletion(
            wired().url, policy=policy_of(), api_key=KEY, max_retries=0, http_client=http
        )
    )

    with pytest.raises(client.ClientError):
        chat.create(MODEL, MESSAGES)

    for record in caplog.records:
        assert record.exc_info is None
        assert not any(secret in repr(vars(record)) for secret in (PROMPT, COMPLETION, KEY))


@pytest.mark.parametrize("mode", ["enforce", "audit"])
def test_no_scenario_of_the_embedded_server_tells_content(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, collected: Collected, mode: str
) -> None:
    caplog.set_level(logging.DEBUG)
    canned = "This is a canned answer"
    told = archived(tmp_path, api_key=KEY, max_retries=0, mode=mode, policy=Responder.policy)
    decided = 0
    for name in ("", *MISBEHAVIOURS):
        responder = Responder(*filter(None, [name]))
        http = responder.client()
        with (
            keyed(SyncSecureChatCompletion(URL, preflight="off", http_client=http, **told)) as chat,
            suppress(client.ClientError),
        ):
            chat.create(MODEL, MESSAGES)
        decided += responder.counts["POST /v1/chat/secure_completion"]

    assert decided > len(MISBEHAVIOURS) // 2
    logged = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    traced = "".join(span.to_json() for span in collected.spans) + repr(collected.points())
    for secret in (PROMPT, canned, KEY):
        assert secret not in logged
        assert secret not in traced
