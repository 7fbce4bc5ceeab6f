"""``attest policy import``: a new policy of reference values that another tool wrote."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import click
from msgspec.structs import replace

from attest.cli.options import examples
from attest.cli.policies import demands_of
from attest.cli.policy.base import (
    Base,
    base_policy,
    left_out_remarks,
    new_policy_options,
    tell,
    write_into,
    write_policy,
)
from attest.cli.terminal import give_up
from attest.errors import PolicyError
from attest.policy import files
from attest.policy.imports import FORMATS, import_values
from attest.policy.model import Baseline
from attest.policy.origin import Provenance
from attest.policy.worth import Pcr
from attest.result import VERIFIER
from attest.text import shown
from attest.tpm.constants import BANKS

_NO_NAME = re.compile("[^A-Za-z0-9._-]+")


@click.command(
    "import",
    epilog=examples(
        "attest policy import pcrs.yaml --from tpm2_pcrread --trust unanchored -o policy.yaml",
        "attest policy import values.json --from json -p maximum.yaml -o next.yaml",
        "attest policy import tpm_policy.json --from keylime --bank sha256 --trust unanchored "
        "-o policy.yaml",
    ),
)
@click.argument("file", metavar="FILE")
@click.option(
    "--from",
    "form",
    required=True,
    type=click.Choice(tuple(FORMATS)),
    help="What wrote the file: tpm2_pcrread, Keylime's tpm_policy, or JSON by bank and PCR.",
)
@new_policy_options
@click.option("--baseline", help="Name of the baseline.  [default: the file's]")
@click.option(
    "--bank", type=click.Choice(tuple(BANKS)), help="Bank of the values in Keylime's policy."
)
def command(  # noqa: PLR0913 - one parameter an option
    file: str,
    form: str,
    trust: str | None,
    names: tuple[bytes, ...],
    base: str | None,
    into: str | None,
    name: str | None,
    wanted: frozenset[Pcr],
    output: str,
    policy_key: str | None,
    min_serial: int | None,
    baseline: str | None,
    bank: str | None,
) -> None:
    """Make a policy of reference values, whose source and digest it keeps as provenance.

    The exit code is 0, or 2 where the file cannot be read as what it is said to be, or the output
    is there already.
    """
    made_of = Base(base, into, demands_of(policy_key, min_serial))
    policy = base_policy(trust, names, made_of, name or _usual_name(base, into))
    try:
        content = files.read(file)
        chosen = None if bank is None else BANKS[bank]
        imported = import_values(content, file, form, bank=chosen, wanted=wanted)
    except PolicyError as error:
        give_up(str(error))
    origin = Provenance(
        source=shown(Path(file).name),
        sha256=hashlib.sha256(content).digest(),
        date=datetime.now(UTC).replace(microsecond=0),
        tool=f"{VERIFIER} policy import --from {form}",
    )
    named = baseline or _NO_NAME.sub("-", Path(file).stem) or "imported"
    made = Baseline(named, imported.golden, provenance=origin)
    remarks = left_out_remarks(imported.left_out)
    if into is None:
        write_policy(replace(policy, rules=imported.rules, baselines=(made,)), remarks, output)
    else:
        write_into(made_of, into, (made,), output)
    tell((f"{named}: {len(imported.golden)} PCRs", *remarks), output)


def _usual_name(base: str | None, into: str | None) -> str | None:
    """Name a policy that takes no name over."""
    return "imported" if base is None and into is None else None
