"""The files of an enrolment: one spelling each, and nothing in them that is not known."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from attest.enrolment.documents import (
    MAX_FILE,
    Answer,
    Challenge,
    Request,
    canonical,
    digest,
    plain,
    read,
)
from attest.errors import MalformedError
from tests.enrolment.making import request

Change = Callable[[dict[str, Any]], object]


def octets_of(change: Change = dict.copy) -> bytes:
    """The file of an honest request, but for a change."""
    members = plain(request())
    change(members)
    return json.dumps(members, indent=1).encode()


def test_file_is_read_as_it_was_written() -> None:
    assert read(Request, octets_of(), "request.json") == request()


def test_digest_does_not_count_white_space() -> None:
    spaced = read(Request, octets_of(), "spaced.json")
    dense = read(Request, canonical(request()), "dense.json")
    assert digest(spaced) == digest(dense) == digest(request())
    assert digest(request(ek="rsa3072")) != digest(request())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda it: it.update(schema=2), "Invalid enum value 2"),
        (lambda it: it.pop("schema"), "missing required field `schema`"),
        (lambda it: it.update(schema=True), "Expected `int`, got `bool`"),
        (lambda it: it.update(more=1), "unknown field `more`"),
        (lambda it: it.update(type="enroll-answer"), "Invalid value 'enroll-answer'"),
        (lambda it: it.pop("type"), "base64 or a time is not in its canonical form"),
        (lambda it: it.update(ek="rsa1024"), "Invalid enum value 'rsa1024'"),
        (lambda it: it.update(ek_cert_chain_b64=[]), "Expected `array` of length >= 1"),
        (lambda it: it.update(ek_cert_chain_b64=["AA=="] * 17), "length <= 16"),
        (lambda it: it.update(ak_pubkey_b64=""), "Expected `bytes` of length >= 1"),
        (lambda it: it.update(ak_pubkey_b64="A" * 4096), "Expected `bytes` of length <= 2048"),
        (lambda it: it.update(ak_pubkey_b64="AA"), "Invalid base64 encoded string"),
        (lambda it: it.update(ak_pubkey_b64="AB=="), "is not in its canonical form"),
    ],
)
def test_file_that_says_anything_else_is_refused(change: Change, fault: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(Request, octets_of(change), "request.json")
    assert caught.value.place == "request.json"
    assert fault in caught.value.fault


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"", "is no JSON: "),
        (b"[]", "is an array, expected an object"),
        (b'{"schema": 1, "schema": 1}', 'duplicate member "schema"'),
        (b'"' + b"\xff" + b'"', "is no"),
        (b" " * (MAX_FILE + 1), "more than 1048576 octets"),
    ],
)
def test_what_is_no_strict_json_is_refused(octets: bytes, fault: str) -> None:
    with pytest.raises(MalformedError) as caught:
        read(Request, octets, "request.json")
    assert str(caught.value).startswith(f"request.json: {fault}")


@pytest.mark.parametrize("kind", [Challenge, Answer])
def test_another_file_is_refused(kind: type[Challenge]) -> None:
    with pytest.raises(MalformedError, match="Invalid value 'enroll-request'"):
        read(kind, octets_of(), "request.json")


@pytest.mark.parametrize("proof", ["A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n"])
def test_digest_has_one_spelling(proof: str) -> None:
    members = {"type": "enroll-answer", "schema": 1, "challenge_sha256": "a" * 64}
    whole = members | {"ak_name": "000b" + "a" * 64, "proof": proof}
    with pytest.raises(MalformedError, match="proof"):
        read(Answer, json.dumps(whole).encode(), "answer.json")
