"""``attest verify``: saved responses in, one decision a row out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, TextIO

import click
from msgspec import Struct
from msgspec.structs import replace

from attest.cli.options import HexOctets, Moment, examples, key_options
from attest.cli.policies import demands_of, load_or_leave, signed_options
from attest.cli.rows import Progress, Row, read_rows, total_octets
from attest.cli.terminal import (
    MISUSE,
    REFUSED,
    complain,
    give_up,
    progress_of,
    unreadable,
    wants_colour,
    written_to,
)
from attest.context import Request
from attest.evidence import read_evidence
from attest.policy.model import TIERS, Policy, PolicySet
from attest.report.text import Style, render
from attest.result import AttestationResult
from attest.verify import appraise, check_request

FORMATS = ("text", "json", "jsonl", "sarif", "junit", "ear", "intoto")


class Judged(Struct, frozen=True):
    """A row and its result."""

    row: Row
    result: AttestationResult


Writer = Callable[[Iterable[Judged], TextIO], None]


class Tally:
    """What the exit code rests on."""

    def __init__(self) -> None:
        """Nothing was seen yet."""
        self.accepted = 0
        self.refused = 0
        self.unreadable = 0

    def count(self, results: Iterable[Judged]) -> Iterator[Judged]:
        """Count results on their way out."""
        for judged in results:
            if judged.result.accepted:
                self.accepted += 1
            else:
                self.refused += 1
            yield judged

    @property
    def rows(self) -> int:
        """Rows that were judged."""
        return self.accepted + self.refused

    @property
    def exit_code(self) -> int:
        """2 beats 1, and 1 beats 0; no row at all is 2."""
        if self.unreadable or not self.rows:
            return MISUSE
        return REFUSED if self.refused else 0


@click.command(
    "verify",
    epilog=examples(
        "attest verify response.json -p policies/maximum.yaml --tier maximum",
        "attest verify archive.jsonl -p policies/ --at evidence --format jsonl",
        "cat response.json | attest verify - -p policy.yaml --payload-id ID",
        "attest verify archive.jsonl -p policies/ --format sarif --output attest.sarif",
        "attest verify response.json -p policy.yaml --format ear --key key.pem",
        "attest verify response.json -p policy.dsse --policy-key policy.pem --min-serial 7",
    ),
)
@click.argument("responses", nargs=-1, required=True, metavar="RESPONSE...")
@click.option("-p", "--policy", "policy_path", required=True, help="Policy file or directory.")
@signed_options
@click.option("--payload-id", help="Id that you sent; wins over the saved one.")
@click.option(
    "--nonce", type=HexOctets(), help="Expected extraData, for policies with nonce: given."
)
@click.option("--tier", type=click.Choice(TIERS), help="Security tier that you asked for.")
@click.option(
    "--at",
    "moment",
    type=Moment(claimed=True),
    default="now",
    metavar="TIME|now|evidence",
    help="Moment for validity: RFC 3339 with zone, or what each response claims (processed_at).",
)
@click.option(
    "--cross-check",
    is_flag=True,
    help="Have libtss2 and OpenSSL judge too (extra tpm); any disagreement refuses.",
)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@key_options
@click.option("--output", metavar="FILE", help="Write results there, not to standard output.")
@click.option("--lines", is_flag=True, help="Every input has one response a line.")
def command(  # noqa: PLR0913 - one parameter an option
    responses: tuple[str, ...],
    policy_path: str,
    policy_key: str | None,
    min_serial: int | None,
    payload_id: str | None,
    nonce: bytes | None,
    tier: str | None,
    moment: datetime | None,
    cross_check: bool,
    form: str,
    key: str | None,
    ear_profile: str | None,
    output: str | None,
    lines: bool,
) -> None:
    """Judge saved responses against a golden-value policy.

    RESPONSE is a JSON file, a .jsonl file with one response a line, or - for standard input.
    The exit code is 0 where all are accepted, 1 where any is refused, 2 for a wrong call, a policy
    that does not load or a file that cannot be read.
    """
    policy = load_or_leave(policy_path, demands_of(policy_key, min_serial))
    request = _checked(policy, Request(payload_id, nonce, tier, moment, cross_check))
    write = _writer_of(form, key, ear_profile)
    tally = Tally()
    quiet = output is None and sys.stdout.isatty()
    with progress_of(total_octets(responses), quiet=quiet) as progress:
        rows = _all_rows(responses, lines, progress, tally)
        if payload_id is not None or nonce is not None:
            rows = _only_one(rows)
        results = tally.count(_judged(rows, policy, request))
        with written_to(output) as stream:
            write(results, stream)
            if form == "text" and tally.rows > 1:
                stream.write(f"{tally.accepted} accepted, {tally.refused} refused\n")
    if not tally.rows and not tally.unreadable:
        give_up("no response to verify")
    sys.exit(tally.exit_code)


def _checked(policy: Policy | PolicySet, request: Request) -> Request:
    """Leave where the expectations do not fit the policy."""
    try:
        check_request(policy, request)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return request


def _all_rows(
    sources: tuple[str, ...], lines: bool, progress: Progress, tally: Tally
) -> Iterator[Row]:
    """Read all sources in order; name those that cannot be read, and go on."""
    for source in sources:
        try:
            yield from read_rows(source, lines=lines, progress=progress)
        except OSError as error:
            tally.unreadable += 1
            complain(unreadable(source, error))


def _only_one(rows: Iterator[Row]) -> Iterator[Row]:
    """Leave where there are several rows for one id or nonce."""
    seen = list(islice(rows, 2))
    if len(seen) > 1:
        raise click.UsageError("--payload-id and --nonce are for one response, there are more")
    return iter(seen)


def _judged(rows: Iterable[Row], policy: Policy | PolicySet, request: Request) -> Iterator[Judged]:
    """Judge row by row, so that no more than one is held."""
    for row in rows:
        evidence = read_evidence(row.octets)
        asked = request if request.at is not None else replace(request, at=evidence.claimed_at)
        yield Judged(row, appraise(evidence, policy, asked))


def _writer_of(form: str, key: str | None, profile: str | None) -> Writer:
    """Return what writes results in a format; without its key a signed format is a wrong call."""
    if form == "text" and key is None and profile is None:
        return _write_text
    from attest.cli.exchange import exchange_writer  # noqa: PLC0415 - for all but one of the formats

    exchanged = exchange_writer(form, key, profile)

    def write(results: Iterable[Judged], stream: TextIO) -> None:
        exchanged(map(_published, results), stream)

    return write


def _write_text(results: Iterable[Judged], stream: TextIO) -> None:
    style = Style(colour=wants_colour(stream))
    for judged in results:
        row = judged.row
        number = None if row.alone else row.number
        stream.write(render(judged.result, row.source, number, style) + "\n")


def _published(judged: Judged) -> dict[str, Any]:
    """Return a result in the JSON shape of the contract."""
    return judged.result.to_dict(judged.row.source, judged.row.number)
