"""The command ``attest``: prints, reads clock and files, and sets exit codes."""

from __future__ import annotations

import click

from attest.cli.lazy import Lazy, LazyGroup
from attest.cli.options import examples
from attest.version import __version__

_COMMANDS = {
    "verify": Lazy("attest.cli.verify", "Judge saved responses against a policy."),
    "inspect": Lazy("attest.cli.inspect", "Show every structure of a response, decoded."),
    "replay": Lazy("attest.cli.replay", "Judge archives of saved responses, and ask what changed."),
    "report": Lazy("attest.cli.report", "Write what a replay found as a page for people."),
    "export": Lazy("attest.cli.export", "Write a replay's results in formats of other systems."),
    "policy": Lazy("attest.cli.policy", "Check policy files, and print their schemas."),
    "archive": Lazy("attest.cli.archive", "Check evidence archives, and print their heads."),
    "roots": Lazy("attest.cli.roots", "Import root certificates for policies."),
    "collect": Lazy("attest.cli.collect", "Collect evidence by the TPM of this machine."),
    "enroll": Lazy("attest.cli.enroll", "Prove which TPM an attestation key lives in."),
}


@click.group(
    cls=LazyGroup,
    program="attest",
    lazy=_COMMANDS,
    epilog=examples(
        "attest verify response.json -p policies/maximum.yaml",
        "attest inspect response.json",
        "attest policy lint policies/maximum.yaml",
    ),
)
@click.version_option(__version__, prog_name="tpm-attest")
def main() -> None:
    """Verify TPM attestation in confidential-inference responses."""
