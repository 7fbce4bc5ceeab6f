"""Option values as the commands want them: places, octets from hex, moments with a zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click

from attest.verify import check_moment

Command = TypeVar("Command", bound=Callable[..., Any])
"""A command, as what gives it options takes and returns it."""

EAR_PROFILES = ("ietf", "veraison", "trustee")
CLAIMED = "evidence"
"""``--at evidence``: the moment that each response claims for itself."""


def examples(*lines: str) -> str:
    """Return an epilog that shows calls, each on a line of its own."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def key_options(command: Command) -> Command:
    """Give a command the options of what signs, and of EAR's names."""
    command = click.option(
        "--ear-profile",
        type=click.Choice(EAR_PROFILES),
        help="Names of EAR's claims.  [default: ietf]",
    )(command)
    return click.option(
        "--key",
        metavar="FILE|hsm:ID",
        help="What signs ear and intoto: a private key in PEM, or for intoto one on a PKCS#11 "
        "token. ATTEST_KEY_PASSWORD holds its password or PIN.",
    )(command)


class Place(click.ParamType[str]):
    """A file or a folder: any path but an empty one, which would mean the current folder."""

    name = "PATH"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Take the path as it stands, or fail as a usage error."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return str(value)


class HexOctets(click.ParamType[bytes]):
    """Octets in hex: either case, no prefix, no spaces."""

    name = "HEX"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> bytes:
        """Decode, or fail as a usage error."""
        if isinstance(value, bytes):
            return value
        text = str(value)
        try:
            octets = bytes.fromhex(text)
        except ValueError:
            self.fail("expected hex digits", param, ctx)
        if 2 * len(octets) != len(text):
            self.fail("expected hex digits without spaces", param, ctx)
        return octets


class Moment(click.ParamType[datetime | None]):
    """A moment: RFC 3339 with a zone, or ``now``; with ``claimed`` also ``evidence``, as None."""

    name = "TIME"

    def __init__(self, *, claimed: bool = False) -> None:
        """Allow ``evidence`` or not."""
        self._claimed = claimed

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime | None:
        """Read the moment, or fail as a usage error."""
        if isinstance(value, datetime):
            return value
        if value == "now":
            return datetime.now(UTC)
        if value == CLAIMED and self._claimed:
            return None
        words = "now or evidence" if self._claimed else "or now"
        try:
            moment = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no time: expected RFC 3339, {words}", param, ctx)
        try:
            check_moment(moment)
        except ValueError as error:
            self.fail(f"{value!r}: {error}", param, ctx)
        return moment
