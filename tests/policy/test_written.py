"""A policy written back is read as it was."""

import hashlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from attest.policy.loader import parse_policy
from attest.policy.written import policy_members, policy_text
from tests.policy.texts import FULL, A, policy

ROOT = hashlib.sha256(b"root").hexdigest()
CERTIFIED = (
    f'{{trust: certified, roots: [{{file: a.pem, sha256: "{ROOT}"}}], identity: '
    f'[{{leaf_sha256: "{A}"}}, {{gce: {{project: p, instance: i}}}}, {{subject: "CN=\u00e9: #"}}]}}'
)
REVOKED = (
    f"intermediates: [{{file: a.pem, sha256: '{ROOT}'}}], revoked_certificates: "
    f"[{{sha256: '{A}', reason: sold}}, {{issuer: 'CN=a', serial: '-10'}}, "
    f"{{issuer: 'CN=a', serial: '0aF1'}}, {{spki_sha256: '{A}'}}]"
)
ONE = f'{{sha256: {{0: "{A}"}}}}'


@pytest.mark.parametrize(
    "text",
    [
        policy(),
        FULL,
        policy(aik=CERTIFIED),
        policy(aik=f"{CERTIFIED[:-1]}, {REVOKED}}}"),
        policy(aik="{trust: tee}", serial="0", description='"two\\nlines: \U0001f600 {"'),
        policy(applies_to="{security_tier: [standard]}", tpm="optional", nonce="none"),
        policy(
            pcrs=None,
            baselines=f"[{{name: '1', pcrs: {ONE}, provenance: {{source: 'no', sha256: '{A}', "
            "date: 2026-11-01T00:00:00.5+01:00, tool: b, assurance: anchored}}]",
            provenance="{source: 'null'}",
        ),
    ],
)
def test_what_is_written_is_read_as_it_was(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.pem").write_bytes(b"root")
    path = str(tmp_path / "policy.yaml")
    read = parse_policy(text.encode(), path)
    again = parse_policy(policy_text(read).encode(), path)
    assert replace(again, sha256=read.sha256) == read


def test_what_is_the_default_is_not_written() -> None:
    written = policy_text(parse_policy(policy().encode(), "p"))
    assert written == (
        "schema: 1\nname: test\naik:\n  trust: unanchored\npcrs:\n  sha256:\n    0: extended\n"
    )


def test_members_hold_defaults_too() -> None:
    members = policy_members(parse_policy(policy().encode(), "p"))
    assert (members["tpm"], members["signature"]["min_rsa_bits"]) == ("required", 2048)
