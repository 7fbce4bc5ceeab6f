"""``attest policy sign``: a policy file into a DSSE envelope."""

from __future__ import annotations

import os

import click

from attest.cli.exchange import PASSWORD
from attest.cli.options import examples
from attest.cli.policies import write_new
from attest.cli.terminal import complain, give_up
from attest.envelope import is_envelope
from attest.errors import PolicyError, SigningError
from attest.policy import files
from attest.policy.loader import parse_policy
from attest.policy.signed import PAYLOAD_TYPE
from attest.signing import load_dsse_key


@click.command(
    "sign",
    epilog=examples(
        "attest policy sign maximum.yaml --key key.pem -o maximum.dsse",
        "attest policy sign maximum.yaml --key hsm:2 -o maximum.dsse",
        "attest verify response.json -p maximum.dsse --policy-key public.pem --min-serial 7",
    ),
)
@click.argument("policy", metavar="POLICY")
@click.option(
    "--key",
    required=True,
    metavar="FILE|hsm:ID",
    help="A private key in PEM, or one on a PKCS#11 token. ATTEST_KEY_PASSWORD holds its password "
    "or PIN.",
)
@click.option("-o", "--output", required=True, metavar="FILE", help="Envelope; never overwritten.")
def command(policy: str, key: str, output: str) -> None:
    """Sign a policy file that loads.

    What is signed are the file's octets as they are. The exit code is 0, or 2 where the policy does
    not load, the key does not sign, or the output is there already.
    """
    try:
        octets = files.read(policy)
        if is_envelope(octets):
            give_up(f"{policy}: is signed already: sign the policy that is inside")
        loaded = parse_policy(octets, policy)
        envelope = load_dsse_key(key, os.environ.get(PASSWORD)).sign(octets, PAYLOAD_TYPE)
    except (PolicyError, SigningError) as error:
        give_up(str(error))
    if loaded.serial is None:
        complain(f"{policy}: has no serial, so an older edition cannot be told (--min-serial)")
    write_new(output, envelope + "\n")
