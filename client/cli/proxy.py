"""``attest-chat proxy``: OpenAI's interface on this machine, for clients in any language."""

from __future__ import annotations

import os
from typing import Any

import click

from attest.cli.options import examples
from attest.cli.terminal import MISUSE, complain
from attest.errors import AttestError
from attest.policy.model import TIERS
from client.chat_api import STREAMING
from client.cli import PROGRAM
from client.cli.gating import gate_options, make
from client.extras import needs_serve
from client.listening import listen_on, url_of
from client.transport import AsyncAttestedTransport

TOKEN = "ATTEST_PROXY_TOKEN"


@click.command(
    name="proxy",
    epilog=examples(
        "attest-chat proxy -p policies/maximum.yaml --tier maximum",
        "ATTEST_PROXY_TOKEN=... attest-chat proxy --listen 0.0.0.0:8181 -p policies/maximum.yaml",
    ),
)
@click.option(
    "--listen",
    default="127.0.0.1:8181",
    metavar="HOST:PORT",
    show_default=True,
    help="localhost or an IP address; another than loopback only with a token.",
)
@click.option("--tier", type=click.Choice(TIERS), help="Tier of requests that name none.")
@click.option(
    "--stream",
    type=click.Choice(STREAMING),
    default=STREAMING[0],
    show_default=True,
    help="What becomes of stream=true: buffer verifies the whole answer before the first chunk.",
)
@gate_options
def command(listen: str, tier: str | None, stream: str, **arguments: Any) -> int:
    """Serve OpenAI's chat completions on this machine, each verified or refused with status 424.

    The bearer token that clients must have is taken from ATTEST_PROXY_TOKEN; without one, only this
    machine is answered. The API key is taken from NOMYO_API_KEY; without it, and without a token,
    from each request. The exit code is 0 after SIGINT or SIGTERM, 2 where it cannot start.
    """
    token = os.environ.get(TOKEN) or None
    try:
        transport = make(AsyncAttestedTransport, arguments, stream=stream, security_tier=tier)
        _serve(transport, listen, token)
    except ModuleNotFoundError as error:
        complain(needs_serve(f"{PROGRAM} proxy", error), PROGRAM)
        return MISUSE
    except (AttestError, ValueError, OSError) as error:
        complain(str(error), PROGRAM)
        return MISUSE
    return 0


def _serve(transport: AsyncAttestedTransport, listen: str, token: str | None) -> None:
    """Serve until SIGINT or SIGTERM; answers under way are finished."""
    from client.proxy import proxy_app  # noqa: PLC0415 - an extra
    from client.serving import Server  # noqa: PLC0415 - with it

    app = proxy_app(transport, token=token)
    try:
        listening = listen_on(listen, allow_remote=token is not None)
    except ValueError as error:
        said = str(error).replace("--allow-remote", f"a token in {TOKEN}")
        raise ValueError(said) from error
    with listening:
        server = Server(
            app, lambda: click.echo(f"listening on {url_of(listening)}/v1"), lifespan="on"
        )
        server.run(sockets=[listening])
