"""``attest policy schema``: the published JSON Schemas."""

from __future__ import annotations

import json

import click

from attest.cli.options import examples
from attest.policy.schema import NAMES, schema


@click.command("schema", epilog=examples("attest policy schema", "attest policy schema result"))
@click.argument("name", type=click.Choice(NAMES), default="policy")
def command(name: str) -> None:
    """Print the JSON Schema of policies, of results, or of archive records."""
    click.echo(json.dumps(schema(name), indent=2))
