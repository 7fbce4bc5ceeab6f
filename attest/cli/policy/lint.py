"""``attest policy lint``: policy files looked over."""

from __future__ import annotations

import sys
from datetime import datetime

import click

from attest.cli.options import Moment, examples
from attest.cli.policies import demands_of, signed_options
from attest.cli.terminal import MISUSE, REFUSED, complain
from attest.errors import PolicyError
from attest.policy.lint import Finding, lint
from attest.report.sarif import render_lint


@click.command(
    "lint",
    epilog=examples(
        "attest policy lint policies/maximum.yaml",
        "attest policy lint --strict policies/",
        "attest policy lint policies/ --format sarif > lint.sarif",
        "attest policy lint maximum.dsse --policy-key public.pem",
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar="POLICY...")
@signed_options
@click.option("--strict", is_flag=True, help="Exit with 1 on warnings too.")
@click.option(
    "--at", "moment", type=Moment(), default="now", help="Moment for expiry: TIME or now."
)
@click.option(
    "--format", "form", type=click.Choice(("text", "sarif")), default="text", show_default=True
)
def command(  # noqa: PLR0913 - one parameter an option
    paths: tuple[str, ...],
    policy_key: str | None,
    min_serial: int | None,
    strict: bool,
    moment: datetime,
    form: str,
) -> None:
    """Look over policy files and directories of them.

    The exit code is 0 without findings or with warnings only, 1 with errors (with --strict any
    finding), 2 where a policy does not load.
    """
    demands = demands_of(policy_key, min_serial)
    findings: list[Finding] = []
    broken: list[PolicyError] = []
    for path in paths:
        try:
            found = lint(path, moment, demands=demands)
        except PolicyError as error:
            broken.append(error)
            complain(str(error))
            continue
        if form == "text":
            for finding in found:
                click.echo(str(finding))
        findings += found
    errors = sum(finding.severity == "error" for finding in findings)
    if form == "sarif":
        click.echo(render_lint(findings, broken), nl=False)
    else:
        click.echo(f"{errors} errors, {len(findings) - errors} warnings")
    if broken:
        sys.exit(MISUSE)
    sys.exit(REFUSED if errors or (strict and findings) else 0)
