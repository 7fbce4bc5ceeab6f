"""The options of a gated client, which several commands have, and the client made from them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from attest.policy.loader import load_policy
from client.address import DEFAULT_URL
from client.preflight import PreflightMode

Command = TypeVar("Command", bound=Callable[..., Any])
Made = TypeVar("Made")

API_KEY = "NOMYO_API_KEY"
"""Where the API key is taken from: a command line can be read by others."""

_OPTIONS = (
    click.option(
        "-p",
        "--policy",
        required=True,
        envvar="ATTEST_POLICY",
        help="A policy, or a folder of them.",
    ),
    click.option(
        "--policy-key",
        type=Path,
        envvar="ATTEST_POLICY_KEY",
        help="Public key in PEM that must have signed the policy.",
    ),
    click.option("--min-serial", type=click.IntRange(0), help="Least serial of the policy."),
    click.option(
        "--url", default=DEFAULT_URL, envvar="ATTEST_CHAT_URL", show_default=True, help="Server."
    ),
    click.option("--allow-http", is_flag=True, help="Let http go to another machine."),
    click.option("--pin", "pins", multiple=True, help="SHA-256 of a trusted server key, in hex."),
    click.option("--archive", help="Evidence archive; what is not recorded is not shown."),
    click.option(
        "--preflight",
        type=click.Choice([str(mode) for mode in PreflightMode]),
        default=str(PreflightMode.FIRST),
        show_default=True,
        help="When a probe is verified before a prompt leaves.",
    ),
    click.option("--key-dir", type=Path, help="Folder that keeps the client's own key."),
)


def gate_options(command: Command) -> Command:
    """Give a command the options of a gated client."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def make(kind: Callable[..., Made], arguments: dict[str, Any], **more: Any) -> Made:
    """Make a gated client from the options.

    Args:
        kind: What to make.
        arguments: Values of the options.
        more: Further arguments.

    Raises:
        AttestError: A policy, an address or an archive that cannot be used.
        ValueError: Another value that cannot be used.
    """
    named = dict(arguments)
    key, least = named.pop("policy_key"), named.pop("min_serial")
    named["policy"] = load_policy(named["policy"], verify_key=key, min_serial=least)
    return kind(
        named.pop("url"),
        api_key=os.environ.get(API_KEY) or None,
        server_key_pins=named.pop("pins"),
        **named,
        **more,
    )
