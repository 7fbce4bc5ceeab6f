"""``attest export``: the results of a run in, one of the exchange formats out."""

from __future__ import annotations

import click

from attest.cli.ended import one_line, open_run
from attest.cli.exchange import exchange_writer
from attest.cli.extras import needing
from attest.cli.options import Place, examples, key_options
from attest.cli.terminal import written_to

FORMATS = ("json", "jsonl", "sarif", "junit", "ear", "intoto", "oscal", "ocsf", "prometheus")


@click.command(
    "export",
    epilog=examples(
        "attest export out/ --format sarif --output attest.sarif",
        "attest export out/ --format ocsf --output findings.jsonl",
        "attest export out/ --format ear --key key.pem --output tokens.jwt",
    ),
)
@click.argument("out", type=Place(), metavar="OUT")
@click.option("--format", "form", type=click.Choice(FORMATS), required=True)
@key_options
@click.option("--output", metavar="FILE", help="Write there, not to standard output.")
def command(
    out: str, form: str, key: str | None, ear_profile: str | None, output: str | None
) -> None:
    """Write the results of a replay in a format of another system.

    OUT is the folder of a run that ended. Malformed rows are refused results. The exit code is 0
    where all was written, and 2 for a wrong call, a folder without a run that ended, or parts that
    were changed after the run.
    """
    write = exchange_writer(form, key, ear_profile)
    with one_line("output"):
        run = needing("attest export", lambda: open_run(out))
        from attest.replay.published import results  # noqa: PLC0415 - an extra, slow to import

        with written_to(output) as stream:
            write(results(run), stream)
