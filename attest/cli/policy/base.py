"""What a new policy begins with: its trust and name from options, or another policy's demands."""

from __future__ import annotations

import click
from msgspec import Struct
from msgspec.structs import replace

from attest.cli.options import Command, HexOctets
from attest.cli.policies import load_or_leave, signed_options, write_new
from attest.cli.terminal import give_up
from attest.errors import PolicyError
from attest.policy import files
from attest.policy.anchoring import AikRules, Trust
from attest.policy.edit import with_baselines
from attest.policy.loader import parse_policy
from attest.policy.model import ALWAYS, Baseline, Policy
from attest.policy.origin import NO_DEMANDS, Demands
from attest.policy.signed import policy_octets
from attest.policy.worth import LeftOut, Pcr, read_selection
from attest.policy.written import policy_text
from attest.text import shown


class Selection(click.ParamType[frozenset[Pcr]]):
    """PCRs as tpm2-tools spell them: ``sha256:0,7``."""

    name = "PCRS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> frozenset[Pcr]:
        """Read the selection, or fail as a usage error."""
        if isinstance(value, frozenset):
            return value
        try:
            return read_selection(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


_OPTIONS = (
    click.option(
        "--trust",
        type=click.Choice([str(trust) for trust in Trust]),
        help="How the keys that sign must be anchored; needed without --policy.",
    ),
    click.option(
        "--ak-name",
        "names",
        multiple=True,
        type=HexOctets(),
        help="TPM Name of an enrolled key, with --trust enrolled; may be repeated.",
    ),
    click.option(
        "-p",
        "--policy",
        "base",
        metavar="POLICY",
        help="Policy whose demands the new one takes over: all but pcrs and baselines.",
    ),
    click.option(
        "--into",
        metavar="POLICY",
        help="Policy that gets further baselines, with its comments and its demands; the new "
        "edition is written to --output.",
    ),
    click.option("--name", help="Name of the new policy."),
    click.option(
        "--pcrs",
        "wanted",
        type=Selection(),
        default=frozenset(),
        help="PCRs that get golden values, such as sha256:0,7.",
    ),
    click.option(
        "-o", "--output", required=True, metavar="FILE", help="New policy; never overwritten."
    ),
)


def new_policy_options(command: Command) -> Command:
    """Give a command the options of what makes a new policy."""
    command = signed_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class Base(Struct, frozen=True):
    """The policy that a new one is made of, if any.

    Attributes:
        policy: A policy whose demands are taken over.
        into: A policy that gets further baselines.
        demands: What is demanded of it.
    """

    policy: str | None
    into: str | None
    demands: Demands


def base_policy(
    trust: str | None, names: tuple[bytes, ...], base: Base, name: str | None
) -> Policy:
    """Return a policy without golden values: by options, or by another policy, one edition later.

    Raises:
        click.UsageError: The options say too little or too much.
        SystemExit: The other policy does not load.
    """
    if base.into is not None and (base.policy is not None or name is not None):
        raise click.UsageError("--policy and --name do not go with --into")
    path = base.into if base.policy is None else base.policy
    if path is None:
        if base.demands != NO_DEMANDS:
            raise click.UsageError("--policy-key and --min-serial go with --policy or --into")
        return _by_options(trust, names, name or "learnt")
    if trust is not None or names:
        raise click.UsageError("--trust and --ak-name stand in the policy that is named")
    policy = load_or_leave(path, base.demands)
    if not isinstance(policy, Policy):
        raise click.UsageError(f"{path} is a set, expected one file")
    serial = 1 if policy.serial is None else policy.serial + 1
    return replace(
        policy, name=name or policy.name, serial=serial, provenance=None, rules=(), baselines=()
    )


def _by_options(trust: str | None, names: tuple[bytes, ...], name: str) -> Policy:
    if trust is None:
        raise click.UsageError("needs --trust, which has no default, or --policy")
    kind = Trust(trust)
    if kind is Trust.ENROLLED and not names:
        raise click.UsageError("--trust enrolled needs --ak-name, or --policy with enrolled keys")
    if kind is not Trust.ENROLLED and names:
        raise click.UsageError("--ak-name is for --trust enrolled")
    if kind in (Trust.CERTIFIED, Trust.TEE):
        raise click.UsageError(f"--trust {trust} needs more than options say: use --policy")
    return Policy(name=name, aik=AikRules(kind, frozenset(names)), serial=1, valid=ALWAYS)


def write_policy(policy: Policy, remarks: tuple[str, ...], output: str) -> None:
    """Write a new policy that loads, with remarks before it; else leave with exit code 2."""
    comments = "".join(f"# {shown(remark, 1000)}\n" for remark in remarks)
    text = comments + policy_text(policy)
    try:
        parse_policy(text.encode(), output)
    except PolicyError as error:
        give_up(str(error))
    write_new(output, text)


def write_into(base: Base, into: str, baselines: tuple[Baseline, ...], output: str) -> None:
    """Write a policy with further baselines, comments kept; else leave with exit code 2.

    What was signed is read out of its envelope; what is written is not signed yet.
    """
    try:
        octets = policy_octets(files.read(into), into, base.demands.verify_key)
        octets = with_baselines(octets, into, baselines)
    except PolicyError as error:
        give_up(str(error))
    write_new(output, octets.decode())


def left_out_remarks(left_out: tuple[LeftOut, ...]) -> tuple[str, ...]:
    """Say which PCRs get no golden value, and why."""
    return tuple(f"left out: {one}" for one in left_out)


def tell(remarks: tuple[str, ...], output: str) -> None:
    """Print remarks: on standard error where the policy goes to standard output."""
    for remark in remarks:
        click.echo(shown(remark, 1000), err=output == "-")
