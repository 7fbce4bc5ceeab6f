"""An honest server: whole exchanges, what an answer says, and what requests are refused."""

from __future__ import annotations

import socket
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from client.demo.answer_lies import weak_server_key
from client.demo.evidence import Attestation, Simulated
from client.demo.running import Running, serving
from client.demo.service import COMPLETION_PATH, KEY_PATH, MAX_SEALED, Options, Service
from client.envelope import load_server_key, seal, server_key_sha256
from client.serving import MAX_HEAD
from tests.client import wire
from tests.demo.talking import (
    PROMPT,
    asked,
    client_pem,
    failing,
    headers,
    judged,
    opened,
    options,
    sealed,
    verdict,
)

ID = "5d6c9d4e-9a5a-4f0e-8a0c-3f0d2b7e9c11"


@pytest.mark.parametrize("tier", ["standard", "high", "maximum"])
@pytest.mark.parametrize("aik", ["ecc", "rsa"])
def test_an_honest_answer_is_accepted(aik: str, tier: str) -> None:
    with serving(options(aik=aik)) as running:
        result = verdict(running.url, tier)

    assert result.accepted, failing(result)
    assert (result.assurance, result.baseline) == ("self-consistent", "demonstration")


def test_the_second_implementation_of_the_envelope_is_answered(client: httpx.Client) -> None:
    key = serialization.load_pem_public_key(client.get(KEY_PATH).content)
    assert isinstance(key, rsa.RSAPublicKey)
    envelope = wire.sealed(b'{"model":"m","messages":[{"role":"user"}]}', key)
    del envelope["processed_at"]

    answer = client.post(COMPLETION_PATH, content=wire.octets(envelope), headers=headers(ID))

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert type(answer.json()["processed_at"]) is int
    assert f'"id":"chatcmpl-{ID}"'.encode() in wire.opened(answer.content, wire.small_key())


def test_the_completion_has_the_openai_shape_and_says_that_it_is_canned(
    client: httpx.Client,
) -> None:
    completion = opened(asked(client, payload_id=ID))

    assert completion["id"] == f"chatcmpl-{ID}"
    assert (completion["object"], completion["model"]) == ("chat.completion", "canned")
    [choice] = completion["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert choice["message"] == {
        "role": "assistant",
        "content": "This is a canned answer of the demonstration server: no model has run. "
        "The prompt had 4 words.",
    }
    assert completion["usage"] == {
        "prompt_tokens": 4,
        "completion_tokens": 18,
        "total_tokens": 22,
    }


def test_the_metadata_is_whole_and_names_the_source_of_evidence(client: httpx.Client) -> None:
    metadata = opened(asked(client, payload_id=ID, X_Security_Tier="maximum"))["_metadata"]

    assert list(metadata) == [
        "payload_id",
        "processed_at",
        "is_encrypted",
        "encryption_algorithm",
        "response_status",
        "security_tier",
        "memory_protection",
        "cuda_device",
        "tpm_attestation",
    ]
    assert (metadata["payload_id"], metadata["security_tier"]) == (ID, "maximum")
    assert metadata["memory_protection"]["evidence_source"] == "simulated"
    assert metadata["tpm_attestation"]["pcr_banks"] == "sha256:0,7,10"


def test_without_a_tier_the_answer_is_for_standard(client: httpx.Client) -> None:
    said = headers(ID)
    del said["X-Security-Tier"]

    answer = client.post(COMPLETION_PATH, content=sealed(client), headers=said)

    assert opened(answer)["_metadata"]["security_tier"] == "standard"


def test_contents_that_are_no_text_count_no_words(client: httpx.Client) -> None:
    request = {"model": "m", "messages": [{"content": [{"type": "text", "text": "a b"}]}, {}]}

    answer = client.post(COMPLETION_PATH, content=sealed(client, request), headers=headers())

    assert opened(answer)["usage"]["prompt_tokens"] == 0


def test_every_answer_has_a_key_of_its_own(client: httpx.Client) -> None:
    keys = {
        opened(asked(client))["_metadata"]["tpm_attestation"]["aik_pubkey_b64"] for _ in range(3)
    }

    assert len(keys) == 3


def test_many_at_once_each_get_the_answer_to_their_own_id(honest: Running) -> None:
    ids = [str(uuid.uuid4()) for _ in range(40)]

    def exchange(payload_id: str) -> bool:
        with httpx.Client(base_url=honest.url) as client:
            completion = opened(asked(client, payload_id=payload_id))
        return judged(completion, payload_id).accepted

    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(exchange, ids))


