"""Every misbehaviour does on the wire what its name says, and nothing else changes."""

from __future__ import annotations

import base64
import uuid
import zlib

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from client import SecurityError
from client.demo.misbehaviour import MISBEHAVIOURS, choose
from client.demo.reply_lies import BOMB_OCTETS, ELSEWHERE
from client.demo.running import serving
from client.demo.service import COMPLETION_PATH, KEY_PATH
from client.envelope import MAX_WIRE, load_server_key, open_response
from tests.client import wire
from tests.demo.talking import asked, failing, headers, opened, options, sealed, verdict

ONE_MEMBER = {
    "key",
    "instead",
    "evidence",
    "completion",
    "plaintext",
    "sealing",
    "reply",
}
STEP = 512
"""Octets of the gzip bomb that the test decodes at once: to half a MiB."""

REFUSED = {
    "wrong-pcr": ["pcr.baseline"],
    "wrong-nonce": ["quote.nonce"],
    "other-payload": ["quote.nonce"],
    "no-tpm": ["evidence.present", "evidence.form"],
    "forged-signature": ["quote.signature"],
    "foreign-key": ["quote.signature"],
    "relabelled-pcrs": ["quote.selection", "quote.digest", "pcr.baseline"],
    "unsafe-clock": ["quote.clock"],
    "stripped-quote": ["evidence.form"],
    "no-metadata": ["evidence.present", "evidence.form", "response.tier"],
    "metadata-list": ["evidence.present", "evidence.form", "response.tier"],
    "no-attestation": ["evidence.present", "evidence.form"],
    "tier-downgrade": ["response.tier"],
    "duplicate-member": ["evidence.present", "evidence.form", "response.tier"],
    "not-object": ["evidence.present", "evidence.form", "response.tier"],
}


def answer_of(*misbehave: str, times: int = 1) -> list[httpx.Response]:
    """Answers of one server, one after the other."""
    with serving(options(*misbehave)) as running, httpx.Client(base_url=running.url) as client:
        return [asked(client) for _ in range(times)]


@pytest.mark.parametrize("name", REFUSED)
def test_a_lie_in_the_answer_is_refused_for_what_it_is(name: str) -> None:
    with serving(options(name)) as running:
        result = verdict(running.url, "maximum")

    assert not result.accepted
    assert failing(result) == REFUSED[name]


def test_every_misbehaviour_tells_one_lie_and_says_which() -> None:
    for name, act in MISBEHAVIOURS.items():
        told = [member for member in ONE_MEMBER if getattr(act, member) is not None]
        assert len(told) + act.rotates == 1, name
        assert act.says


@pytest.mark.parametrize("name", ["forged-signature", "foreign-key"])
def test_a_lie_about_a_quote_leaves_the_absence_of_a_tpm_alone(name: str) -> None:
    misbehaving = options(name, tpm="none")
    with serving(misbehaving) as running, httpx.Client(base_url=running.url) as client:
        completion = opened(asked(client))

    assert completion["_metadata"]["tpm_attestation"] == {"is_available": False}


def test_imitation_adds_a_verdict_that_the_evidence_does_not_carry() -> None:
    [answer] = answer_of("imitation")

    completion = opened(answer)
    assert completion["accepted"] is True
    assert completion["attestation"]["decision"] == "accepted"


def test_of_two_lies_about_evidence_the_last_is_told() -> None:
    with serving(options("wrong-nonce", "wrong-pcr")) as running:
        assert failing(verdict(running.url)) == REFUSED["wrong-pcr"]


