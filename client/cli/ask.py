"""``attest-chat PROMPT``: one completion, printed where the server's hardware was verified."""

from __future__ import annotations

import sys
from typing import Any

import click

from attest.cli.options import examples
from attest.cli.terminal import MISUSE, REFUSED, complain, wants_colour
from attest.errors import AttestError, EvidenceWriteError
from attest.policy.model import TIERS
from attest.report.text import INDENT, Style, render
from attest.result import AttestationResult
from attest.text import shown
from client.cli import PROGRAM
from client.cli.gating import gate_options, make
from client.completion import SyncSecureChatCompletion
from client.errors import AttestationRefused, SecurityError
from client.response import AttestedResponse

DEFAULT_MODEL = "Qwen/Qwen3-0.6B"


@click.command(
    name="ask",
    epilog=examples(
        'attest-chat -p policies/maximum.yaml --tier maximum "What is attested here?"',
        "attest-chat -p policies/ --archive evidence.jsonl - < prompt.txt",
    ),
)
@click.argument("prompt")
@click.option("--tier", type=click.Choice(TIERS), help="Security tier to ask for.")
@click.option("--model", default=DEFAULT_MODEL, envvar="ATTEST_CHAT_MODEL", show_default=True)
@gate_options
def command(prompt: str, tier: str | None, model: str, **arguments: Any) -> int:
    """Ask for a completion, and print it where the server's hardware was verified.

    PROMPT is the text, or - for standard input. An API key is taken from NOMYO_API_KEY.

    Exit code: 0 answered, 1 refused, 2 a wrong call, a policy that does not load, or a server that
    cannot be reached.
    """
    try:
        text = sys.stdin.read() if prompt == "-" else prompt
        chat = make(SyncSecureChatCompletion, arguments)
    except (AttestError, ValueError) as error:
        complain(str(error), PROGRAM)
        return MISUSE
    with chat:
        return _answered(chat, arguments["url"], tier, (model, text))


def _answered(
    chat: SyncSecureChatCompletion, url: str, tier: str | None, asked: tuple[str, str]
) -> int:
    """Ask, print, and return the exit code."""
    model, text = asked
    message = {"role": "user", "content": text}
    try:
        response = chat.create(model, [message], security_tier=tier)
    except AttestationRefused as refusal:
        explain(refusal, url)
        return REFUSED
    except (EvidenceWriteError, SecurityError) as error:
        complain(str(error), PROGRAM)
        return REFUSED
    except (AttestError, ValueError) as error:
        complain(str(error), PROGRAM)
        return MISUSE
    explain(response.attestation, url)
    click.echo(printable(content_of(response)), color=True)  # or click takes escapes out
    return 0


def explain(judged: AttestationResult | AttestationRefused, url: str) -> None:
    """Print a result or a refusal on standard error, as ``attest verify`` does."""
    result = judged.result if isinstance(judged, AttestationRefused) else judged
    click.echo(render(result, url, style=Style(colour=wants_colour(sys.stderr))), err=True)
    if isinstance(judged, AttestationRefused) and not judged.prompt_sent:
        click.echo(f"{INDENT}the prompt was not sent", err=True)


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
