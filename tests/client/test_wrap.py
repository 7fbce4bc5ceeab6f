"""A wrapped client: what it lets through, and what it refuses.

The client here is a stand-in with the parts of NOMYO's; tests/peers has the real one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from attest import PolicyError
from attest.archive import Phase
from client import AttestationRefused, AttestedResponse, EvidenceWriteError, Gate, SecurityError
from tests.archive import making
from tests.client.leaks import leaked
from tests.client.reaching import COMPLETION, FORGED, MESSAGES, MODEL, PROMPT, URL
from tests.client.standing_in import KEY, StandIn
from tests.judging import policy_of, refusing


def ask(client: StandIn, gate: Gate | None = None, **options: Any) -> AttestedResponse:
    """Ask through a gate."""
    wrapped = (gate or Gate(policy_of())).wrap(client)
    return asyncio.run(wrapped.create(**{"model": MODEL, "messages": MESSAGES, **options}))


def test_verified_answer_is_released_with_its_result() -> None:
    client = StandIn()

    response = ask(client, temperature=0.5)

    assert response["choices"][0]["message"]["content"] == COMPLETION
    assert response.attestation.accepted
    (sent,) = client.client.sent
    assert sent["payload"] == {"model": MODEL, "messages": MESSAGES, "temperature": 0.5}
    assert response.attestation.payload_id == sent["id"]
    assert client.ready == 1


def test_acreate_is_create() -> None:
    wrapped = Gate(policy_of()).wrap(StandIn())

    assert asyncio.run(wrapped.acreate(MODEL, MESSAGES)).attestation.accepted


def test_each_request_has_an_id_of_its_own() -> None:
    client = StandIn()
    ask(client)
    ask(client)

    assert client.client.sent[0]["id"] != client.client.sent[1]["id"]


@pytest.mark.parametrize(("option", "sent"), [({}, KEY), ({"api_key": "another"}, "another")])
def test_key_is_that_of_the_client_unless_one_is_given(option: dict[str, Any], sent: str) -> None:
    client = StandIn()
    ask(client, **option)

    assert client.client.sent[0]["key"] == sent
    assert "api_key" not in client.client.sent[0]["payload"]


def test_key_is_read_anew_for_each_request() -> None:
    client = StandIn()
    wrapped = Gate(policy_of()).wrap(client)

    client.api_key = None
    asyncio.run(wrapped.create(MODEL, MESSAGES))

    assert client.client.sent[0]["key"] is None


def test_tier_is_sent_and_judged() -> None:
    client = StandIn()
    assert ask(client, security_tier="high").attestation.accepted
    assert client.client.sent[0]["tier"] == "high"

    with pytest.raises(AttestationRefused) as caught:
        ask(StandIn(tier="standard"), security_tier="maximum")
    assert refusing(caught.value.result) == {"response.tier"}


@pytest.mark.parametrize(
    ("told", "check"),
    [
        (FORGED, "quote.magic"),
        ({"payload_id": "5d6c9d4e"}, "quote.nonce"),
        ({"drop": ["_metadata"]}, "evidence.present"),
    ],
)
def test_answer_that_does_not_verify_is_refused_after_one_request(
    told: dict[str, Any], check: str
) -> None:
    client = StandIn(**told)

    with pytest.raises(AttestationRefused) as caught:
        ask(client)

    refusal = caught.value
    assert check in refusing(refusal.result)
    assert (refusal.phase, refusal.prompt_sent) == (Phase.RESPONSE, True)
    assert len(client.client.sent) == 1
    secrets = (COMPLETION.encode(), PROMPT.encode(), KEY.encode())
    assert leaked(refusal, *secrets) == []


@pytest.mark.parametrize("answer", [None, [], "text", 1])
def test_answer_that_is_no_object_is_refused(answer: object) -> None:
    with pytest.raises(SecurityError, match=r"^response: what was sealed is no JSON object$"):
        ask(StandIn(answer=answer))


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"base_url": "https://other.example"}, ValueError, "base_url: "),
    ({"base_url": None}, ValueError, "base_url: "),
    ({"stream": True}, ValueError, "stream: "),
    ({"security_tier": "none"}, ValueError, "security_tier is 'none'"),
    ({"model": None}, TypeError, "model is NoneType"),
]


@pytest.mark.parametrize(("options", "kind", "said"), REFUSED)
def test_request_that_a_gate_cannot_honour_is_refused_before_anything_is_sent(
    options: dict[str, Any], kind: type[Exception], said: str
) -> None:
    client = StandIn()

    with pytest.raises(kind, match=f"^{said}"):
        ask(client, **options)

    assert (client.client.sent, client.ready) == ([], 0)


def test_policy_that_is_reloaded_judges_the_next_answer() -> None:
    gate = Gate(policy_of())
    client = StandIn()
    assert ask(client, gate).attestation.accepted

    gate.reload_policy(policy_of(pcrs={"sha256": {10: b"\x01" * 32}}))

    with pytest.raises(AttestationRefused) as caught:
        ask(client, gate)
    assert refusing(caught.value.result) == {"pcr.rules"}


def test_policy_that_compares_no_payload_id_gates_no_wrapped_client() -> None:
    with pytest.raises(PolicyError, match="compares no payload id"):
        Gate(policy_of(nonce="none"))


def test_archive_says_that_the_server_key_is_not_known(tmp_path: Path) -> None:
    archive = tmp_path / "evidence.jsonl"
    gate = Gate(making.policy_file(tmp_path), archive=archive)

    ask(StandIn(), gate)

    record = making.record_of(making.lines_of(archive)[0])
    assert (record["base_url"], record["server_key_sha256"]) == (URL, None)
    assert (record["phase"], record["released"]) == ("response", True)


def test_answer_that_cannot_be_recorded_is_not_released(tmp_path: Path) -> None:
    archive = tmp_path / "evidence.jsonl"
    gate = Gate(making.policy_file(tmp_path), archive=archive)
    ask(StandIn(), gate)
    archive.unlink()

    with pytest.raises(EvidenceWriteError) as caught:
        ask(StandIn(), gate)

    assert leaked(caught.value, COMPLETION.encode(), PROMPT.encode(), KEY.encode()) == []


def test_nothing_of_the_client_can_be_reached_by_name() -> None:
    client = StandIn()
    wrapped = Gate(policy_of()).wrap(client)

    assert {name for name in dir(wrapped) if not name.startswith("_")} == {"create", "acreate"}
    for name in ("client", "api_key", "base_url", "router_url", "send_secure_request", "_client"):
        with pytest.raises(AttributeError):
            getattr(wrapped, name)
    assert KEY not in repr(wrapped) + repr(vars(wrapped).keys())
    assert not isinstance(wrapped, StandIn)
    assert "__getattr__" not in vars(type(wrapped))
