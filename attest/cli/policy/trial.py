"""``attest policy test``: a folder of responses, each with the result that a policy must give."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from msgspec import Struct

import attest
from attest.cli.options import Place, examples
from attest.cli.policies import demands_of, signed_options
from attest.cli.rows import ignore, read_rows
from attest.cli.terminal import MISUSE, REFUSED, give_up
from attest.errors import AttestError
from attest.policy import files
from attest.policy.expected import Expected, differences, read_expected
from attest.policy.model import Policy, PolicySet
from attest.policy.origin import Demands
from attest.text import shown

if TYPE_CHECKING:
    from attest.report.junit import Case

EXPECTED = "expected.json"
RESPONSE = "response.json"
POLICY = "policy.yaml"
_MOST_OF_A_LINE = 2000


class Tried(Struct, frozen=True):
    """How one case ended.

    Attributes:
        folder: The case.
        faults: What is not as expected; empty where it passes.
        broken: Whether it could not be judged at all.
    """

    folder: Path
    faults: tuple[str, ...] = ()
    broken: bool = False

    def __str__(self) -> str:
        """Write the case as a test runner does."""
        word = "ERROR" if self.broken else "FAIL" if self.faults else "PASS"
        return f"{word:<5} {self.folder.name}" + (
            f": {'; '.join(self.faults)}" if self.faults else ""
        )


@click.command(
    "test",
    epilog=examples(
        "attest policy test policies/maximum.yaml tests/maximum/",
        "attest policy test fixtures/",
        "attest policy test policy.yaml cases/ --format junit > policy.xml",
        "attest policy test maximum.dsse tests/maximum/ --policy-key public.pem",
    ),
)
@click.argument("places", nargs=-1, type=Place(), required=True, metavar="[POLICY] FOLDER")
@signed_options
@click.option(
    "--format", "form", type=click.Choice(("text", "junit")), default="text", show_default=True
)
def command(
    places: tuple[str, ...], policy_key: str | None, min_serial: int | None, form: str
) -> None:
    """Hold a policy against a folder of cases.

    A case is a folder in FOLDER with response.json and expected.json. Without POLICY each case has
    its own policy.yaml, or FOLDER has one for all. The exit code is 0 where all is as expected, 1
    where something is not, 2 where a case cannot be judged or there is none.
    """
    if len(places) not in (1, 2):
        raise click.UsageError(f"{len(places)} arguments, expected a folder, or a policy and one")
    demands = demands_of(policy_key, min_serial)
    tried = [_tried(case, policy, demands) for case, policy in _cases(places)]
    if form == "junit":
        from attest.report.junit import render_cases  # noqa: PLC0415 - for one format

        click.echo(render_cases("attest policy test", map(_case, tried)), nl=False)
    else:
        for one in tried:
            click.echo(shown(str(one), _MOST_OF_A_LINE))
        failed = sum(bool(one.faults) for one in tried)
        click.echo(f"{len(tried) - failed} passed, {failed} failed")
    if any(one.broken for one in tried):
        sys.exit(MISUSE)
    sys.exit(REFUSED if any(one.faults for one in tried) else 0)


def _cases(places: tuple[str, ...]) -> Iterator[tuple[Path, Path]]:
    """Find the cases of a folder by name, each with the policy that judges it."""
    folder = Path(places[-1])
    try:
        cases = sorted(path.parent for path in folder.iterdir() for path in path.glob(EXPECTED))
    except (OSError, ValueError) as error:  # ValueError: a path with NUL
        give_up(f"{folder}: {files.reason(error)}")
    if not cases:
        give_up(f"{folder}: no folder with {EXPECTED} in it")
    for case in cases:
        own = case / POLICY
        if len(places) > 1:
            yield case, Path(places[0])
        else:
            yield case, own if own.exists() else folder / POLICY


def _tried(case: Path, policy: Path, demands: Demands) -> Tried:
    """Judge one case; whatever keeps it from being judged is its fault."""
    try:
        expected = read_expected((case / EXPECTED).read_bytes())
        (row,) = read_rows(str(case / RESPONSE), lines=False, progress=ignore)
        loaded = attest.load_policy(
            policy, verify_key=demands.verify_key, min_serial=demands.min_serial
        )
        result = _judged(row.octets, loaded, expected)
    except OSError as error:
        return Tried(case, (f"{error.filename}: {files.reason(error)}",), broken=True)
    except (AttestError, ValueError) as error:
        return Tried(case, (str(error),), broken=True)
    return Tried(case, differences(expected, result.to_dict()))


def _judged(
    octets: bytes, policy: Policy | PolicySet, expected: Expected
) -> attest.AttestationResult:
    known = expected.arguments
    return attest.verify(
        octets,
        policy,
        payload_id=known.payload_id,
        nonce=None if known.nonce is None else bytes.fromhex(known.nonce),
        security_tier=known.security_tier,
        at=known.at,
    )


def _case(tried: Tried) -> Case:
    from attest.report.junit import Case, Fault  # noqa: PLC0415 - for one format

    fault = None
    if tried.faults:
        kind: Literal["failure", "error"] = "error" if tried.broken else "failure"
        fault = Fault(kind, "expectation", tried.faults[0], "\n".join(tried.faults))
    return Case("attest policy test", tried.folder.name, str(tried.folder), fault=fault)
