"""The steps of an enrolment that need no TPM: a challenge, the proof of an answer, a record."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from attest import crypto
from attest.enrolment import documents
from attest.enrolment.certificate import VerifyEk, fingerprint, key_of
from attest.enrolment.documents import (
    METHOD,
    Answer,
    Challenge,
    Pending,
    Provenance,
    Record,
    Request,
    digest,
)
from attest.enrolment.errors import EnrolmentError
from attest.enrolment.keys import EK_CERT, EnrolledKey, read_ak, read_ek
from attest.result import VERIFIER

PAYLOAD_TYPE = "application/vnd.tpm-attest.enrolled-ak+json"
"""Media type of a record in its DSSE envelope."""

MakeCredential = Callable[[bytes, bytes, bytes], tuple[bytes, bytes]]
"""TPM2_MakeCredential: TPM2B_PUBLIC of the endorsement key, the other key's Name, secret; returns
TPM2B_ID_OBJECT and TPM2B_ENCRYPTED_SECRET."""

_PROOF = b"tpm-attest enroll-answer 1\0"
"""Keeps the proof of an answer apart from any other use of the same secret."""


def judge_request(request: Request) -> tuple[EnrolledKey, EnrolledKey]:
    """Read both keys of a request, and judge what can be judged without the TPM.

    Returns:
        The endorsement key and the attestation key.

    Raises:
        EnrolmentError: One is of the wrong kind or weak, or the certificate is another key's.
        MalformedError: One cannot be read.
    """
    chain = request.ek_cert_chain_b64
    return read_ek(request.ek_pubkey_b64, chain), read_ak(request.ak_pubkey_b64)


def challenge_of(
    request: Request,
    verify_ek: VerifyEk,
    make_credential: MakeCredential,
    secret: bytes,
    at: datetime,
) -> tuple[Challenge, Pending]:
    """Make a challenge that only the TPM with both keys of a request can answer.

    Args:
        request: What was asked for.
        verify_ek: Judges the endorsement key's certificate.
        make_credential: Encrypts the secret.
        secret: SECRET_OCTETS random octets, used here and never again.
        at: The enroller's clock.

    Returns:
        The challenge, and what the enroller keeps of it.

    Raises:
        EnrolmentError: The request is refused.
        MalformedError: A key or the certificate cannot be read.
    """
    ek, ak = judge_request(request)
    validation = verify_ek(request.ek_cert_chain_b64)
    credential, encrypted = make_credential(request.ek_pubkey_b64, ak.name, secret)
    challenge = Challenge(
        schema=1,
        request_sha256=digest(request),
        ek=request.ek,
        ek_spki_sha256=ek.spki_sha256.hex(),
        ak_name=ak.name.hex(),
        credential_b64=credential,
        encrypted_secret_b64=encrypted,
    )
    named = digest(challenge)
    proof_sha256 = _proof_sha256(proof_of(named, secret))
    return challenge, Pending(1, request, validation, named, proof_sha256, at)


def proof_of(challenge_sha256: str, secret: bytes) -> str:
    """Return what shows that the secret of a challenge was read, and does not give it away."""
    message = _PROOF + bytes.fromhex(challenge_sha256)
    return hmac.digest(secret, message, hashlib.sha256).hex()


def answer_of(challenge: Challenge, secret: bytes) -> Answer:
    """Answer a challenge by the secret that the TPM read from it."""
    named = digest(challenge)
    return Answer(1, named, challenge.ak_name, proof_of(named, secret))


def record_of(pending: Pending, answer: Answer, at: datetime) -> Record:
    """Hold an answer against the challenge that was made, and write the key down as enrolled.

    Args:
        pending: What was kept of the challenge.
        answer: What came back.
        at: The enroller's clock.

    Raises:
        EnrolmentError: It answers another challenge, for another key, or with another secret.
        MalformedError: A key or the certificate that was kept cannot be read.
    """
    request = pending.request
    ek, ak = judge_request(request)
    if answer.challenge_sha256 != pending.challenge_sha256:
        fault = f"answers {answer.challenge_sha256}, the challenge is {pending.challenge_sha256}"
        raise EnrolmentError("challenge_sha256", fault)
    if answer.ak_name != ak.name.hex():
        raise EnrolmentError("ak_name", f"is {answer.ak_name}, challenged was {ak.name.hex()}")
    if not hmac.compare_digest(_proof_sha256(answer.proof), pending.proof_sha256):
        fault = "the secret was not read: nothing shows that one TPM has both keys"
        raise EnrolmentError("proof", fault)
    return Record(
        schema=1,
        ak_name=ak.name.hex(),
        ak_spki_sha256=ak.spki_sha256.hex(),
        ak_pubkey_b64=request.ak_pubkey_b64,
        ek_cert_sha256=fingerprint(request.ek_cert_chain_b64[0]),
        ek_spki_sha256=ek.spki_sha256.hex(),
        ek_cert_chain_b64=request.ek_cert_chain_b64,
        ek_validation=pending.ek_validation,
        provenance=Provenance(
            METHOD, digest(request), pending.challenge_sha256, pending.challenged_at
        ),
        enrolled_at=at,
        enroller=VERIFIER,
    )


def read_record(octets: bytes, place: str) -> Record:
    """Read a record, and recompute all in it that follows from its keys.

    Raises:
        EnrolmentError: It contradicts itself, or its key is none that may be enrolled.
        MalformedError: It cannot be read.
    """
    record = documents.read(Record, octets, place)
    ak = read_ak(record.ak_pubkey_b64)
    certified = key_of(record.ek_cert_chain_b64[0], f"{EK_CERT}[0]")
    for member, said, follows in (
        ("ak_name", record.ak_name, ak.name.hex()),
        ("ak_spki_sha256", record.ak_spki_sha256, ak.spki_sha256.hex()),
        ("ek_spki_sha256", record.ek_spki_sha256, crypto.spki_sha256(certified).hex()),
        ("ek_cert_sha256", record.ek_cert_sha256, fingerprint(record.ek_cert_chain_b64[0])),
    ):
        if said != follows:
            raise EnrolmentError(member, f"is {said}, the record's own octets give {follows}")
    return record


def _proof_sha256(proof: str) -> str:
    return hashlib.sha256(bytes.fromhex(proof)).hexdigest()
