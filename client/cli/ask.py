"""``attest-chat PROMPT``: one completion, printed where the server's hardware was verified."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from attest.cli.options import examples
from attest.cli.terminal import MISUSE, REFUSED, complain, wants_colour
from attest.errors import AttestError, EvidenceWriteError
from attest.policy.model import TIERS
from attest.report.text import Style, render
from attest.result import AttestationResult
from attest.text import shown
from client.address import DEFAULT_URL
from client.cli import PROGRAM
from client.completion import SyncSecureChatCompletion
from client.errors import AttestationRefused, SecurityError
from client.preflight import PreflightMode
from client.response import AttestedResponse

DEFAULT_MODEL = "Qwen/Qwen3-0.6B"
API_KEY = "NOMYO_API_KEY"


@click.command(
    name="ask",
    epilog=examples(
        'attest-chat -p policies/maximum.yaml --tier maximum "What is attested here?"',
        "attest-chat -p policies/ --archive evidence.jsonl - < prompt.txt",
    ),
)
@click.argument("prompt")
@click.option(
    "-p", "--policy", required=True, envvar="ATTEST_POLICY", help="A policy, or a folder of them."
)
@click.option("--tier", type=click.Choice(TIERS), help="Security tier to ask for.")
@click.option("--model", default=DEFAULT_MODEL, envvar="ATTEST_CHAT_MODEL", show_default=True)
@click.option("--url", default=DEFAULT_URL, envvar="ATTEST_CHAT_URL", show_default=True)
@click.option("--allow-http", is_flag=True, help="Let http go to another machine than this one.")
@click.option("--pin", "pins", multiple=True, help="SHA-256 of a trusted server key, in hex.")
@click.option("--archive", help="Evidence archive: a record is durable before an answer is shown.")
@click.option(
    "--preflight",
    type=click.Choice([str(mode) for mode in PreflightMode]),
    default=str(PreflightMode.FIRST),
    show_default=True,
    help="When a probe is verified before the prompt leaves.",
)
@click.option("--key-dir", type=Path, help="Folder that keeps the client's own key.")
def command(prompt: str, tier: str | None, model: str, url: str, **arguments: object) -> int:
    """Ask for a completion, and print it where the server's hardware was verified.

    PROMPT is the text, or - for standard input. An API key is taken from NOMYO_API_KEY.

    Exit code: 0 answered, 1 refused, 2 a wrong call, a policy that does not load, or a server that
    cannot be reached.
    """
    text = sys.stdin.read() if prompt == "-" else prompt
    try:
        chat = _chat(url, **arguments)
    except (AttestError, ValueError) as error:
        complain(str(error), PROGRAM)
        return MISUSE
    with chat:
        return _answered(chat, url, tier, (model, text))


def _chat(url: str, **arguments: object) -> SyncSecureChatCompletion:
    """Make the client."""
    return SyncSecureChatCompletion(
        url,
        api_key=os.environ.get(API_KEY) or None,
        server_key_pins=arguments.pop("pins"),  # type: ignore[arg-type]  # click made them
        **arguments,  # type: ignore[arg-type]
    )


def _answered(
    chat: SyncSecureChatCompletion, url: str, tier: str | None, asked: tuple[str, str]
) -> int:
    """Ask, print, and return the exit code."""
    model, text = asked
    message = {"role": "user", "content": text}
    try:
        response = chat.create(model, [message], security_tier=tier)
    except AttestationRefused as refusal:
        explain(refusal.result, url)
        if not refusal.prompt_sent:
            click.echo("          the prompt was not sent", err=True)
        return REFUSED
    except (EvidenceWriteError, SecurityError) as error:
        complain(str(error), PROGRAM)
        return REFUSED
    except (AttestError, ValueError) as error:
        complain(str(error), PROGRAM)
        return MISUSE
    explain(response.attestation, url)
    click.echo(printable(content_of(response)))
    return 0


def explain(result: AttestationResult, url: str) -> None:
    """Print a result on standard error, as ``attest verify`` does."""
    click.echo(render(result, url, style=Style(colour=wants_colour(sys.stderr))), err=True)


def content_of(response: AttestedResponse) -> str:
    """Return the text of the first choice, empty where there is none."""
    try:
        content = response["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        return ""
    return content if isinstance(content, str) else ""


def printable(text: str) -> str:
    """Escape what a terminal could act on, line by line."""
    if not sys.stdout.isatty():
        return text
    return "\n".join(shown(line, len(line)) for line in text.split("\n"))