def test_extending_a_pcr_while_running_has_every_later_answer_refused() -> None:
    with serving(options()) as running:
        before = verdict(running.url)
        running.source.extend(7, bytes(32))
        after = [verdict(running.url) for _ in range(2)]

    assert before.accepted
    assert [failing(result) for result in after] == [["pcr.baseline"]] * 2


@pytest.mark.parametrize(("index", "size"), [(16, 32), (7, 20)])
def test_what_cannot_be_extended_is_an_error(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="expected a quoted PCR and 32 octets"):
        Simulated().extend(index, bytes(size))


@pytest.mark.parametrize("tier", ["standard", "high"])
def test_without_a_tpm_lower_tiers_are_told_so(tier: str) -> None:
    with serving(options(tpm="none")) as running, httpx.Client(base_url=running.url) as client:
        completion = opened(asked(client, X_Security_Tier=tier))

    assert completion["_metadata"]["tpm_attestation"] == {"is_available": False}
    assert completion["_metadata"]["memory_protection"]["evidence_source"] == "none"


def test_without_a_tpm_maximum_is_503() -> None:
    with serving(options(tpm="none")) as running, httpx.Client(base_url=running.url) as client:
        answer = asked(client, X_Security_Tier="maximum")
        with pytest.raises(ValueError, match="no TPM, so no PCR 7"):
            running.source.extend(7, bytes(32))

    assert answer.status_code == 503
    assert answer.json() == {"detail": "tier maximum needs a TPM, and this machine has none"}


def test_requests_are_counted_and_their_ids_kept_but_no_prompts() -> None:
    with serving(options()) as running, httpx.Client(base_url=running.url) as client:
        first, second = (asked(client, payload_id=str(uuid.uuid4())) for _ in range(2))
        client.get("/elsewhere")
        client.get(COMPLETION_PATH)

    ids = tuple(answer.request.headers["X-Payload-ID"] for answer in (first, second))
    assert running.payload_ids == ids
    assert running.counts == {
        "GET /pki/public_key": 2,
        "POST /v1/chat/secure_completion": 2,
        "GET /elsewhere": 1,
        "GET /v1/chat/secure_completion": 1,
    }
    assert "words of prompt" not in repr(vars(running.service))


def test_paths_without_number_are_counted_together() -> None:
    service = Service(options())

    for number in range(70):
        service.count("GET", f"/{number}")

    assert (len(service.counts), service.counts["others"]) == (65, 6)
    assert [service.count("POST", COMPLETION_PATH) for _ in range(2)] == [1, 2]


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/nothing", 404, "Not Found"),
        ("GET", COMPLETION_PATH, 405, "Method Not Allowed"),
        ("POST", KEY_PATH, 405, "Method Not Allowed"),
    ],
)
def test_other_paths_and_methods_are_refused(
    client: httpx.Client, method: str, path: str, status: int, detail: str
) -> None:
    answer = client.request(method, path)

    assert (answer.status_code, answer.json()) == (status, {"detail": detail})


def spki_of(key: ec.EllipticCurvePublicKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


CURVE = spki_of(ec.generate_private_key(ec.SECP256R1()).public_key())
KEYS = {"weak": weak_server_key(b"").decode(), "curve": CURVE}


@pytest.mark.parametrize(
    ("name", "value", "detail"),
    [
        ("X_Payload_ID", "", "X-Payload-ID: expected a UUID of version 4"),
        ("X_Payload_ID", "7", "X-Payload-ID: expected a UUID of version 4"),
        (
            "X_Payload_ID",
            "5d6c9d4e-9a5a-1f0e-8a0c-3f0d2b7e9c11",
            "X-Payload-ID: expected a UUID of version 4",
        ),
        ("X_Payload_ID", f"{{{ID}}}", "X-Payload-ID: expected a UUID of version 4"),
        ("X_Public_Key", "", "X-Public-Key: expected one block of -----BEGIN PUBLIC KEY-----"),
        ("X_Public_Key", "a" * 16385, "X-Public-Key: 16385 characters exceed 16384"),
        (
            "X_Public_Key",
            "weak",
            "X-Public-Key: 1024 bits, expected 2048 to 16384",
        ),
        ("X_Public_Key", "curve", "X-Public-Key: is no RSA key"),
        (
            "X_Security_Tier",
            "Maximum",
            "X-Security-Tier: expected one of standard, high, maximum",
        ),
    ],
    ids=[
        "no-id",
        "short-id",
        "time-id",
        "braced-id",
        "no-key",
        "long-key",
        "weak-key",
        "curve",
        "other-tier",
    ],
)
def test_a_header_at_fault_is_400(honest: Running, name: str, value: str, detail: str) -> None:
    said = headers() | {name.replace("_", "-"): quote(KEYS.get(value, value))}

    with httpx.Client(base_url=honest.url) as client:
        answer = client.post(COMPLETION_PATH, content=sealed(client), headers=said)

    assert (answer.status_code, answer.json()) == (400, {"detail": detail})
    assert "" not in honest.payload_ids


@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        ([], "request: is no JSON object"),
        ({"messages": [{}]}, "model: expected a text of 1 to 200 characters"),
        ({"model": "", "messages": [{}]}, "model: expected a text of 1 to 200 characters"),
        ({"model": "m" * 201, "messages": [{}]}, "model: expected a text of 1 to 200 characters"),
        ({"model": "m"}, "messages: expected a list of at least one object"),
        ({"model": "m", "messages": []}, "messages: expected a list of at least one object"),
        ({"model": "m", "messages": ["x"]}, "messages: expected a list of at least one object"),
    ],
)
def test_a_request_of_another_shape_is_400(
    client: httpx.Client, request_: Any, detail: str
) -> None:
    answer = client.post(COMPLETION_PATH, content=sealed(client, request_), headers=headers())

    assert (answer.status_code, answer.json()) == (400, {"detail": detail})


