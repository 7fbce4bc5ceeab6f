"""The swtpm of the embedded server: a process of its own, measured into, ended with its source."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from attest.policy.demonstration import PCRS
from client.demo import swtpm as module
from client.demo.evidence import Attestation
from client.demo.swtpm import Swtpm, SwtpmError
from tests.lacking import lacks
from tests.swtpm import missing_tools

STOP = (14).to_bytes(4, "big")
"""The command of swtpm's control channel that leaves the TPM unable to answer."""


class Idle:
    """A quoter that quotes nothing: these tests look at the TPM by themselves."""

    def __init__(self, tcti: str) -> None:
        self.tcti = tcti
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.closed = 0

    def quote(self, payload_id: str, **how: str) -> Attestation:
        self.asked.append((payload_id, how))
        return {"is_available": False}

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def tools() -> None:
    """Fails without swtpm and the tools where CI=true, else skips."""
    if missing := missing_tools():
        lacks(f"not on PATH: {', '.join(missing)}")


@pytest.fixture
def source() -> Iterator[Swtpm]:
    started = Swtpm(Idle)
    yield started
    started.close()


def tool(source: Swtpm, *command: str) -> str:
    environment = {**os.environ, "TPM2TOOLS_TCTI": source.tcti}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.lower()


def folders(parent: Path) -> list[Path]:
    return list(parent.glob("attest-demo-*"))


def test_a_fresh_tpm_holds_the_golden_values_of_the_demonstration(source: Swtpm) -> None:
    read = tool(source, "tpm2_pcrread", module.SELECTION)

    assert module.SELECTION == "sha256:0,7,10"
    assert all(f"0x{value.hex()}" in read for value in PCRS.values())


def test_its_clock_is_safe(source: Swtpm) -> None:
    assert "safe: yes" in tool(source, "tpm2_readclock")


def test_extending_a_pcr_changes_it_in_the_tpm(source: Swtpm) -> None:
    source.extend(7, bytes(32))

    read = tool(source, "tpm2_pcrread", module.SELECTION)
    assert PCRS[7].hex() not in read
    assert PCRS[0].hex() in read


@pytest.mark.parametrize(("index", "size"), [(16, 32), (7, 20)])
def test_what_cannot_be_extended_is_an_error(source: Swtpm, index: int, size: int) -> None:
    with pytest.raises(ValueError, match="expected a quoted PCR and 32 octets"):
        source.extend(index, bytes(size))


def test_a_quote_is_asked_for_by_a_fresh_primary_of_the_endorsement_hierarchy() -> None:
    quoters: list[Idle] = []

    def connect(tcti: str) -> Idle:
        quoters.append(Idle(tcti))
        return quoters[0]

    source = Swtpm(connect)
    try:
        assert source.attestation("an id") == {"is_available": False}
    finally:
        source.close()

    [quoter] = quoters
    how = {
        "selection": "sha256:0,7,10",
        "hierarchy": "endorsement",
        "key": "ecc-nist-p256",
        "scheme": "ecdsa-sha256",
    }
    assert (quoter.tcti, quoter.asked, quoter.closed) == (source.tcti, [("an id", how)], 1)


def test_two_at_once_have_ports_and_pcrs_of_their_own(source: Swtpm) -> None:
    other = Swtpm(Idle)
    try:
        other.extend(7, bytes(32))
        assert other.tcti != source.tcti
        assert PCRS[7].hex() in tool(source, "tpm2_pcrread", "sha256:7")
    finally:
        other.close()


def test_closing_ends_the_process_and_removes_its_folder_and_may_be_done_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    source = Swtpm(Idle)
    before = folders(tmp_path)

    source.close()
    source.close()

    assert (len(before), folders(tmp_path)) == (1, [])
    with pytest.raises(ConnectionRefusedError):
        source.extend(7, bytes(32))
    with pytest.raises(SwtpmError, match="the TPM was shut down"):
        source.attestation("an id")


def test_a_process_that_does_not_hear_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_DEADLINE", 0.2)
    process = subprocess.Popen(
        ["sh", "-c", "trap '' TERM; echo; while :; do sleep 0.01; done"], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()

    module._end(process)  # noqa: SLF001 - a swtpm that does not hear cannot be had
    process.stdout.close()

    assert process.returncode == -signal.SIGKILL


def test_a_quoter_that_cannot_be_had_leaves_nothing_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def refuse(tcti: str) -> Idle:
        raise KeyError(tcti)

    with pytest.raises(KeyError):
        Swtpm(refuse)

    assert folders(tmp_path) == []


def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a swtpm of another kind first on PATH."""
    path = tmp_path / "bin" / "swtpm"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_program_that_does_not_start_is_an_error_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, monkeypatch, "echo no seccomp here >&2; exit 1")

    with pytest.raises(SwtpmError, match="swtpm does not start: no seccomp here"):
        Swtpm(Idle)

    assert folders(tmp_path) == []


def test_without_swtpm_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SwtpmError, match="swtpm is not on PATH"):
        Swtpm(Idle)


def test_a_refused_command_is_an_error(source: Swtpm) -> None:
    port = int(source.tcti.rpartition("=")[2])
    with socket.create_connection(("127.0.0.1", port + 1)) as control:
        control.sendall(STOP)
        assert control.recv(4) == bytes(4)

    with pytest.raises(SwtpmError, match="TPM2_PCR_Extend of PCR 0: answer 80010000000a00000101"):
        source.extend(0, bytes(32))
