"""``attest policy``: the life of policy files, one file a command."""

from __future__ import annotations

import click

from attest.cli.lazy import Lazy, LazyGroup
from attest.cli.options import examples

_COMMANDS = {
    "lint": Lazy("attest.cli.policy.lint", "Look over policy files and directories of them."),
    "schema": Lazy("attest.cli.policy.schema", "Print a JSON Schema."),
    "learn": Lazy("attest.cli.policy.learn", "Propose baselines from evidence that verifies."),
    "import": Lazy("attest.cli.policy.importing", "Make a policy of reference values."),
    "diff": Lazy("attest.cli.policy.diff", "Compare two policies, or a policy with evidence."),
    "sign": Lazy("attest.cli.policy.sign", "Sign a policy file as a DSSE envelope."),
    "test": Lazy("attest.cli.policy.trial", "Hold a policy against expected results."),
}


@click.group(
    "policy",
    cls=LazyGroup,
    program="attest",
    lazy=_COMMANDS,
    epilog=examples(
        "attest policy lint policies/",
        "attest policy learn archive.jsonl --trust unanchored --allow-unanchored -o policy.yaml",
        "attest policy diff old.yaml new.yaml --responses archive.jsonl",
        "attest policy sign policy.yaml --key key.pem -o policy.dsse",
    ),
)
def command() -> None:
    """Make, compare, sign and test policy files."""
