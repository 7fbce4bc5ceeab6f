"""Policies as commands take them: what is demanded of signed ones, and loading or leaving."""

from __future__ import annotations

from pathlib import Path

import click

from attest.cli.options import Command
from attest.cli.terminal import give_up, unreadable
from attest.errors import PolicyError
from attest.policy.loader import load_policy
from attest.policy.model import Policy, PolicySet
from attest.policy.origin import NO_DEMANDS, Demands
from attest.policy.scalars import MAX_SERIAL
from attest.policy.signed import read_key

_SIGNED = (
    click.option(
        "--policy-key",
        metavar="FILE",
        help="Public key in PEM that must have signed the policy; an unsigned one is refused.",
    ),
    click.option(
        "--min-serial",
        type=click.IntRange(0, MAX_SERIAL),
        help="Least serial of the policy; an older edition is refused.",
    ),
)


def signed_options(command: Command) -> Command:
    """Give a command the options ``--policy-key`` and ``--min-serial``."""
    for option in reversed(_SIGNED):
        command = option(command)
    return command


def demands_of(policy_key: str | None, min_serial: int | None) -> Demands:
    """Take what the options demand of policies, the key read once; or leave with exit code 2."""
    try:
        return Demands(None if policy_key is None else read_key(policy_key), min_serial)
    except PolicyError as error:
        give_up(str(error))


def load_or_leave(path: str, demands: Demands = NO_DEMANDS) -> Policy | PolicySet:
    """Load a policy, or leave with exit code 2."""
    try:
        return load_policy(path, verify_key=demands.verify_key, min_serial=demands.min_serial)
    except PolicyError as error:
        give_up(str(error))


def write_new(output: str, text: str) -> None:
    """Write a file that is not there yet, or to standard output; else leave with exit code 2."""
    if output == "-":
        click.echo(text, nl=False)
        return
    try:
        with Path(output).open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        give_up(f"{output}: is there already, and is never written over")
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        give_up(unreadable(output, error) if isinstance(error, OSError) else f"{output}: {error}")
