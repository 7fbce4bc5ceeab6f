"""The exchange formats of the command: which key each takes, and how it is written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TextIO

import click

from attest.cli.terminal import complain, give_up
from attest.errors import SigningError
from attest.report.published import Published, place_of

PASSWORD = "ATTEST_KEY_PASSWORD"
"""Environment variable with the password of a key's file, or the PIN of its token."""

ExchangeWriter = Callable[[Iterable[Published], TextIO], None]

_SIGNED = ("ear", "intoto")
_IN_MEMORY = 1024 * 1024
"""Characters of a document's body that are held before they go to a file."""


def exchange_writer(form: str, key: str | None, profile: str | None) -> ExchangeWriter:
    """Return what writes results in an exchange format.

    Args:
        form: Name of the format.
        key: Where the signing key is.
        profile: Name of the EAR profile; None: the default.

    Raises:
        click.UsageError: The options do not fit the format.
        SystemExit: The key does not sign.
    """
    if form != "ear" and profile is not None:
        raise click.UsageError("--ear-profile is for --format ear alone")
    if form not in _SIGNED and key is not None:
        raise click.UsageError("--key is for --format ear and --format intoto")
    if form in _UNSIGNED:
        return _UNSIGNED[form]
    if key is None:
        raise click.UsageError(
            f"--format {form} is signed, and never written unsigned: needs --key"
        )
    try:
        return _ear_writer(key, profile) if form == "ear" else _intoto_writer(key)
    except SigningError as error:
        give_up(str(error))


def _write_sarif(results: Iterable[Published], stream: TextIO) -> None:
    from attest.report.sarif import render  # noqa: PLC0415 - for one format

    stream.write(render(results))


def _write_junit(results: Iterable[Published], stream: TextIO) -> None:
    """Write the cases to a file of their own first, since a suite begins with its numbers."""
    from shutil import copyfileobj  # noqa: PLC0415 - for one format
    from tempfile import SpooledTemporaryFile  # noqa: PLC0415 - likewise

    from attest.report.junit import CLOSING, RESULTS, Numbers, cases_of  # noqa: PLC0415 - likewise

    numbers = Numbers()
    with SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="ascii", newline="") as cases:
        for case in numbers.written(cases_of(results)):
            cases.write(case)  # its writelines would hold them all
        cases.seek(0)
        stream.write(numbers.opening(RESULTS))
        copyfileobj(cases, stream)
    stream.write(CLOSING)


def _write_prometheus(results: Iterable[Published], stream: TextIO) -> None:
    from attest.report.prometheus import render  # noqa: PLC0415 - for one format

    stream.write(render(results))


def _write_oscal(results: Iterable[Published], stream: TextIO) -> None:
    from attest.report.oscal import render  # noqa: PLC0415 - for one format

    stream.write(render(results, datetime.now(UTC)))


def _write_ocsf(results: Iterable[Published], stream: TextIO) -> None:
    """Write a finding a line."""
    from attest.report.ocsf import finding  # noqa: PLC0415 - for one format

    now = datetime.now(UTC)
    stream.writelines(json.dumps(finding(result, now)) + "\n" for result in results)


def _write_jsonl(results: Iterable[Published], stream: TextIO) -> None:
    """Write a result a line, in ASCII, so that no text in it can act on a terminal."""
    stream.writelines(json.dumps(result) + "\n" for result in results)


def _write_json(results: Iterable[Published], stream: TextIO) -> None:
    """Write an array, and hold no more than one result of it."""
    opening = "[\n"
    for result in results:
        stream.write(opening + json.dumps(result, indent=1))
        opening = ",\n"
    stream.write("[]\n" if opening == "[\n" else "\n]\n")


_UNSIGNED: dict[str, ExchangeWriter] = {
    "json": _write_json,
    "jsonl": _write_jsonl,
    "sarif": _write_sarif,
    "junit": _write_junit,
    "oscal": _write_oscal,
    "ocsf": _write_ocsf,
    "prometheus": _write_prometheus,
}
"""The formats that no key signs."""


def _ear_writer(place: str, name: str | None) -> ExchangeWriter:
    """Write a token a line, each signed as its result comes."""
    from attest.report.ear import PROFILES, claims  # noqa: PLC0415 - for one format
    from attest.signing import load_jwt_key  # noqa: PLC0415 - for two formats

    key = load_jwt_key(place, os.environ.get(PASSWORD))
    profile = PROFILES[name or "ietf"]

    def write(results: Iterable[Published], stream: TextIO) -> None:
        stream.writelines(
            key.sign(claims(result, datetime.now(UTC), profile)) + "\n" for result in results
        )

    return write


def _intoto_writer(place: str) -> ExchangeWriter:
    """Write an envelope a line, each signed as its result comes (an in-toto bundle)."""
    from attest.report.intoto import PAYLOAD_TYPE, statement  # noqa: PLC0415 - for one format
    from attest.signing import load_dsse_key  # noqa: PLC0415 - for two formats

    key = load_dsse_key(place, os.environ.get(PASSWORD))

    def write(results: Iterable[Published], stream: TextIO) -> None:
        for result in results:
            payload = statement(result, datetime.now(UTC))
            if payload is None:
                complain(
                    f"{place_of(result)}: no statement, for there is no evidence to name in it"
                )
                continue
            try:
                stream.write(key.sign(payload, PAYLOAD_TYPE) + "\n")
            except SigningError as error:
                give_up(str(error))

    return write
