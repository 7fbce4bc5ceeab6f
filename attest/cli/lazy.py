"""A command of commands that imports each only where it is called; errors are one line each."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import click

from attest.cli.terminal import MISUSE, REFUSED, complain, escape_output, unreadable


class Lazy(NamedTuple):
    """A command that is not imported yet.

    Attributes:
        module: Where its ``command`` stands.
        help: What it does, in one line.
    """

    module: str
    help: str


def _written(command: Callable[[], Any]) -> Any:
    """Run a command until all that it prints is out; return its exit code."""
    try:
        code = command()
    except SystemExit as end:
        code = end.code
    sys.stdout.flush()
    return code


def _write_no_more() -> None:
    """Let the rest of standard output go nowhere, so that leaving does not fail on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class LazyGroup(click.Group):
    """A group that imports a command only where it is called."""

    def __init__(
        self, *args: Any, program: str, lazy: Mapping[str, Lazy], **attributes: Any
    ) -> None:
        """Name the commands, in the order in which a user meets them."""
        super().__init__(*args, **attributes)
        self._program = program
        self._lazy = dict(lazy)

    def main(  # type: ignore[override]  # click overloads it for what it returns
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Any:
        """Run a command; a wrong call, or output that cannot be written, is one line of error."""
        escape_output()
        standalone = extra.pop("standalone_mode", True)
        try:
            code = _written(partial(super().main, args, prog_name, standalone_mode=False, **extra))
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
        except click.ClickException as error:
            complain(" ".join(error.format_message().split()), self._program)
            code = error.exit_code
        except BrokenPipeError:
            _write_no_more()
            code = REFUSED
        except OSError as error:  # of the output alone: inputs are read where they are named
            _write_no_more()
            complain(unreadable(error.filename or "output", error), self._program)
            code = MISUSE
        return sys.exit(code) if standalone else code

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Name the commands."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the module of a command."""
        found = self._lazy.get(cmd_name)
        if found is None:
            return None
        command: click.Command = import_module(found.module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self._lazy.items()])