def test_lies_about_different_things_are_told_together() -> None:
    with serving(options("wrong-nonce", "tier-downgrade")) as running:
        assert failing(verdict(running.url)) == ["quote.nonce", "response.tier"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_status_is_answered_and_429_and_503_say_when_to_ask_again(status: int) -> None:
    [answer] = answer_of(f"status-{status}")

    assert answer.status_code == status
    assert answer.json() == {"detail": "misbehaviour that was asked for"}
    assert answer.headers.get("Retry-After") == ("1" if status in {429, 503} else None)


def test_retry_after_is_as_the_options_say() -> None:
    misbehaving = options("status-429", retry_after=7)
    with serving(misbehaving) as running, httpx.Client(base_url=running.url) as client:
        assert asked(client).headers["Retry-After"] == "7"


def test_fail_once_fails_the_first_request_only_and_keeps_its_id() -> None:
    misbehaving = options("fail-once")
    with serving(misbehaving) as running, httpx.Client(base_url=running.url) as client:
        answers = [asked(client) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [500, 200, 200]
    assert running.payload_ids == tuple(
        answer.request.headers["X-Payload-ID"] for answer in answers
    )


def test_a_position_and_a_share_choose_the_requests() -> None:
    answers = answer_of("status-500@2", "status-503/3", times=6)

    assert [answer.status_code for answer in answers] == [200, 500, 503, 200, 200, 503]


def test_of_two_answers_instead_the_first_is_given() -> None:
    assert answer_of("status-502", "junk")[0].status_code == 502


def test_redirect_points_to_a_path_that_a_client_must_not_follow() -> None:
    with serving(options("redirect")) as running, httpx.Client(base_url=running.url) as client:
        answer = asked(client)
        followed = client.post(answer.headers["Location"])

    assert (answer.status_code, answer.headers["Location"]) == (307, ELSEWHERE)
    assert (followed.status_code, running.counts[f"POST {ELSEWHERE}"]) == (404, 1)


def test_junk_is_200_and_no_json() -> None:
    [answer] = answer_of("junk")

    assert answer.status_code == 200
    with pytest.raises(SecurityError, match="is no JSON object"):
        open_response(answer.content, wire.small_key())


def test_gzip_bomb_is_small_on_the_wire_and_decodes_to_a_gibibyte() -> None:
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    on_wire = decoded = 0
    with serving(options("gzip-bomb")) as running, httpx.Client(base_url=running.url) as client:
        body = sealed(client)
        with client.stream("POST", COMPLETION_PATH, content=body, headers=headers()) as answer:
            assert (answer.status_code, answer.headers["Content-Encoding"]) == (200, "gzip")
            for piece in answer.iter_raw(STEP):
                on_wire += len(piece)
                decoded += len(inflate.decompress(piece))

    assert inflate.eof
    assert (decoded, on_wire < 2 * 1024 * 1024) == (BOMB_OCTETS, True)


def test_endless_body_goes_on_beyond_the_cap_of_the_client() -> None:
    read = 0
    with serving(options("endless-body")) as running, httpx.Client(base_url=running.url) as client:
        body = sealed(client)
        with client.stream("POST", COMPLETION_PATH, content=body, headers=headers()) as answer:
            for piece in answer.iter_raw():
                read += len(piece)
                if read > MAX_WIRE:
                    break

    assert answer.status_code == 200
    assert read > MAX_WIRE


def test_endless_body_ends_at_last_for_who_never_stops() -> None:
    reply = choose("endless-body").act.instead
    assert reply is not None
    pieces = reply(0).pieces
    assert pieces is not None

    assert sum(map(len, pieces())) > 2 * MAX_WIRE


def test_cut_off_closes_the_connection_in_the_middle_of_the_body() -> None:
    pieces: list[bytes] = []
    with serving(options("cut-off")) as running, httpx.Client(base_url=running.url) as client:
        body = sealed(client)
        with client.stream("POST", COMPLETION_PATH, content=body, headers=headers()) as answer:
            promised = int(answer.headers["Content-Length"])
            with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
                pieces.extend(answer.iter_raw())

    assert answer.status_code == 200
    assert sum(map(len, pieces)) == promised // 2


def test_server_header_noise_claims_things_around_an_honest_answer() -> None:
    [answer] = answer_of("server-header-noise")

    assert answer.headers["X-Attestation"] == "accepted"
    assert len(answer.headers.get_list("Set-Cookie")) == 2
    assert any(b"\x1b" in value for _, value in answer.headers.raw)
    assert opened(answer)["object"] == "chat.completion"


def test_aes_128_wraps_a_key_of_16_octets() -> None:
    [answer] = answer_of("aes-128")

    wrapped = base64.b64decode(answer.json()["encrypted_aes_key"])
    assert len(wire.small_key().decrypt(wrapped, wire.OAEP)) == 16
    assert wire.opened(answer.content, wire.small_key()).startswith(b"{")
    with pytest.raises(SecurityError):
        open_response(answer.content, wire.small_key())


def test_wrong_recipient_cannot_be_opened_by_the_client() -> None:
    [answer] = answer_of("wrong-recipient")

    with pytest.raises(ValueError, match="Decryption failed"):
        wire.opened(answer.content, wire.small_key())


def test_tampered_tag_is_right_but_for_the_tag() -> None:
    [answer] = answer_of("tampered-tag")

    wrapped = base64.b64decode(answer.json()["encrypted_aes_key"])
    assert len(wire.small_key().decrypt(wrapped, wire.OAEP)) == 32
    with pytest.raises(SecurityError, match="was changed"):
        open_response(answer.content, wire.small_key())


def shown_key(*misbehave: str) -> bytes:
    with serving(options(*misbehave)) as running:
        answer = httpx.get(f"{running.url}{KEY_PATH}")
    assert answer.status_code == 200
    return answer.content


def test_weak_server_key_is_rsa_1024() -> None:
    pem = shown_key("weak-server-key")

    key = serialization.load_pem_public_key(pem)
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 1024
    with pytest.raises(SecurityError, match="1024 bits"):
        load_server_key(pem)


def test_not_pem_is_no_key() -> None:
    with pytest.raises(SecurityError, match="expected one block"):
        load_server_key(shown_key("not-pem"))


def test_key_rotation_refuses_what_is_sealed_to_the_key_before() -> None:
    misbehaving = options("key-rotation@2")
    with serving(misbehaving) as running, httpx.Client(base_url=running.url) as client:
        body = sealed(client)
        before = client.get(KEY_PATH).content
        answers = [
            client.post(COMPLETION_PATH, content=body, headers=headers(str(uuid.uuid4())))
            for _ in range(3)
        ]
        again = asked(client)
        after = client.get(KEY_PATH).content

    assert [answer.status_code for answer in answers] == [200, 400, 400]
    assert answers[1].json() == {"detail": "request: is not sealed to this key, or was changed"}
    assert again.status_code == 200
    assert before != after


@pytest.mark.parametrize(
    "text", ["", "nothing", "wrong-pcr@", "wrong-pcr@0", "wrong-pcr/0", "wrong-pcr@1/2", "junk "]
)
def test_what_is_no_misbehaviour_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="is no misbehaviour: NAME, NAME@N or NAME/N"):
        choose(text)


def test_a_share_of_fail_once_is_that_share() -> None:
    chosen = choose("fail-once/2")

    assert [chosen.applies(position) for position in (1, 2, 3, 4)] == [False, True, False, True]


def test_names_are_in_kebab_case() -> None:
    assert all(choose(name).name == name for name in MISBEHAVIOURS)