def test_a_request_that_is_no_json_is_400(client: httpx.Client) -> None:
    key = load_server_key(client.get(KEY_PATH).content)

    answer = client.post(COMPLETION_PATH, content=seal(b"\xff", key), headers=headers())

    assert (answer.status_code, answer.json()) == (400, {"detail": "request: is no JSON"})


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "request: is no JSON object with each member once"),
        (b"[]", "request: is no envelope"),
        (
            wire.sealed_octets(b"{}", wire.server_key().public_key()),
            "request: is not sealed to this key, or was changed",
        ),
        (wire.octets({"version": "2.0"}), 'request: version: expected "1.0"'),
    ],
)
def test_a_body_that_is_no_envelope_to_this_server_is_400(
    client: httpx.Client, body: bytes, detail: str
) -> None:
    answer = client.post(COMPLETION_PATH, content=body, headers=headers())

    assert (answer.status_code, answer.json()) == (400, {"detail": detail})


def test_a_body_beyond_the_cap_is_413(honest: Running) -> None:
    with httpx.Client(base_url=honest.url) as client:
        answer = client.post(
            COMPLETION_PATH, content=b" " * (MAX_SEALED + 1), headers=headers(), timeout=60
        )

    assert answer.status_code == 413
    assert answer.json() == {"detail": f"request: more than {MAX_SEALED} octets"}


def test_a_head_beyond_the_cap_is_refused_before_anything_else(honest: Running) -> None:
    before = dict(honest.counts)
    port = httpx.URL(honest.url).port

    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"x" * MAX_HEAD)
        answer = connection.recv(64)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert dict(honest.counts) == before


def test_a_client_that_leaves_in_the_middle_of_its_request_harms_nobody(honest: Running) -> None:
    def half() -> Any:
        yield b"{"
        raise KeyError("the client leaves")

    with httpx.Client(base_url=honest.url) as client:
        with pytest.raises(KeyError):
            client.post(COMPLETION_PATH, content=half(), headers=headers())
        assert asked(client).status_code == 200


class Broken(Simulated):
    """A TPM that fails."""

    def attestation(self, payload_id: str) -> Attestation:
        raise RuntimeError(f"the TPM does not answer {payload_id}")


def test_a_source_that_fails_is_500_and_says_nothing_of_why() -> None:
    answers = []
    with serving(options(), source=Broken()) as running:
        for _ in range(2):  # on connections of their own: after a fault the server closes one
            with httpx.Client(base_url=running.url) as client:
                answers.append(asked(client))

    said = [(answer.status_code, answer.text) for answer in answers]
    assert said == [(500, "Internal Server Error")] * 2


def test_two_servers_at_once_have_different_keys() -> None:
    with serving(options()) as one, serving(options()) as other:
        keys = [load_server_key(httpx.get(f"{r.url}{KEY_PATH}").content) for r in (one, other)]

    assert one.url != other.url
    assert len({server_key_sha256(key) for key in keys}) == 2


def test_the_server_key_has_4096_bits_unless_told_otherwise() -> None:
    with serving() as running:
        key = load_server_key(httpx.get(f"{running.url}{KEY_PATH}").content)

    assert key.key_size == 4096 == Options().key_bits


def test_a_server_key_of_another_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="key_bits: expected one of 2048, 3072, 4096"):
        Service(Options(key_bits=1024))


def test_the_prompt_that_is_sent_is_what_the_tests_say() -> None:
    assert PROMPT["messages"] == [{"role": "user", "content": "four words of prompt"}]
    assert client_pem().startswith("-----BEGIN%20PUBLIC%20KEY")
