"""The command ``attest``: prints, reads clock and files, and sets exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from attest.cli.options import examples
from attest.cli.terminal import REFUSED, complain, escape_output
from attest.version import __version__

_COMMANDS = {
    "verify": "attest.cli.verify",
    "inspect": "attest.cli.inspect",
    "policy": "attest.cli.policy",
    "archive": "attest.cli.archive",
}
_HELP = {
    "verify": "Judge saved responses against a policy.",
    "inspect": "Show every structure of a response, decoded.",
    "policy": "Check policy files, and print their schemas.",
    "archive": "Check evidence archives, and print their heads.",
}


class _LazyGroup(click.Group):
    """A group that imports a command only where it is called."""

    def main(  # type: ignore[override]  # click overloads it for what it returns
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run a command; a wrong call is one line on standard error."""
        escape_output()
        standalone = extra.pop("standalone_mode", True)
        try:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.ClickException as error:
            complain(" ".join(error.format_message().split()))
            code = error.exit_code
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = REFUSED
        return sys.exit(code) if standalone else code

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Name the commands, in the order in which a user meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a command."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_HELP.items()))


@click.group(
    cls=_LazyGroup,
    epilog=examples(
        "attest verify response.json -p policies/maximum.yaml",
        "attest inspect response.json",
        "attest policy lint policies/maximum.yaml",
    ),
)
@click.version_option(__version__, prog_name="tpm-attest")
def main() -> None:
    """Verify TPM attestation in confidential-inference responses."""
