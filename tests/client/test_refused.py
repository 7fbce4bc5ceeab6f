"""What the gate refuses: each lie costs exactly one POST, and nothing of it is tried again."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

import client
from client import AttestationRefused, SecurityError
from tests import build
from tests.client import wire
from tests.client.gating import FORGED, Face, edited, wired
from tests.client.serving import Answer, Posted, Reply, answered, sealed
from tests.judging import refusing

OTHER_ID = "5d6c9d4e-0000-4f0e-8a0c-3f0d2b7e9c11"
OTHER_VALUES = {"sha256": {0: b"\1" * 32, 7: b"\2" * 32, 10: b"\3" * 32}}


def relabelled() -> Answer:
    """PCR 16, 23 and 10 quoted, and told as PCR 0, 7 and 10."""
    golden = build.VALUES["sha256"]
    quoted = {"sha256": {10: golden[10], 16: golden[0], 23: golden[7]}}
    return answered(
        values=quoted,
        pcr_values=build.hex_values(build.VALUES),
        pcr_banks=build.banks_text(build.VALUES),
    )


REFUSED: list[tuple[str, Answer, set[str]]] = [
    ("magic", answered(**FORGED), {"quote.magic"}),
    ("type", answered(quoted={"type": build.TYPE["time"]}), {"quote.type"}),
    ("nonce", answered(quoted={"extra_data": build.nonce_of(OTHER_ID)}), {"quote.nonce"}),
    ("other request", answered(payload_id=OTHER_ID), {"quote.nonce"}),
    ("tier", answered(tier="high"), {"response.tier"}),
    ("no tier", answered(drop=["_metadata.security_tier"]), {"response.tier"}),
    ("values", answered(values=OTHER_VALUES), {"pcr.baseline"}),
    ("relabelled", relabelled(), {"quote.selection"}),
    (
        "signature",
        answered(
            signature=b"\x00\x18\x00\x0b" + b"\x00\x20" + b"\1" * 32 + b"\x00\x20" + b"\1" * 32
        ),
        {"quote.signature"},
    ),
    (
        "no TPM",
        answered(metadata={"tpm_attestation": {"is_available": False}}),
        {"evidence.present"},
    ),
    ("no evidence", answered(drop=["_metadata.tpm_attestation"]), {"evidence.form"}),
    ("evidence list", answered(metadata={"tpm_attestation": []}), {"evidence.form"}),
    ("evidence null", answered(metadata={"tpm_attestation": None}), {"evidence.form"}),
    ("no metadata", answered(drop=["_metadata"]), {"evidence.form"}),
    ("metadata list", answered(completion={"_metadata": []}), {"evidence.form"}),
    ("metadata text", answered(completion={"_metadata": "{}"}), {"evidence.form"}),
    ("metadata null", answered(completion={"_metadata": None}), {"evidence.form"}),
    (
        "duplicate in metadata",
        edited(lambda octets: octets.replace(b'"pcr_banks":', b'"pcr_banks": "", "pcr_banks":')),
        {"evidence.form"},
    ),
    (
        "duplicate outside",
        edited(lambda octets: octets.replace(b'"object":', b'"model": "x", "object":')),
        {"evidence.form"},
    ),
    (
        "two metadata",
        edited(lambda octets: octets[:-1] + b', "_metadata": {}}'),
        {"evidence.form"},
    ),
    (
        "depth 65",
        edited(lambda octets: octets[:-1] + b', "x": ' + b"[" * 64 + b"]" * 64 + b"}"),
        {"evidence.form"},
    ),
    (
        "bottomless",
        edited(lambda octets: octets[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        {"evidence.form"},
    ),
    (
        "bottomless object",
        sealed(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        {"evidence.form"},
    ),
    (
        "depth 65 in metadata",
        edited(
            lambda octets: octets.replace(
                b'"_metadata": {', b'"_metadata": {"x": ' + b"[" * 63 + b"]" * 63 + b","
            )
        ),
        {"evidence.form"},
    ),
]


@pytest.mark.parametrize(
    ("answer", "checks"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_lie_in_an_answer_is_refused_after_one_post(
    face: Face, answer: Answer, checks: set[str]
) -> None:
    server = wired(answer)

    with pytest.raises(AttestationRefused) as caught:
        face.ask(face.chat(server, max_retries=2))

    error = caught.value
    assert refusing(error.result) >= checks
    assert not error.result.accepted
    assert error.result.payload_id == server.posts[0].payload_id
    assert (error.phase, error.prompt_sent) == ("response", True)
    assert all(check in str(error) for check in checks)
    assert len(server.posts) == 1


def test_depth_of_64_is_released(face: Face) -> None:
    deep = edited(lambda octets: octets[:-1] + b', "x": ' + b"[" * 63 + b"]" * 63 + b"}")

    assert face.ask(face.chat(wired(deep))).attestation.accepted


def test_member_name_that_is_escaped_is_the_same_member(face: Face) -> None:
    escaped = edited(lambda octets: octets.replace(b'"_metadata"', b'"\\u005fmetadata"'))

    response = face.ask(face.chat(wired(escaped)))

    assert response["_metadata"]["security_tier"] == "standard"


@pytest.mark.parametrize("name", ["attestation", "accepted", "decision"])
def test_refusal_is_not_talked_out_of_it(face: Face, name: str) -> None:
    lies: dict[str, Any] = {"completion": {name: True}, "metadata": {name: True}, **FORGED}

    with pytest.raises(AttestationRefused):
        face.ask(face.chat(wired(answered(**lies))))


def changed(**lies: Any) -> Answer:
    """Seal an honest answer in an envelope that tells these lies."""

    def answer(posted: Posted) -> Reply:
        envelope = wire.sealed(honest(posted), posted.client_key, lies.pop("aes_key", None))
        return Reply(wire.octets({**envelope, **lies}))

    return answer


def honest(posted: Posted) -> bytes:
    """The plaintext of an honest answer."""
    return wire.opened(answered()(posted).body, wire.client_key())


def tampered(posted: Posted) -> Reply:
    """An answer of which the tag was changed."""
    envelope = wire.sealed(honest(posted), posted.client_key)
    envelope["encrypted_payload"]["tag"] = wire.text(os.urandom(16))
    return Reply(wire.octets(envelope))


def misdirected(posted: Posted) -> Reply:
    """An answer that is sealed to somebody else."""
    return Reply(wire.sealed_octets(honest(posted), wire.small_key().public_key()))


def weakly_sealed(posted: Posted) -> Reply:
    """An answer under a key of 128 bits."""
    return Reply(wire.octets(wire.sealed(honest(posted), posted.client_key, b"k" * 16)))


def in_the_clear(posted: Posted) -> Reply:
    """An honest answer that was never sealed."""
    return Reply(honest(posted))


def octets(body: bytes) -> Callable[[Posted], Reply]:
    """An answer of these octets."""
    return lambda _: Reply(body)


INSECURE: list[tuple[str, Answer]] = [
    ("empty", octets(b"")),
    ("junk", octets(b"\x00\xff junk")),
    ("list", octets(b"[]")),
    ("html", octets(b"<html>")),
    ("object", octets(b"{}")),
    ("in the clear", in_the_clear),
    ("algorithm", changed(algorithm="none")),
    ("version", changed(version="2.0")),
    ("extra member", changed(extra=1)),
    ("claim", changed(processed_at="now")),
    ("recipient", misdirected),
    ("AES-128", weakly_sealed),
    ("tag", tampered),
    ("sealed list", sealed(b"[1]")),
    ("sealed text", sealed(b'"text"')),
    ("sealed null", sealed(b"null")),
    ("sealed nothing", sealed(b"")),
    ("sealed junk", sealed(b"no JSON")),
    ("sealed number", sealed(b'{"_metadata": NaN}')),
    ("sealed half", edited(lambda whole: whole[:-1])),
    ("sealed twice", edited(lambda whole: whole + whole)),
    ("sealed UTF-8", edited(lambda whole: whole.replace(b"Hello", b"Hell\xff"))),
    ("sealed surrogate", edited(lambda whole: whole.replace(b"Hello", b"\\ud800"))),
    ("sealed bottomless list", sealed(b"[" * 100_000 + b"]" * 100_000)),
]


@pytest.mark.parametrize("answer", [row[1] for row in INSECURE], ids=[row[0] for row in INSECURE])
def test_what_is_no_sealed_object_is_a_security_error_after_one_post(
    face: Face, answer: Answer
) -> None:
    server = wired(answer)

    with pytest.raises(SecurityError) as caught:
        face.ask(face.chat(server, max_retries=2))

    assert type(caught.value) is SecurityError
    assert str(caught.value)
    assert len(server.posts) == 1


def test_answer_of_a_request_before_is_refused(face: Face) -> None:
    replies: list[Reply] = []

    def repeating(posted: Posted) -> Reply:
        replies.append(answered()(posted))
        return replies[0]

    server = wired(repeating)
    chat = face.chat(server)
    face.ask(chat)

    with pytest.raises(AttestationRefused) as caught:
        face.ask(chat)

    assert refusing(caught.value.result) == {"quote.nonce"}


@pytest.mark.parametrize(
    "answer", [answered(**FORGED), octets(b"junk"), answered()], ids=["refused", "junk", "honest"]
)
def test_client_goes_on_after_each_outcome(face: Face, answer: Answer) -> None:
    server = wired(answer, answered())
    chat = face.chat(server)
    with contextlib.suppress(client.ClientError):
        face.ask(chat)

    assert face.ask(chat).attestation.accepted
    assert json.loads(server.posts[1].plaintext)
