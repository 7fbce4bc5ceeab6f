"""``attest inspect``: one response, every structure decoded for a person."""

from __future__ import annotations

import json
from itertools import islice

import click

from attest.cli.options import examples
from attest.cli.rows import ignore, read_rows
from attest.cli.terminal import give_up, unreadable
from attest.document import read_document
from attest.errors import MalformedError
from attest.evidence import evidence_of
from attest.report.inspection import inspect_evidence, render, to_dict


@click.command(
    "inspect",
    epilog=examples(
        "attest inspect response.json", "attest inspect - --format json < response.json"
    ),
)
@click.argument("response", metavar="RESPONSE")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
def command(response: str, form: str) -> None:
    """Show every structure of a response, decoded.

    Nothing is judged: a forged quote is shown as it claims to be. The exit code is 0, or 2 where
    the file cannot be read or is no JSON object.
    """
    try:
        rows = list(islice(read_rows(response, lines=False, progress=ignore), 2))
        if len(rows) != 1:
            give_up(f"{response}: {'several responses' if rows else 'no response'}, expected one")
        document = read_document(rows[0].octets)
    except OSError as error:
        give_up(unreadable(response, error))
    except MalformedError as error:
        give_up(f"{response}: {error}")
    sections = inspect_evidence(evidence_of(document))
    click.echo(json.dumps(to_dict(sections), indent=2) if form == "json" else render(sections))
