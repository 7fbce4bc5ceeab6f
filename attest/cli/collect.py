"""``attest collect``: one response-shaped file of evidence by the TPM of this machine."""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import click

from attest.cli.enrolment_files import pem_certificates, persistent_handle
from attest.cli.options import examples
from attest.cli.terminal import MISUSE, REFUSED, complain, give_up, unreadable, written_to
from attest.collect import CollectError, UnreachableError, quote
from attest.collect.collector import HIERARCHY, KEY, SCHEME, SELECTION
from attest.collect.wanted import KEYS
from attest.evidence import MAX_EVENT_LOG, MAX_IMA_LOG
from attest.policy.model import HIERARCHIES, SCHEMES, TIERS

EVENT_LOG = "/sys/kernel/security/tpm0/binary_bios_measurements"
IMA_LOG = "/sys/kernel/security/ima/ascii_runtime_measurements"


@click.command(
    "collect",
    epilog=examples(
        "attest collect --payload-id ID -o response.json",
        "attest collect --selection sha256:0,7,10+sha1:10 --key ecc-nist-p256 "
        "--scheme ecdsa-sha256 -o response.json",
        "attest collect --certify-with 0x81010002 --event-log --ima-log -o response.json",
    ),
)
@click.option("--payload-id", help="Id that the verifier chose.  [default: a new one]")
@click.option("--tier", type=click.Choice(TIERS), default="maximum", help="security_tier to say.")
@click.option("--selection", default=SELECTION, metavar="BANK:PCR,...", show_default=True)
@click.option(
    "--hierarchy", type=click.Choice(list(HIERARCHIES)), default=HIERARCHY, show_default=True
)
@click.option("--key", type=click.Choice(list(KEYS)), default=KEY, show_default=True)
@click.option("--scheme", type=click.Choice(list(SCHEMES)), default=SCHEME, show_default=True)
@click.option("--tcti", help="How to reach the TPM: device:/dev/tpmrm0.")
@click.option(
    "--certify-with", metavar="HANDLE", help="Persistent key that certifies the key of the quote."
)
@click.option("--ak-chain", metavar="PEM", help="Certificates of that key, leaf first.")
@click.option(
    "--event-log", is_flag=False, flag_value=EVENT_LOG, metavar="[FILE]", help="Attach it."
)
@click.option("--ima-log", is_flag=False, flag_value=IMA_LOG, metavar="[FILE]", help="Attach it.")
@click.option("-o", "--output", required=True, metavar="FILE", help="Where it goes; - prints it.")
def command(  # noqa: PLR0913 - one parameter an option
    payload_id: str | None,
    tier: str,
    selection: str,
    hierarchy: str,
    key: str,
    scheme: str,
    tcti: str | None,
    certify_with: str | None,
    ak_chain: str | None,
    event_log: str | None,
    ima_log: str | None,
    output: str,
) -> None:
    """Quote PCRs by the TPM of this machine, and write what `attest verify` judges.

    The exit code is 0 where evidence was written, 1 where the TPM refuses or its PCRs do not hold
    still, 2 for a wrong call, a TPM that cannot be reached or a file that cannot be read.
    """
    named = str(uuid4()) if payload_id is None else payload_id
    handle = None if certify_with is None else persistent_handle(certify_with, "--certify-with")
    chain = () if ak_chain is None else pem_certificates(ak_chain)
    try:
        block = quote(
            named,
            selection=selection,
            hierarchy=hierarchy,
            key=key,
            scheme=scheme,
            certify_with=handle,
            ak_chain=chain,
            tcti=tcti,
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    except CollectError as error:
        complain(str(error))
        sys.exit(MISUSE if isinstance(error, UnreachableError) else REFUSED)
    # The logs come after the quote, so that they hold at least what was quoted.
    for member, path, most in (
        ("event_log_b64", event_log, MAX_EVENT_LOG),
        ("ima_log_b64", ima_log, MAX_IMA_LOG),
    ):
        if path is not None:
            block[member] = b64encode(_read_log(path, most)).decode()
    metadata = {
        "payload_id": named,
        "processed_at": int(datetime.now(UTC).timestamp()),
        "security_tier": tier,
        "tpm_attestation": block,
    }
    with written_to(output) as stream:
        stream.write(json.dumps({"_metadata": metadata}, indent=1) + "\n")


def _read_log(path: str, most: int) -> bytes:
    """Read a log whole, or leave: a part of one proves nothing."""
    try:
        with Path(path).open("rb") as stream:
            octets = stream.read(most + 1)
    except OSError as error:
        give_up(unreadable(path, error))
    if len(octets) > most:
        give_up(f"{path}: more than {most} octets, which no verifier reads")
    return octets
