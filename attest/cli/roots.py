"""``attest roots``: certificates of TPM makers and clouds, imported for policies."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from attest.certificates.extra import MissingExtraError
from attest.cli.options import examples
from attest.cli.terminal import REFUSED, complain, give_up, unreadable
from attest.roots.source import SourceError
from attest.text import shown


@click.group(
    "roots",
    epilog=examples("attest roots import TrustedTpm.cab -o roots/intel.lock --only 'Intel/*'"),
)
def command() -> None:
    """Import root certificates for policies of trust certified."""


@command.command(
    "import",
    epilog=examples(
        "attest roots import gcp_ek_ak_ca_root.crt -o roots/google.lock",
        "attest roots import downloaded/ -o roots/makers.lock",
        "attest roots import TrustedTpm.cab -o roots/intel.lock --only 'Intel/*'",
    ),
)
@click.argument("source", metavar="PEM|DIR|CAB")
@click.option("-o", "--output", "lock", required=True, metavar="LOCK", help="Lock file to write.")
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Only files of the input with such a path."
)
def import_command(source: str, lock: str, only: tuple[str, ...]) -> None:
    """Write the CA certificates of a file, a folder or a CAB archive to LOCK and a PEM file.

    The PEM file stands beside LOCK and bears its name, with .pem at the end. Its digest is printed
    as a policy wants it. No file is ever written over. Whether the input is genuine is for you to
    make sure of: its signature is not looked at.

    The exit code is 0, 1 where the input is refused, 2 where a file cannot be read or written.
    """
    from attest.roots.reading import read_members  # noqa: PLC0415 - asn1crypto: 50 ms
    from attest.roots.store import build_store  # noqa: PLC0415 - the same

    target = Path(lock)
    bundle = target.with_suffix(".pem") if target.name else target
    if bundle == target:
        raise click.UsageError("-o names the lock file: the certificates go to its name with .pem")
    try:
        store = build_store(read_members(Path(source)), only)
    except SourceError as error:
        whole = error.path == Path(source).name
        complain(f"{source}: {error.fault if whole else error}")
        sys.exit(REFUSED)
    except MissingExtraError as error:
        give_up(str(error))
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        give_up(_unreadable(source, error))
    content = store.lock(Path(source).absolute().name, bundle.name, datetime.now(UTC))
    _write_new({bundle: store.bundle, target: content})
    roots = sum(entry.kind == "root" for entry in store.entries)
    click.echo(f"{roots} roots, {len(store.entries) - roots} intermediates to {shown(str(bundle))}")
    if store.skipped:
        click.echo(f"{len(store.skipped)} skipped, listed in {shown(str(target))}")
    click.echo(f'roots: [{{file: {shown(bundle.name)}, sha256: "{store.sha256}"}}]')


def _write_new(files: dict[Path, bytes]) -> None:
    """Write new files, all or none; one that exists stays as it is."""
    made: list[Path] = []
    for path, content in files.items():
        try:
            with path.open("xb") as file:
                made.append(path)
                file.write(content)
        except (OSError, ValueError) as error:
            for one in made:
                one.unlink()
            give_up(_unreadable(str(path), error))


def _unreadable(path: str, error: OSError | ValueError) -> str:
    return unreadable(path, error) if isinstance(error, OSError) else f"{path}: {error}"
