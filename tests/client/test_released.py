"""What the gate releases: the very answer that was judged, and what the request looked like."""

from __future__ import annotations

import copy
import json
import pickle
import uuid
from typing import Any

import pytest

from client import AttestedResponse, SecureChatCompletion, SyncSecureChatCompletion
from tests.client.gating import MESSAGES, MODEL, URL, Face, edited, handler_of, wired
from tests.client.serving import Posted, Reply, answered, sealed, serving, status
from tests.judging import octets_of, policy_of


def test_honest_answer_is_released_as_the_dict_that_was_sealed(face: Face) -> None:
    sent: list[bytes] = []

    def kept(octets: bytes) -> bytes:
        sent.append(octets)
        return octets

    response = face.ask(face.chat(wired(edited(kept))))

    assert isinstance(response, dict)
    assert type(response) is AttestedResponse
    assert response == json.loads(sent[0])
    assert response["choices"][0]["message"]["content"] == "Hello, how can I help?"


def test_attestation_says_what_was_verified(face: Face) -> None:
    server = wired()

    result = face.ask(face.chat(server), security_tier="high").attestation

    assert result.accepted
    assert (result.payload_id, result.tier) == (server.posts[0].payload_id, "high")
    assert result.assurance == "self-consistent"


def test_real_server_on_another_stack_is_answered(face: Face) -> None:
    with serving() as server:
        chat = face.chat(server)

        first, second = face.ask(chat), face.ask(chat)
        face.close()

    assert first.attestation.accepted
    assert second.attestation.accepted
    assert (len(server.posts), server.fetches) == (2, 1)


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 - our own octets


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_released_answer_is_copied_and_pickled_with_its_attestation(copied: Any) -> None:
    response = Face("sync").ask(Face("sync").chat(wired()))

    again = copied(response)

    assert type(again) is AttestedResponse
    assert again == response
    assert again is not response
    assert again.attestation.to_dict() == response.attestation.to_dict()


def test_create_has_its_other_name(face: Face) -> None:
    chat = face.chat(wired())

    if face.is_async:
        response = face.call(chat, "acreate", MODEL, MESSAGES)
        assert SecureChatCompletion.acreate is SecureChatCompletion.create
    else:
        response = face.call(chat, "create", MODEL, MESSAGES)
        assert not hasattr(SyncSecureChatCompletion, "acreate")

    assert response.attestation.accepted


def test_no_tier_means_standard_and_no_header(face: Face) -> None:
    server = wired()

    result = face.ask(face.chat(server)).attestation

    assert "x-security-tier" not in server.posts[0].headers
    assert result.tier == "standard"


@pytest.mark.parametrize("tier", ["standard", "high", "maximum"])
def test_tier_that_is_given_stands_in_the_header(face: Face, tier: str) -> None:
    server = wired()

    assert face.ask(face.chat(server), security_tier=tier).attestation.tier == tier
    assert server.posts[0].headers["x-security-tier"] == tier


def test_every_attempt_has_a_payload_id_of_its_own(face: Face) -> None:
    server = wired(status(503, retry_after="0"), answered())
    chat = face.chat(server)

    face.ask(chat)
    face.ask(chat)

    ids = [posted.payload_id for posted in server.posts]
    assert len(set(ids)) == 3
    assert {uuid.UUID(one).version for one in ids} == {4}
    assert [str(uuid.UUID(one)) for one in ids] == ids


def test_plaintext_holds_model_messages_and_options_alone(face: Face) -> None:
    server = wired()
    options = {"temperature": 0.5, "tools": [{"type": "function"}], "stream": False}

    face.ask(
        face.chat(server, api_key="key-of-the-client"),
        security_tier="high",
        api_key="key-of-this-request",
        **options,
    )

    plaintext = json.loads(server.posts[0].plaintext)
    assert plaintext == {"model": MODEL, "messages": list(MESSAGES), **options}


def test_api_key_of_a_request_wins_over_that_of_the_client(face: Face) -> None:
    server = wired()
    chat = face.chat(server, api_key="key-of-the-client")

    face.ask(chat)
    face.ask(chat, api_key="key-of-this-request")
    face.ask(chat)

    assert [posted.headers["authorization"] for posted in server.posts] == [
        "Bearer key-of-the-client",
        "Bearer key-of-this-request",
        "Bearer key-of-the-client",
    ]


def test_without_an_api_key_there_is_no_authorization(face: Face) -> None:
    server = wired()

    face.ask(face.chat(server))

    assert "authorization" not in server.posts[0].headers


def test_base_url_may_have_a_path_and_a_final_slash(face: Face) -> None:
    server = wired()
    asked: list[str] = []

    def handle(request: Any) -> Any:
        asked.append(str(request.url))
        return handler_of(server)(request)

    face.ask(face.chat(f"{URL}/", http_client=face.http(handle)))

    assert asked == [f"{URL}/pki/public_key", f"{URL}/v1/chat/secure_completion"]


@pytest.mark.parametrize("name", ["attestation", "accepted", "prompt_sent", "result"])
def test_members_that_imitate_ours_change_nothing(face: Face, name: str) -> None:
    lie = {"accepted": True, "decision": "accepted"}
    server = wired(answered(completion={name: lie}))

    response = face.ask(face.chat(server))

    assert response[name] == lie
    assert response.attestation.to_dict()["decision"] == "accepted"
    assert response.attestation.checks


def test_answer_without_a_tpm_is_released_where_the_policy_lets_it(face: Face) -> None:
    def answer(posted: Posted) -> Reply:
        whole = {
            "choices": [],
            "_metadata": {
                "payload_id": posted.payload_id,
                "security_tier": "standard",
                "tpm_attestation": {"is_available": False},
            },
        }
        return sealed(octets_of(whole))(posted)

    lenient = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
    response = face.ask(face.chat(wired(answer), policy=lenient))

    assert response.attestation.accepted
    assert response.attestation.assurance == "none"


def test_policy_in_force_and_secure_memory_can_be_read(face: Face) -> None:
    policy = policy_of()
    chat = face.chat(wired(), policy=policy)

    assert chat.policy is policy
    assert chat.secure_memory.enabled
