"""``attest archive``: evidence archives verified, their heads printed, and files packed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from attest.archive.packing import PackError, pack
from attest.archive.record import GENESIS
from attest.archive.tail import head as head_of
from attest.archive.verification import Verification, verify_archive
from attest.cli.extras import needing
from attest.cli.options import HexOctets, examples
from attest.cli.terminal import MISUSE, REFUSED, complain, give_up, unreadable
from attest.errors import MalformedError

_INDENT = " " * 10


@click.group(
    "archive",
    epilog=examples(
        "attest archive verify evidence.jsonl --head HASH",
        "attest archive head evidence.jsonl",
        "attest archive pack responses/ -o shards/",
    ),
)
def command() -> None:
    """Check evidence archives, print their heads, and pack many files into few."""


@command.command(
    "verify",
    epilog=examples(
        "attest archive verify evidence.jsonl",
        "attest archive verify evidence.jsonl --head $(cat kept-elsewhere)",
        "attest archive verify --format json a.jsonl b.jsonl",
    ),
)
@click.argument("archives", nargs=-1, required=True, metavar="ARCHIVE...")
@click.option(
    "--head", type=HexOctets(), metavar="HASH", help="Head that was kept elsewhere: one archive."
)
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text")
def verify_command(archives: tuple[str, ...], head: bytes | None, form: str) -> None:
    """Find every edit, deletion and reorder inside the chain of an archive.

    That records were cut off the end, or that all was written anew, shows only with --head. The
    exit code is 0 where all is intact, 1 where a chain is broken, 2 for a wrong call or an archive
    that cannot be read.
    """
    if head is not None and len(head) != len(GENESIS) // 2:
        raise click.UsageError("--head is a SHA-256: expected 64 hex digits")
    if head is not None and len(archives) > 1:
        raise click.UsageError("--head is for one archive, there are more")
    seen: dict[str, Verification] = {}
    missed = False
    for archive in archives:
        try:
            seen[archive] = verify_archive(archive, None if head is None else head.hex())
        except (OSError, ValueError) as error:  # ValueError: a path with NUL
            missed = True
            complain(_unreadable(archive, error))
    if form == "json":
        rows = [{"archive": archive, **one.to_dict()} for archive, one in seen.items()]
        click.echo(json.dumps(rows, indent=1))
    else:
        for archive, one in seen.items():
            click.echo(_text(archive, one, anchored=head is not None))
    if missed:
        sys.exit(MISUSE)
    sys.exit(0 if all(one.intact for one in seen.values()) else REFUSED)


@command.command("head", epilog=examples("attest archive head evidence.jsonl > kept-elsewhere"))
@click.argument("archive", metavar="ARCHIVE")
def head_command(archive: str) -> None:
    """Print the hash of the last record, to be kept where nobody can change it with the archive.

    The chain is not looked at: verify first. The exit code is 0, 1 where the file does not end as
    an archive does, 2 where it cannot be read.
    """
    try:
        click.echo(head_of(archive))
    except (OSError, ValueError) as error:
        give_up(_unreadable(archive, error))
    except MalformedError as error:
        complain(f"{archive}: {error.fault}")
        sys.exit(REFUSED)


@command.command(
    "pack",
    epilog=examples(
        "attest archive pack responses/ -o shards/",
        "attest archive pack s3://bucket/responses -o shards/",
    ),
)
@click.argument("archives", nargs=-1, required=True, metavar="ARCHIVE...")
@click.option("-o", "--output", "out", required=True, metavar="OUT", help="Folder of the shards.")
def pack_command(archives: tuple[str, ...], out: str) -> None:
    """Pack files of one response each into Parquet shards, which replay reads.

    A row has a file's octets, path and SHA-256. A call that was interrupted goes on when it is made
    again. Files of another form are named and left out. The exit code is 0 where all files were
    packed, 1 where any was left out, 2 for a wrong call, a file that cannot be read, or a folder
    that holds something else.
    """
    try:
        packed = needing("attest archive pack", lambda: pack(archives, Path(out), complain))
    except PackError as error:
        give_up(str(error))
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        give_up(f"{getattr(error, 'filename', None) or out}: {getattr(error, 'strerror', error)}")
    click.echo(f"{packed.files} files in {packed.shards} shards")
    if packed.unreadable:
        sys.exit(MISUSE)
    sys.exit(REFUSED if packed.left_out else 0)


def _unreadable(archive: str, error: OSError | ValueError) -> str:
    return unreadable(archive, error) if isinstance(error, OSError) else f"{archive}: {error}"


def _text(archive: str, seen: Verification, *, anchored: bool) -> str:
    """Write a verification for a person."""
    count = f"{seen.records} records, {seen.torn} torn lines"
    if seen.intact:
        ending = f"head {seen.head}"
        if not anchored:
            ending += "; without --head, records cut off the end and a rewritten whole do not show"
        elif seen.after_head:
            ending = f"head found; {seen.after_head} records after it, for which it does not vouch"
        lines = [f"INTACT    {archive}  {count}", _INDENT + ending]
    else:
        lines = [f"BROKEN    {archive}  {count}", *(f"{_INDENT}{fault}" for fault in seen.faults)]
    if seen.more_faults:
        lines.append(f"{_INDENT}and {seen.more_faults} more")
    if seen.missing_policies:
        missing = ", ".join(seen.missing_policies)
        lines.append(f"{_INDENT}policies that are not beside the archive: {missing}")
    return "\n".join(lines)
