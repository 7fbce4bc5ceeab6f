"""Policy files to begin with: a good one, of which a test changes one part."""

from __future__ import annotations

import pytest

from attest.errors import PolicyError
from attest.policy.loader import parse_policy
from attest.policy.model import Policy

PATH = "p.yaml"
A, B = "aa" * 31 + "01", "bb" * 31 + "02"
"""Two golden values of a bank with 32 octets."""

NAME = f"000b{A}"
ONE = f'{{0: "{A}"}}'

HEX64 = "expected 64 hex digits"
TIME = "expected a time with zone such as 2026-11-01T00:00:00Z (RFC 3339)"

FULL = f"""\
schema: 1
name: maximum-prod
description: Production fleet, R760
serial: 7
valid: {{from: 2026-11-01T00:00:00Z, until: 2027-02-01T01:00:00+01:00}}
applies_to: {{security_tier: [maximum, high]}}
tpm: required
nonce: given
signature: {{schemes: [rsapss-sha3_256], min_rsa_bits: 3072, curves: [nist-p384]}}
aik: {{trust: enrolled, names: ["{NAME.upper()}"], spki_sha256: ["{B}"], hierarchy: [owner]}}
clock: {{safe: required}}
pcrs:
  sha256: {{10: extended, 7: ["{A}", "{B.upper()}"], "0": any}}
  sha1: {{17: initial}}
baselines:
  - name: r760-bios_2.1.5
    valid: {{until: 2027-01-01T00:00:00Z}}
    revoked: "CVE-2026-1234"
    pcrs: {{sha256: {{4: "{A}"}}}}
  - {{name: next, pcrs: {{sha256: {{4: ["{B}"]}}}}}}
"""

_PARTS = {
    "schema": "1",
    "name": "test",
    "aik": "{trust: unanchored}",
    "pcrs": "{sha256: {0: extended}}",
}


def policy(**parts: str | None) -> str:
    """Write a policy, one top key a line: schema, name, aik, pcrs in lines 1 to 4, then the others.

    Args:
        parts: YAML for a key, or None to leave the key out.
    """
    lines = {**_PARTS, **parts}
    return "".join(f"{key}: {value}\n" for key, value in lines.items() if value is not None)


def refusal(text: str | bytes) -> str:
    """Return what the loader says of a bad policy, from the line number on."""
    octets = text.encode() if isinstance(text, str) else text
    with pytest.raises(PolicyError) as caught:
        parse_policy(octets, PATH)
    return str(caught.value).removeprefix(f"{PATH}:")


def parsed(**parts: str | None) -> Policy:
    """Load a policy of these parts."""
    return parse_policy(policy(**parts).encode(), PATH)
