"""The options of a gated client: a signed policy is demanded before a client is there."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec

from attest.errors import PolicyError
from attest.policy.model import Policy
from client.cli import main
from client.cli.gating import make
from tests.policy.test_signed import OTHER, envelope, public


def made(url: str, **named: Any) -> dict[str, Any]:
    """What a client is made with."""
    return {"url": url, **named}


def given(policy: Path, key: Path | None, least: int | None = None) -> dict[str, Any]:
    return {
        "url": "https://a",
        "policy": str(policy),
        "policy_key": key,
        "min_serial": least,
        "pins": (),
    }


def test_a_client_is_made_with_a_policy_that_was_verified(tmp_path: Path) -> None:
    key = tmp_path / "public.pem"
    key.write_bytes(public())
    named = make(made, given(envelope(tmp_path), key, 7))
    assert isinstance(named["policy"], Policy)
    assert named["policy"].serial == 7
    assert {"policy_key", "min_serial"}.isdisjoint(named)
    with pytest.raises(PolicyError, match="is an older edition"):
        make(made, given(envelope(tmp_path), key, 8))
    with pytest.raises(PolicyError, match="is signed: name the key"):
        make(made, given(envelope(tmp_path), None))


@pytest.mark.parametrize("signer", [OTHER, ec.generate_private_key(ec.SECP384R1())])
def test_another_key_ends_the_command_before_a_server_is_met(
    tmp_path: Path, signer: ec.EllipticCurvePrivateKey
) -> None:
    key = tmp_path / "public.pem"
    key.write_bytes(public(signer))
    words = ["-p", str(envelope(tmp_path)), "--policy-key", str(key), "--url", "https://a", "hi"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "is not signed by key" in done.stderr
