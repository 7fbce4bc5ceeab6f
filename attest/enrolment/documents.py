"""The files of an enrolment: strict JSON, versioned, each with the one spelling that it has."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

import rfc8785
from msgspec import Meta, Struct, ValidationError, convert, json

from attest.document import read_document
from attest.endorsement import MAX_CERTIFICATE, MAX_CERTIFICATES
from attest.errors import MalformedError
from attest.text import shown

MAX_FILE = 1024 * 1024
"""Octets of a file of an enrolment; a request with the longest chain has about a third of it."""

SECRET_OCTETS = 32
"""Octets of the secret that only the challenged TPM can read."""

MAX_AREA = 2048
"""Octets of a public area, or of a part of a challenge: more than any TPM makes."""

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""A SHA-256 digest in lower-case hex."""

Name = Annotated[str, Meta(pattern=r"^00(04|0b|0c|0d|27|28|29)([0-9a-f]{2}){20,64}\Z")]
"""A TPM Name in lower-case hex: nameAlg and digest."""

Area = Annotated[bytes, Meta(min_length=1, max_length=MAX_AREA)]
Certificate = Annotated[bytes, Meta(min_length=1, max_length=MAX_CERTIFICATE)]
Certificates = Annotated[tuple[Certificate, ...], Meta(min_length=1, max_length=MAX_CERTIFICATES)]
METHOD: Final = "TPM2_MakeCredential, TPM2_ActivateCredential"
"""How it is proven that two keys live in one TPM."""

Moment = Annotated[datetime, Meta(tz=True)]
EkKind = Literal["rsa2048", "rsa3072", "ecc-nist-p256", "ecc-nist-p384", "ecc-nist-p521"]
"""Endorsement keys, by the template that they are made of."""


class Request(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="enroll-request"
):
    """What a machine asks to have enrolled.

    Attributes:
        schema: Version of the file.
        ek: Which of its endorsement keys the certificate is for.
        ek_pubkey_b64: TPM2B_PUBLIC of the endorsement key.
        ek_cert_chain_b64: Its certificate in DER, then those of its issuers that are known.
        ak_pubkey_b64: TPM2B_PUBLIC of the attestation key.
    """

    schema: Literal[1]
    ek: EkKind
    ek_pubkey_b64: Area
    ek_cert_chain_b64: Certificates
    ak_pubkey_b64: Area


class Challenge(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="enroll-challenge"
):
    """What only the TPM with both keys can answer.

    Attributes:
        schema: Version of the file.
        request_sha256: Digest of the request, in its RFC 8785 form.
        ek: Which endorsement key reads it.
        ek_spki_sha256: The same by its public key.
        ak_name: Name of the attestation key that must be loaded beside it.
        credential_b64: TPM2B_ID_OBJECT.
        encrypted_secret_b64: TPM2B_ENCRYPTED_SECRET.
    """

    schema: Literal[1]
    request_sha256: Digest
    ek: EkKind
    ek_spki_sha256: Digest
    ak_name: Name
    credential_b64: Area
    encrypted_secret_b64: Area


class Answer(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="enroll-answer"
):
    """What shows that the secret of one challenge was read.

    Attributes:
        schema: Version of the file.
        challenge_sha256: Digest of the challenge, in its RFC 8785 form.
        ak_name: Name of the attestation key.
        proof: HMAC-SHA256 over the challenge under its secret, in hex.
    """

    schema: Literal[1]
    challenge_sha256: Digest
    ak_name: Name
    proof: Digest


class EkValidation(Struct, frozen=True, forbid_unknown_fields=True):
    """How the endorsement key's certificate was judged.

    Attributes:
        how: ``chain``: up to a root of the enroller's; ``pinned``: its digest was known before;
            ``none``: not at all.
        told: The same for a person, with the root or the reason.
    """

    how: Literal["chain", "pinned", "none"]
    told: Annotated[str, Meta(max_length=1000)]


class Pending(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="enroll-pending"
):
    """What the enroller keeps until the answer comes; it holds no secret.

    Attributes:
        schema: Version of the file.
        request: What was asked for.
        ek_validation: How its certificate was judged.
        challenge_sha256: Digest of the challenge, in its RFC 8785 form.
        proof_sha256: SHA-256 of the one right proof.
        challenged_at: When the challenge was made.
    """

    schema: Literal[1]
    request: Request
    ek_validation: EkValidation
    challenge_sha256: Digest
    proof_sha256: Digest
    challenged_at: Moment


class Provenance(Struct, frozen=True, forbid_unknown_fields=True):
    """How it is known where the attestation key lives.

    Attributes:
        method: The commands that prove it.
        request_sha256: Digest of the request, in its RFC 8785 form.
        challenge_sha256: Digest of the challenge, in its RFC 8785 form.
        challenged_at: When the challenge was made.
    """

    method: Literal["TPM2_MakeCredential, TPM2_ActivateCredential"]
    request_sha256: Digest
    challenge_sha256: Digest
    challenged_at: Moment


class Record(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="enrolled-ak"):
    """An attestation key that was enrolled.

    Attributes:
        schema: Version of the file.
        ak_name: Its Name, for ``aik.names`` of a policy.
        ak_spki_sha256: The same by its public key, for ``aik.spki_sha256``.
        ak_pubkey_b64: TPM2B_PUBLIC, which both follow from.
        ek_cert_sha256: SHA-256 of the endorsement key's certificate.
        ek_spki_sha256: The same by its public key.
        ek_cert_chain_b64: The certificate and its issuers, as far as they are known.
        ek_validation: How the certificate was judged.
        provenance: How it is known that both keys live in one TPM.
        enrolled_at: When, by the enroller's clock.
        enroller: Program and version.
    """

    schema: Literal[1]
    ak_name: Name
    ak_spki_sha256: Digest
    ak_pubkey_b64: Area
    ek_cert_sha256: Digest
    ek_spki_sha256: Digest
    ek_cert_chain_b64: Certificates
    ek_validation: EkValidation
    provenance: Provenance
    enrolled_at: Moment
    enroller: Annotated[str, Meta(max_length=200)]


Document = Request | Challenge | Answer | Pending | Record
_Read = TypeVar("_Read", Request, Challenge, Answer, Pending, Record)


def read(kind: type[_Read], octets: bytes, place: str) -> _Read:
    """Read a file of an enrolment, which has one spelling: base64 and times are canonical.

    Args:
        kind: Which file it must be.
        octets: The file.
        place: The file's name, for errors.

    Raises:
        MalformedError: No JSON, a member twice, unknown, missing or of another type, another
            version, another file than wanted, more than MAX_FILE octets.
    """
    if len(octets) > MAX_FILE:
        raise MalformedError(place, f"more than {MAX_FILE} octets")
    try:
        document = read_document(octets)
    except MalformedError as error:
        raise MalformedError(place, str(error).removeprefix("response: ")) from error
    try:
        found = convert(document, kind)
    except ValidationError as error:
        raise MalformedError(place, shown(str(error))) from error
    if plain(found) != document:
        raise MalformedError(place, "base64 or a time is not in its canonical form")
    return found


def plain(document: Document) -> dict[str, Any]:
    """Return a document as the dict that its JSON is."""
    members: dict[str, Any] = json.decode(json.encode(document))
    return members


def canonical(document: Document) -> bytes:
    """Write a document as JSON in the form of RFC 8785."""
    return rfc8785.dumps(plain(document))


def digest(document: Document) -> str:
    """Return SHA-256 over the RFC 8785 form of a document, in hex: white space does not count."""
    return hashlib.sha256(canonical(document)).hexdigest()
