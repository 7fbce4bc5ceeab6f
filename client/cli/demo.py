"""``attest-chat demo``: one answer accepted and one refused, by a server of its own."""

from __future__ import annotations

import click

from attest.cli.options import examples
from attest.cli.terminal import MISUSE, REFUSED, complain
from attest.errors import AttestError
from client.cli import PROGRAM
from client.cli.ask import content_of, explain, printable
from client.completion import SyncSecureChatCompletion
from client.demo import POLICY
from client.errors import AttestationRefused
from client.extras import needs_serve

PROMPT = "What is attested here?"
TIER = "maximum"
_KEY_BITS = 2048  # quick to make; the server lives for one answer


@click.command(name="demo", epilog=examples("attest-chat demo"))
def command() -> int:
    """Ask a server of its own twice: an honest one, and one whose PCR 7 is not golden.

    The evidence is simulated by a software signer. The exit code is 0 where the first answer is
    accepted and the second refused.
    """
    try:
        answered = _asked("An honest server")
        refused = not _asked("A server with another Secure Boot state", "wrong-pcr")
    except ModuleNotFoundError as error:
        complain(needs_serve(f"{PROGRAM} demo", error), PROGRAM)
        return MISUSE
    except AttestError as error:
        complain(str(error), PROGRAM)
        return MISUSE
    return 0 if answered and refused else REFUSED


def _asked(title: str, *misbehave: str) -> bool:
    """Ask a server; print what came of it, and return whether it answered."""
    from client.demo.running import serving  # noqa: PLC0415 - an extra
    from client.demo.service import Options  # noqa: PLC0415 - with it

    click.echo(f"## {title}\n")
    with (
        serving(Options(key_bits=_KEY_BITS, misbehave=misbehave)) as server,
        SyncSecureChatCompletion(server.url, policy=POLICY) as chat,
    ):
        try:
            message = {"role": "user", "content": PROMPT}
            response = chat.create("demo", [message], security_tier=TIER)
        except AttestationRefused as refusal:
            explain(refusal, server.url)
            return False
        explain(response.attestation, server.url)
        click.echo(f"{printable(content_of(response))}\n")
        return True
