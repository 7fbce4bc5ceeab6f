"""The command ``attest-chat``: a prompt through the gate, and what goes with it."""

from __future__ import annotations

import click

from attest.cli.lazy import Lazy, LazyGroup
from attest.cli.options import examples
from attest.version import __version__

PROGRAM = "attest-chat"
_ASK = "ask"
_COMMANDS = {
    _ASK: Lazy("client.cli.ask", "Ask for a completion; what is no command is a prompt."),
    "demo": Lazy("client.cli.demo", "One answer accepted, one refused, by a server of its own."),
    "serve": Lazy("client.demo.command", "Serve the protocol with canned answers, for trying."),
    "proxy": Lazy("client.cli.proxy", "A local endpoint of OpenAI's interface, gated."),
}


class _PromptGroup(LazyGroup):
    """A group in which whatever names no command belongs to ``ask``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``ask`` before what names no command."""
        if args and args[0] not in _COMMANDS and args not in (["--help"], ["--version"]):
            args = [_ASK, *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_PromptGroup,
    program=PROGRAM,
    lazy=_COMMANDS,
    epilog=examples(
        'attest-chat -p policies/maximum.yaml --tier maximum "What is attested here?"',
        "attest-chat demo",
        "attest-chat serve --listen 127.0.0.1:8080 --tpm simulated",
    ),
)
@click.version_option(__version__, prog_name="tpm-attest")
def main() -> None:
    """Ask a confidential-inference server, and print what a verified machine answered."""
