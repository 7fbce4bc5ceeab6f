"""A real TPM in software as the source of evidence: a swtpm process of its own, ended with it."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from attest.policy import demonstration
from attest.tpm.constants import Alg
from client.demo.evidence import DIGEST_OCTETS, Attestation

PROGRAM = "swtpm"
SELECTION = f"sha256:{','.join(map(str, sorted(demonstration.PCRS)))}"

_DEADLINE = 20.0
"""Seconds within which swtpm answers or ends; a busy machine needs some."""
_TRIES = 5
_HOST = "127.0.0.1"
_GET_CAPABILITY = struct.pack(">I", 1)
"""The first command of swtpm's control channel (swtpm_ioctls(3)), which changes nothing."""
_SESSIONS, _RS_PW, _PCR_EXTEND = 0x8002, 0x40000009, 0x00000182
"""TPM_ST_SESSIONS, TPM_RS_PW and TPM_CC_PCR_Extend (TPM 2.0 Library Part 2, 6.9, 7.4, 6.5.2)."""
_HEADER = struct.Struct(">HII")
_MAX_ANSWER = 4096


class SwtpmError(Exception):
    """swtpm is not there, does not start, or refuses a command."""


class Quoter(Protocol):
    """What is asked of ``attest.collect.Collector``."""

    def quote(self, payload_id: str, **how: str) -> Attestation:
        """Return the attestation for a payload id."""

    def close(self) -> None:
        """Let go of the TPM."""


class Swtpm:
    """A swtpm with a folder and two ports of its own, and the demonstration's PCRs."""

    name = "swtpm"

    def __init__(self, connect: Callable[[str], Quoter] | None = None) -> None:
        """Start the process and measure into its PCRs.

        Args:
            connect: Makes a quoter from a TCTI; None: ``attest.collect.Collector``.

        Raises:
            SwtpmError: There is no swtpm, or it does not start.
            ImportError: What talks to a TPM (extra ``tpm``) is not installed.
        """
        connect = _collector() if connect is None else connect
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="attest-demo-")
        self._quoter: Quoter | None = None
        try:
            self._process, self._port = _started(self._folder.name)
        except BaseException:
            self._folder.cleanup()
            raise
        try:
            for index, digest in demonstration.MEASURED.items():
                self.extend(index, digest)
            self._quoter = connect(self.tcti)
        except BaseException:
            self.close()
            raise

    @property
    def tcti(self) -> str:
        """How TPM libraries name this TPM."""
        return f"swtpm:host={_HOST},port={self._port}"

    def attestation(self, payload_id: str) -> Attestation:
        """Quote for a payload id with a fresh primary key; one request at a time."""
        with self._lock:
            if self._quoter is None:
                raise SwtpmError("the TPM was shut down")
            return self._quoter.quote(
                payload_id,
                selection=SELECTION,
                hierarchy="endorsement",
                key="ecc-nist-p256",
                scheme="ecdsa-sha256",
            )

    def extend(self, index: int, digest: bytes) -> None:
        """Send TPM2_PCR_Extend (TPM 2.0 Library Part 3, 22.2) for the SHA-256 bank."""
        if index not in demonstration.PCRS or len(digest) != DIGEST_OCTETS:
            raise ValueError(f"expected a quoted PCR and {DIGEST_OCTETS} octets")
        authorization = struct.pack(">IHBH", _RS_PW, 0, 0, 0)
        body = struct.pack(">II", index, len(authorization)) + authorization
        body += struct.pack(">IH", 1, Alg.SHA256) + digest
        command = _HEADER.pack(_SESSIONS, _HEADER.size + len(body), _PCR_EXTEND) + body
        with self._lock:
            answer = _exchanged(self._port, command, _MAX_ANSWER)
        code = _HEADER.unpack_from(answer)[2] if len(answer) >= _HEADER.size else None
        if code != 0:
            raise SwtpmError(f"TPM2_PCR_Extend of PCR {index}: answer {answer[:16].hex()}")

    def close(self) -> None:
        """Let go of the TPM, end the process and remove its folder; a second call does nothing."""
        with self._lock:
            quoter, self._quoter = self._quoter, None
            if quoter is not None:
                quoter.close()
            _end(self._process)
            self._folder.cleanup()


def _collector() -> Callable[[str], Quoter]:
    """Import what talks to TPMs, which needs the system's libraries, only where it is asked for."""
    collector: Callable[..., Quoter] = import_module("attest.collect").Collector
    return lambda tcti: collector(tcti=tcti)


def _started(folder: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start swtpm on a free pair of ports; another program may take the first before it does."""
    program = shutil.which(PROGRAM)
    if program is None:
        raise SwtpmError(f"{PROGRAM} is not on PATH")
    for _ in range(_TRIES):
        control, port = _free_pair()
        with control:
            process = _spawned(program, folder, control, port)
        if _answers(port + 1):
            return process, port
        _end(process)
    log = Path(folder, "log").read_text(errors="replace").strip()
    raise SwtpmError(f"{PROGRAM} does not start: {log}")


def _free_pair() -> tuple[socket.socket, int]:
    """Listen on a free port above another that is free: TPM libraries expect control there."""
    for _ in range(100):
        control = socket.socket()
        try:
            with socket.socket() as first:
                first.bind((_HOST, 0))
                port = int(first.getsockname()[1])
                control.bind((_HOST, port + 1))
                control.listen()
        except (OSError, OverflowError):
            control.close()
            continue
        return control, port
    raise SwtpmError("no two adjacent ports are free")


def _spawned(
    program: str, folder: str, control: socket.socket, port: int
) -> subprocess.Popen[bytes]:
    """Start the process; it inherits the listening socket of its control channel."""
    with Path(folder, "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - found on PATH, and no word of it is a caller's
            [
                *(program, "socket", "--tpm2", "--tpmstate", f"dir={folder}"),
                *("--server", f"type=tcp,port={port}"),
                *("--ctrl", f"type=tcp,fd={control.fileno()}"),
                *("--flags", "not-need-init,startup-clear"),
            ],
            pass_fds=(control.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the server, which ends it in order
        )


def _answers(port: int) -> bool:
    """Wait for the control channel's first answer: the command port listens by then.

    The socket listened before the process began, so the question waits there, and its end is seen
    at once.
    """
    try:
        return bool(_exchanged(port, _GET_CAPABILITY, _MAX_ANSWER))
    except OSError:
        return False


def _exchanged(port: int, question: bytes, most: int) -> bytes:
    """Send one command, and take its answer."""
    with socket.create_connection((_HOST, port), timeout=_DEADLINE) as channel:
        channel.sendall(question)
        return channel.recv(most)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End our own process by its handle."""
    process.terminate()
    try:
        process.wait(timeout=_DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
