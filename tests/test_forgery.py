"""A key made in software, all of it consistent: accepted only where no anchor is asked for."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

import attest
from client.errors import AttestationRefused
from client.exchange import Sent
from client.gate import Gate
from client.response import AttestedResponse
from tests import build
from tests.aik import ecc_aik, rsa_aik
from tests.certificates.making import ca, issue
from tests.cli.calls import attest as command
from tests.endorsing import AK, certified, chained, leaf_of
from tests.judging import octets_of

ROOT = issue("root", None, ca())
GENUINE = ecc_aik()
FORGER = rsa_aik(fresh=True)
ENDORSEMENT = certified(GENUINE, ak_cert_chain_b64=chained(leaf_of(AK, ROOT)))
"""What a genuine machine sends along; a forger repeats it."""
FORGED = octets_of(build.response(FORGER))
SPLICED = octets_of(build.response(FORGER, attestation={"endorsement": ENDORSEMENT}))

PIN = {"file": "roots.pem", "sha256": hashlib.sha256(ROOT.pem).digest()}
POLICIES: dict[str, dict[str, Any]] = {
    "unanchored": {"trust": "unanchored"},
    "enrolled": {"trust": "enrolled", "names": [AK.name, GENUINE.name]},
    "certified": {"trust": "certified", "roots": [PIN], "identity": [{"subject": "CN=host-17"}]},
}
CASES = [
    ("unanchored", FORGED, set()),
    ("enrolled", FORGED, {"aik.trust"}),
    ("certified", FORGED, {"aik.trust"}),
    ("unanchored", SPLICED, {"aik.certify"}),
    ("enrolled", SPLICED, {"aik.certify", "aik.trust"}),
    ("certified", SPLICED, {"aik.certify", "aik.trust"}),
]
cases = pytest.mark.parametrize(("trust", "response", "refusing"), CASES, ids=range(len(CASES)))


def policy_in(folder: Path, trust: str) -> Path:
    (folder / "roots.pem").write_bytes(ROOT.pem)
    path = folder / "policy.yaml"
    path.write_text(build.policy_text(aik=POLICIES[trust]), encoding="utf-8")
    return path


def failing(result: dict[str, Any]) -> set[str]:
    return {check["id"] for check in result["checks"] if check["outcome"] == "fail"}


@cases
def test_forgery_in_python(tmp_path: Path, trust: str, response: bytes, refusing: set[str]) -> None:
    policy = attest.load_policy(policy_in(tmp_path, trust))
    for given in (response, json.loads(response)):
        result = attest.verify(given, policy)
        assert (failing(result.to_dict()), result.accepted) == (refusing, not refusing)
        assert str(result.assurance) == "self-consistent"


@cases
@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_forgery_on_the_command_line(
    tmp_path: Path, form: str, trust: str, response: bytes, refusing: set[str]
) -> None:
    (tmp_path / "rows.jsonl").write_bytes(response + b"\n" + response + b"\n")
    policy = policy_in(tmp_path, trust)
    done = command("verify", tmp_path / "rows.jsonl", "-p", policy, "--format", form)
    lines = done.stdout.splitlines()
    results = json.loads(done.stdout) if form == "json" else list(map(json.loads, lines))
    assert done.exit_code == (1 if refusing else 0)
    assert [failing(result) for result in results] == [refusing, refusing]


@cases
def test_forgery_before_the_gate(
    tmp_path: Path, trust: str, response: bytes, refusing: set[str]
) -> None:
    sent = Sent("http://127.0.0.1", build.PAYLOAD_ID, "maximum", None)
    answer = Gate(policy_in(tmp_path, trust)).decide(response, sent)
    if refusing:
        assert isinstance(answer, AttestationRefused)
        assert failing(answer.result.to_dict()) == refusing
    else:
        assert isinstance(answer, AttestedResponse)
        assert str(answer.attestation.assurance) == "self-consistent"
