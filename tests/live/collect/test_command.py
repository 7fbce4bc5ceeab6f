"""``attest collect``: a file that ``attest verify`` takes, or an exit code that says why not."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

import attest.cli.collect as collecting
from tests.build import policy_text
from tests.cli.calls import attest
from tests.enrolment.making import ek_certificate
from tests.live.collect.judged import FAST, SELECTION
from tests.swtpm import Swtpm

KEY = ("--key", FAST["key"], "--scheme", FAST["scheme"])


def member_of(path: Path) -> dict[str, Any]:
    """The attestation in a file."""
    member: dict[str, Any] = json.loads(path.read_bytes())["_metadata"]["tpm_attestation"]
    return member


def test_file_is_accepted_by_verify(tpm: Swtpm, tmp_path: Path) -> None:
    response, policy = tmp_path / "response.json", tmp_path / "policy.yaml"
    done = attest("collect", "--tcti", tpm.tcti, "--payload-id", "an id", *KEY, "-o", response)
    policy.write_text(policy_text(tpm.pcrs(SELECTION)))
    asked = ("--payload-id", "an id", "--tier", "maximum", "--at", "evidence")
    judged = attest("verify", response, "-p", policy, *asked)
    assert (done.exit_code, done.output, judged.exit_code) == (0, "", 0)


def test_file_has_an_id_of_its_own_where_none_is_given(tpm: Swtpm) -> None:
    ids = set()
    for _ in range(2):
        done = attest("collect", "--tcti", tpm.tcti, *KEY, "--tier", "high", "-o", "-")
        metadata = json.loads(done.stdout)["_metadata"]
        ids.add(metadata["payload_id"])
        assert metadata["security_tier"] == "high"
    assert len(ids) == 2


def test_logs_are_attached(tpm: Swtpm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    response, log, given = tmp_path / "response.json", tmp_path / "log", tmp_path / "given"
    log.write_bytes(b"usual")
    given.write_bytes(b"given")
    option = next(one for one in collecting.command.params if one.name == "event_log")
    monkeypatch.setattr(option, "flag_value", str(log))
    logs = ("--event-log", "--ima-log", given)
    done = attest("collect", "--tcti", tpm.tcti, *KEY, *logs, "-o", response)
    member = member_of(response)
    assert done.exit_code == 0
    assert base64.b64decode(member["event_log_b64"]) == b"usual"
    assert base64.b64decode(member["ima_log_b64"]) == b"given"


def test_log_that_no_verifier_reads_is_not_attached(tpm: Swtpm, tmp_path: Path) -> None:
    response, log = tmp_path / "response.json", tmp_path / "log"
    with log.open("wb") as stream:
        stream.truncate(4 * 1024 * 1024 + 1)
    words = ("collect", "--tcti", tpm.tcti, *KEY, "-o", response)
    done = attest(*words, "--event-log", log)
    told = f"attest: {log}: more than 4194304 octets, which no verifier reads\n"
    assert (done.exit_code, done.stderr, response.exists()) == (2, told, False)
    missing = attest(*words, "--ima-log", tmp_path / "missing")
    assert (missing.exit_code, "No such file" in missing.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--payload-id", ""), 2, "payload_id: is empty"),
        (("--selection", "sha256:24"), 2, "selection: expected banks"),
        (("--certify-with", "81010002"), 2, "--certify-with: expected 0x and eight hex digits"),
        (("--certify-with", "0x81010055"), 1, "TPM2_ReadPublic of 0x81010055: "),
        (("--selection", "sha3_256:0"), 1, "TPM2_PCR_Read of sha3_256:0: "),
        (("--ak-chain", "missing.pem"), 2, "missing.pem: No such file or directory"),
    ],
)
def test_no_file_is_written_where_there_is_no_evidence(
    tpm: Swtpm, tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    response = tmp_path / "response.json"
    done = attest("collect", "--tcti", tpm.tcti, *KEY, *words, "-o", response)
    assert (done.exit_code, response.exists()) == (code, False)
    assert done.stderr.startswith(f"attest: {told}")


def test_tpm_that_is_not_there_is_exit_code_2(tmp_path: Path) -> None:
    tcti = "swtpm:host=127.0.0.1,port=1"
    done = attest("collect", "--tcti", tcti, "-o", tmp_path / "response.json")
    assert (done.exit_code, done.stderr) == (2, f"attest: connecting to {tcti}: tcti:IO failure\n")


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"-----BEGIN X-----\nAAAA\n-----END X-----\n", "expected certificates, and nothing else"),
        (b"-----BEGIN X-----\nA", "is no PEM"),
        (b"x" * (1024 * 1024 + 1), "more than 1048576 octets"),
    ],
)
def test_chain_is_certificates_and_nothing_else(tmp_path: Path, octets: bytes, told: str) -> None:
    chain = tmp_path / "chain.pem"
    chain.write_bytes(octets)
    done = attest("collect", "--ak-chain", chain, "-o", "-")
    assert (done.exit_code, done.stderr) == (2, f"attest: {chain}: {told}\n")


def test_chain_of_a_pem_file_needs_a_key_that_certifies(tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    text = base64.encodebytes(ek_certificate("secp256r1"))
    block = b"-----BEGIN CERTIFICATE-----\n" + text + b"-----END CERTIFICATE-----\n"
    chain.write_bytes(block * 2)
    done = attest("collect", "--ak-chain", chain, "-o", "-")
    assert (done.exit_code, "ak_chain: no key certifies" in done.stderr) == (2, True)
