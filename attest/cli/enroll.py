"""``attest enroll``: an attestation key is proven to live in the TPM of a certificate, offline."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import click

from attest.cli.ek_roots import ek_judge
from attest.cli.enrolment_files import (
    file_octets,
    pem_certificates,
    persistent_handle,
    write_new,
)
from attest.cli.exchange import PASSWORD
from attest.cli.options import HexOctets, examples
from attest.cli.rows import STANDARD_INPUT
from attest.cli.terminal import REFUSED, complain, give_up, unreadable, written_to
from attest.enrolment.documents import (
    SECRET_OCTETS,
    Answer,
    Challenge,
    Document,
    EkKind,
    Pending,
    Record,
    Request,
    canonical,
    plain,
    read,
)
from attest.enrolment.errors import EnrolmentError
from attest.enrolment.steps import PAYLOAD_TYPE, challenge_of, read_record, record_of
from attest.errors import MalformedError, SigningError
from attest.text import shown

AK_HANDLE = "0x81010002"
_DIGEST_OCTETS = 32
_INDENT = " " * 10
_OUTPUT = click.option("-o", "--output", required=True, metavar="FILE", help="Where it goes.")
_TCTI = click.option("--tcti", help="How to reach the TPM: device:/dev/tpmrm0.")
_AK_HANDLE = click.option(
    "--ak-handle",
    default=AK_HANDLE,
    metavar="HANDLE",
    show_default=True,
    help="Where the attestation key stays.",
)


@click.group(
    "enroll",
    epilog=examples(
        "attest enroll request -o request.json                 # on the machine with the TPM",
        "attest enroll challenge request.json --pending kept.json -o challenge.json",
        "attest enroll answer challenge.json -o answer.json    # on the machine with the TPM",
        "attest enroll finish kept.json answer.json --key key.pem -o record.json",
        "attest enroll verify record.json --key key.pub.pem",
    ),
)
def command() -> None:
    """Prove which TPM an attestation key lives in, and write it down."""


@command.command("request", epilog=examples("attest enroll request -o request.json"))
@_AK_HANDLE
@click.option(
    "--ek",
    type=click.Choice(get_args(EkKind)),
    default="rsa2048",
    show_default=True,
    help="Which endorsement key the certificate is for.",
)
@click.option(
    "--ek-cert", metavar="FILE", help="Its certificate and issuers, where NV memory has none."
)
@_TCTI
@_OUTPUT
def request_command(
    ak_handle: str, ek: EkKind, ek_cert: str | None, tcti: str | None, output: str
) -> None:
    """Ask to be enrolled: on the machine with the TPM, by the attestation key at a handle.

    Where no key stays there, one is made. The exit code is 0, 1 where the key, the certificate or
    the TPM refuses, 2 for a wrong call, a TPM that cannot be reached or a file that cannot be used.
    """
    from attest.collect.enrolling import request_enrolment  # noqa: PLC0415 - for two commands

    handle = persistent_handle(ak_handle, "--ak-handle")
    chain = () if ek_cert is None else pem_certificates(ek_cert)
    with _refusing():
        made = request_enrolment(tcti=tcti, ak_handle=handle, ek=ek, ek_chain=chain)
    _write(made, output)


@command.command(
    "challenge",
    epilog=examples(
        "attest enroll challenge request.json --ek-cert-sha256 HASH --pending kept.json "
        "-o challenge.json"
    ),
)
@click.argument("request", metavar="REQUEST")
@click.option(
    "--ek-cert-sha256",
    "pins",
    type=HexOctets(),
    multiple=True,
    metavar="HASH",
    help="SHA-256 of the certificate, known from elsewhere; may stand several times.",
)
@click.option("--ek-roots", metavar="PEM", help="Roots that the certificate must chain to.")
@click.option("--pending", required=True, metavar="FILE", help="What to keep until the answer.")
@_OUTPUT
def challenge_command(
    request: str, pins: tuple[bytes, ...], ek_roots: str | None, pending: str, output: str
) -> None:
    """Challenge the TPM of a request: on the enroller's machine, which needs no TPM.

    Of --ek-roots and --ek-cert-sha256 each that is given must hold. The exit code is 0, 1 where the
    request is refused, 2 for a wrong call or a file that cannot be used.
    """
    from attest.collect.enrolling import make_credential  # noqa: PLC0415 - for one command

    if any(len(pin) != _DIGEST_OCTETS for pin in pins):
        raise click.UsageError("--ek-cert-sha256 is a SHA-256: expected 64 hex digits")
    now = datetime.now(UTC)
    verify_ek = ek_judge(pins, ek_roots, now)
    secret = secrets.token_bytes(SECRET_OCTETS)
    with _refusing():
        asked = read(Request, file_octets(request), request)
        challenge, kept = challenge_of(asked, verify_ek, make_credential, secret, now)
    write_new(pending, _text(kept))
    _write(challenge, output)
    if kept.ek_validation.how == "none":
        complain(f"the certificate of the endorsement key was {kept.ek_validation.told}")


@command.command("answer", epilog=examples("attest enroll answer challenge.json -o answer.json"))
@click.argument("challenge", metavar="CHALLENGE")
@_AK_HANDLE
@_TCTI
@_OUTPUT
def answer_command(challenge: str, ak_handle: str, tcti: str | None, output: str) -> None:
    """Answer a challenge: on the machine with the TPM that it is for.

    The exit code is 0, 1 where the challenge is for another key or the TPM refuses, 2 for a wrong
    call, a TPM that cannot be reached or a file that cannot be used.
    """
    from attest.collect.enrolling import answer_challenge  # noqa: PLC0415 - for two commands

    handle = persistent_handle(ak_handle, "--ak-handle")
    with _refusing():
        asked = read(Challenge, file_octets(challenge), challenge)
        made = answer_challenge(asked, tcti=tcti, ak_handle=handle)
    _write(made, output)


@command.command(
    "finish",
    epilog=examples("attest enroll finish kept.json answer.json --key key.pem -o record.json"),
)
@click.argument("pending", metavar="PENDING")
@click.argument("answer", metavar="ANSWER")
@click.option(
    "--key",
    required=True,
    metavar="FILE|hsm:ID",
    help="What signs the record. ATTEST_KEY_PASSWORD holds its password or PIN.",
)
@_OUTPUT
def finish_command(pending: str, answer: str, key: str, output: str) -> None:
    """Hold an answer against its challenge, and write the key down as enrolled, signed.

    What was kept of the challenge is removed then: an answer counts once. The exit code is 0, 1
    where the answer is refused, 2 for a wrong call, a file or a key that cannot be used.
    """
    from attest.signing import load_dsse_key  # noqa: PLC0415 - an extra

    if pending == STANDARD_INPUT:
        raise click.UsageError("PENDING is removed in the end: expected a file")
    with _refusing():
        kept = read(Pending, file_octets(pending), pending)
        record = record_of(kept, read(Answer, file_octets(answer), answer), datetime.now(UTC))
    try:
        signer = load_dsse_key(key, os.environ.get(PASSWORD))
        envelope = signer.sign(canonical(record), PAYLOAD_TYPE)
    except SigningError as error:
        give_up(str(error))
    write_new(output, envelope + "\n")
    try:
        Path(pending).unlink()
    except OSError as error:
        give_up(unreadable(pending, error))
    click.echo(_told(record, "ENROLLED ", output))


@command.command(
    "verify",
    epilog=examples(
        "attest enroll verify record.json --key key.pub.pem",
        "attest enroll verify record.json --key key.pub.pem --format json",
    ),
)
@click.argument("record", metavar="RECORD")
@click.option("--key", metavar="FILE", help="Public key of the enroller, in PEM.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
def verify_command(record: str, key: str | None, form: str) -> None:
    """Verify the record of an enrolled key.

    Without --key it is unauthenticated, whatever it says: anybody can write one. The exit code is
    0 where the key signed it, 1 where not or where it contradicts itself, 2 for a wrong call, a
    file or a key that cannot be used.
    """
    from attest.envelope import opened_payload  # noqa: PLC0415 - an extra
    from attest.signing import verifying_key  # noqa: PLC0415 - with it

    try:
        signer = None if key is None else verifying_key(file_octets(key), key)
    except SigningError as error:
        give_up(str(error))
    with _refusing():
        octets, unvouched = opened_payload(file_octets(record), PAYLOAD_TYPE, signer)
        seen = read_record(octets, record)
    signed = unvouched is None
    if form == "json":
        click.echo(json.dumps({"authenticated": signed, "record": plain(seen)}, indent=1))
    else:
        click.echo(_told(seen, "VERIFIED " if signed else "UNAUTHENTICATED", record))
    if not signed:
        complain(f"{record}: unauthenticated: {unvouched}")
        sys.exit(REFUSED)


@contextmanager
def _refusing() -> Iterator[None]:
    """Leave with the exit code that a fault has."""
    from attest.collect import CollectError, UnreachableError  # noqa: PLC0415 - not for --help

    try:
        yield
    except UnreachableError as error:
        give_up(str(error))
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except (CollectError, EnrolmentError, MalformedError) as error:
        complain(str(error))
        sys.exit(REFUSED)


def _write(document: Document, output: str) -> None:
    with written_to(output) as stream:
        stream.write(_text(document))


def _text(document: Document) -> str:
    return json.dumps(plain(document), indent=1) + "\n"


def _told(record: Record, word: str, place: str) -> str:
    """Write a record for a person."""
    certificate = f"{record.ek_cert_sha256}, {record.ek_validation.how}"
    lines = (
        f"{word} {place}",
        f"{_INDENT}AK Name        {record.ak_name}",
        f"{_INDENT}AK SPKI        {record.ak_spki_sha256}",
        f"{_INDENT}EK certificate {certificate}: {shown(record.ek_validation.told)}",
        f"{_INDENT}enrolled       {record.enrolled_at.isoformat()} by {shown(record.enroller)}",
    )
    return "\n".join(lines)
