"""The steps of an enrolment without a TPM: what is bound to what, and who is refused."""

import json
from datetime import timedelta
from typing import Any, Final

import pytest

from attest.enrolment.certificate import not_validated, pinned_to
from attest.enrolment.documents import Answer, Challenge, Pending, canonical, digest, plain
from attest.enrolment.errors import EnrolmentError
from attest.enrolment.steps import (
    answer_of,
    challenge_of,
    proof_of,
    read_record,
    record_of,
)
from attest.errors import MalformedError
from tests.aik import digest as hashed
from tests.aik import ecc_aik
from tests.enrolment.making import NOW, ek_certificate, ek_public, request

SECRET: Final = bytes(range(32))
LATER: Final = NOW + timedelta(hours=1)
ABSENT: Final = "the secret was not read: nothing shows that one TPM has both keys"


def sealed(_: bytes, name: bytes, secret: bytes) -> tuple[bytes, bytes]:
    """A TPM2_MakeCredential of no strength, which tells what it was asked for."""
    return b"credential for " + name, b"sealed " + secret[:1]


def challenged(secret: bytes = SECRET, **lies: Any) -> tuple[Challenge, Pending]:
    """A challenge for an honest request, but for these lies, and what is kept of it."""
    return challenge_of(request(**lies), not_validated, sealed, secret, NOW)


def enrolled() -> dict[str, Any]:
    """The members of an honest record."""
    challenge, pending = challenged()
    return plain(record_of(pending, answer_of(challenge, SECRET), LATER))


def read(members: dict[str, Any]) -> object:
    """Read a record of these members."""
    return read_record(json.dumps(members).encode(), "record.json")


def test_challenge_is_for_the_keys_of_the_request() -> None:
    challenge, _ = challenged()
    assert challenge.credential_b64 == b"credential for " + ecc_aik().name
    assert (challenge.ek, challenge.ak_name) == ("rsa2048", ecc_aik().name.hex())
    assert challenge.request_sha256 == digest(request())


def test_nothing_that_leaves_a_machine_or_is_kept_holds_the_secret() -> None:
    challenge, pending = challenged()
    answer = answer_of(challenge, SECRET)
    proof = proof_of(digest(challenge), SECRET)
    for document in (challenge, pending, answer):
        assert SECRET.hex() not in canonical(document).decode()
    assert proof not in canonical(pending).decode() + canonical(challenge).decode()
    assert answer.proof == proof


def test_right_answer_gives_a_record_of_both_keys() -> None:
    challenge, pending = challenged()
    record = record_of(pending, answer_of(challenge, SECRET), LATER)
    assert record.ak_name == ecc_aik().name.hex()
    assert record.ak_spki_sha256 == hashed("sha256", ecc_aik().spki).hex()
    assert record.ek_cert_sha256 == hashed("sha256", ek_certificate()).hex()
    assert record.ek_spki_sha256 == challenge.ek_spki_sha256
    assert (record.ek_validation.how, record.enrolled_at) == ("none", LATER)
    assert record.provenance.request_sha256 == digest(request())
    assert record.provenance.challenge_sha256 == digest(challenge)
    assert read_record(canonical(record), "record.json") == record


def test_certificate_that_is_not_pinned_gets_no_challenge() -> None:
    pinned = pinned_to([bytes.fromhex(hashed("sha256", ek_certificate()).hex())])
    _, pending = challenge_of(request(), pinned, sealed, SECRET, NOW)
    assert pending.ek_validation.how == "pinned"
    other = pinned_to([bytes(32)])
    with pytest.raises(EnrolmentError, match=r"^ek_cert_chain_b64: SHA-256 is "):
        challenge_of(request(), other, sealed, SECRET, NOW)


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ({"ak_pubkey_b64": ecc_aik().public(attributes=0x00040072)}, "ak_pubkey_b64: object"),
        ({"ek_pubkey_b64": ek_public(attributes=0x000200B2)}, "ek_pubkey_b64: object"),
        ({"ek_cert_chain_b64": (ek_certificate("secp256r1"),)}, "ek_cert_chain_b64[0]: is of"),
    ],
)
def test_request_for_other_keys_gets_no_challenge(lies: dict[str, Any], fault: str) -> None:
    with pytest.raises(EnrolmentError) as caught:
        challenged(**lies)
    assert str(caught.value).startswith(fault)


def test_answer_by_another_secret_is_refused() -> None:
    challenge, pending = challenged()
    with pytest.raises(EnrolmentError) as caught:
        record_of(pending, answer_of(challenge, bytes(32)), LATER)
    assert str(caught.value) == f"proof: {ABSENT}"


def test_answer_to_another_challenge_is_refused() -> None:
    first, _ = challenged()
    second, pending = challenged(b"\x01" * 32)
    with pytest.raises(EnrolmentError) as caught:
        record_of(pending, answer_of(first, SECRET), LATER)
    wanted = f"answers {digest(first)}, the challenge is {digest(second)}"
    assert str(caught.value) == f"challenge_sha256: {wanted}"


def test_proof_of_one_challenge_proves_no_other_of_the_same_secret() -> None:
    first, _ = challenged()
    second, pending = challenged(ek="rsa3072")
    moved = Answer(1, digest(second), second.ak_name, proof_of(digest(first), SECRET))
    with pytest.raises(EnrolmentError, match=r"^proof: the secret was not read"):
        record_of(pending, moved, LATER)


def test_answer_for_another_key_is_refused() -> None:
    challenge, pending = challenged()
    honest = answer_of(challenge, SECRET)
    other = ecc_aik("nist-p384").name.hex()
    with pytest.raises(EnrolmentError) as caught:
        record_of(pending, Answer(1, honest.challenge_sha256, other, honest.proof), LATER)
    assert str(caught.value) == f"ak_name: is {other}, challenged was {ecc_aik().name.hex()}"


@pytest.mark.parametrize(
    "member", ["ak_name", "ak_spki_sha256", "ek_spki_sha256", "ek_cert_sha256"]
)
def test_record_that_contradicts_itself_is_refused(member: str) -> None:
    members = enrolled()
    honest = members[member]
    members[member] = honest[:-1] + ("0" if honest[-1] != "0" else "1")
    with pytest.raises(EnrolmentError) as caught:
        read(members)
    said = f"is {members[member]}, the record's own octets give {honest}"
    assert str(caught.value) == f"{member}: {said}"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"more": 1},
        {"enrolled_at": "2026-11-24T12:00:00"},
        {"enrolled_at": "2026-11-24T13:00:00+00:00"},
        {"ek_validation": {"how": "trusted", "told": ""}},
        {"type": "enroll-request"},
    ],
)
def test_record_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedError, match=r"^record.json: "):
        read(enrolled() | change)
