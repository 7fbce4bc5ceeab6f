"""``attest-chat serve``: the embedded server in the foreground."""

from __future__ import annotations

from typing import NoReturn, cast

import click

from attest.cli.options import examples
from attest.cli.terminal import MISUSE
from attest.text import shown
from client.demo import POLICY
from client.demo.evidence import AIK_KINDS, AikKind
from client.demo.misbehaviour import MISBEHAVIOURS, choose
from client.demo.service import KEY_BITS, TPMS, Options, Tpm
from client.extras import needs_serve

NEEDS_TPM = "attest-chat serve --tpm swtpm needs: pip install 'tpm-attest[tpm]'"

_MOST_OF_AN_ERROR = 2000
_SAID = {
    "simulated": "evidence by a software signer, simulated: no TPM",
    "swtpm": "evidence by swtpm, a TPM in software",
    "none": "no TPM",
}


class _Misbehaviour(click.ParamType[str]):
    """The name of a misbehaviour, and the requests that it is for."""

    name = "NAME"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """Look the name up, or fail as a usage error."""
        text = str(value)
        try:
            choose(text)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return text


def _epilog() -> str:
    calls = examples(
        "attest-chat serve --listen 127.0.0.1:8000 --tpm simulated",
        "attest-chat serve --listen 127.0.0.1:0 --tpm swtpm",
        "attest-chat serve --misbehave wrong-pcr",
        "attest-chat serve --misbehave status-503/3 --misbehave tampered-tag@2",
    )
    width = max(map(len, MISBEHAVIOURS))
    lines = (f"  {name:{width}}  {act.says}" for name, act in MISBEHAVIOURS.items())
    return "\n".join((calls, "", "\b", "Misbehaviour:", *lines))


@click.command("serve", epilog=_epilog())
@click.option(
    "--listen",
    default="127.0.0.1:8000",
    metavar="HOST:PORT",
    show_default=True,
    help="localhost or an IP address; port 0 takes a free one.",
)
@click.option(
    "--tpm",
    type=click.Choice(TPMS),
    default="simulated",
    show_default=True,
    help="Where evidence comes from: a software signer, a real swtpm, or a machine without a TPM.",
)
@click.option(
    "--aik", type=click.Choice(AIK_KINDS), default="ecc", help="Keys of the software signer."
)
@click.option(
    "--key-bits",
    type=click.Choice([str(bits) for bits in KEY_BITS]),
    default="4096",
    show_default=True,
    help="RSA key of the server, made anew.",
)
@click.option(
    "--misbehave",
    type=_Misbehaviour(),
    multiple=True,
    metavar="NAME[@N|/N]",
    help="For every request, the N-th only, or every N-th. May be repeated.",
)
@click.option("--allow-remote", is_flag=True, help="Let --listen be another address than loopback.")
def command(  # noqa: PLR0913 - one for each option
    *,
    listen: str,
    tpm: str,
    aik: str,
    key_bits: str,
    misbehave: tuple[str, ...],
    allow_remote: bool,
) -> None:
    """Run the server of the demonstration until it is interrupted.

    It speaks the protocol, answers with canned words, and misbehaves only as these options say.
    What it proves is nothing. The exit code is 0 after SIGINT or SIGTERM, 2 where it cannot start.
    """
    options = Options(
        tpm=cast("Tpm", tpm),
        aik=cast("AikKind", aik),
        key_bits=int(key_bits),
        misbehave=misbehave,
    )
    try:
        _run(options, listen, allow_remote=allow_remote)
    except ModuleNotFoundError as error:
        _give_up(_needed(error))
    except (ValueError, OSError) as error:
        _give_up(str(error))


def _run(options: Options, listen: str, *, allow_remote: bool) -> None:
    """Serve; what speaks HTTP is an extra, and is imported only here."""
    from client.demo.running import Running, serve  # noqa: PLC0415 - an extra
    from client.demo.swtpm import SwtpmError  # noqa: PLC0415 - with it

    def announce(running: Running) -> None:
        click.echo("\n".join(announcement(options, running.url)))

    try:
        serve(options, listen, announce, allow_remote=allow_remote)
    except SwtpmError as error:
        _give_up(str(error))


def announcement(options: Options, url: str) -> list[str]:
    """Return what is printed once the server answers: where, by what, and with which lies."""
    said = [f"listening on {url} ({_SAID[options.tpm]})", f"policy for it: {POLICY}"]
    return said + [f"misbehaves: {name}" for name in options.misbehave]


def _needed(error: ModuleNotFoundError) -> str:
    """Say which extra brings a module that is missing; a module of ours is a bug, and stays one."""
    if error.name == "attest.collect" or (error.name or "").partition(".")[0] == "tpm2_pytss":
        return NEEDS_TPM
    return needs_serve("attest-chat serve", error)


def _give_up(message: str) -> NoReturn:
    """Print an error on one line, and leave with exit code 2."""
    click.echo(f"attest-chat: {shown(message, _MOST_OF_AN_ERROR)}", err=True)
    raise SystemExit(MISUSE)
