"""A real TPM in software: swtpm on free loopback ports, driven by tpm2-tools."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

ATTRIBUTES: Final = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign"
TOOLS: Final = ("swtpm", "tpm2_quote", "tpm2_createprimary", "tpm2_pcrread")
DEADLINE: Final = 20.0
"""Seconds within which swtpm answers and a tool ends; a busy machine needs some."""


class SwtpmError(RuntimeError):
    """swtpm or one of the tools failed; says which command, and its standard error."""


@dataclass(frozen=True)
class Key:
    """A key in the TPM.

    Attributes:
        context: Name of its context file in the TPM's directory.
        scheme: Its signing scheme, ``rsassa``, ``rsapss`` or ``ecdsa``.
        hash_alg: The hash of that scheme.
    """

    context: str
    scheme: str
    hash_alg: str


@dataclass(frozen=True)
class Quoted:
    """What one quote gives.

    Attributes:
        attest: TPMS_ATTEST.
        signature: TPMT_SIGNATURE.
        values: The quoted PCRs as the TPM reads them: bank -> number -> octets.
    """

    attest: bytes
    signature: bytes
    values: dict[str, dict[int, bytes]]


def missing_tools() -> list[str]:
    """The programs that are needed and not on PATH."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


class Swtpm:
    """A TPM 2.0 with a state directory of its own, for as long as the ``with`` block lasts.

    Example:
        with Swtpm() as tpm:
            tpm.extend({"sha256": {0: digest}})
            aik = tpm.make_aik("e", "rsa2048:rsassa-sha256")
            quoted = tpm.quote(aik, "sha256:0", nonce)
    """

    def __init__(self, prepare: Callable[[Path], object] = os.listdir) -> None:
        """Makes the directory.

        Args:
            prepare: Writes into the state directory what the TPM begins with; nothing by default.
        """
        self._directory = tempfile.TemporaryDirectory(prefix="swtpm-")
        self._path = Path(self._directory.name)
        self._state = self._path / "state"
        self._state.mkdir()
        prepare(self._state)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._contexts = 0

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            self._directory.cleanup()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()
        self._directory.cleanup()

    @property
    def tcti(self) -> str:
        """The value of TPM2TOOLS_TCTI that reaches this TPM."""
        return f"swtpm:host=127.0.0.1,port={self._port}"

    def tool(self, *command: str) -> str:
        """Runs one of the tpm2-tools in the TPM's directory and returns its standard output.

        Raises:
            SwtpmError: It ended with another status than 0, or not in time.
        """
        said = " ".join(command)
        try:
            done = subprocess.run(
                command,
                cwd=self._path,
                env={**os.environ, "TPM2TOOLS_TCTI": self.tcti},
                capture_output=True,
                text=True,
                timeout=DEADLINE,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise SwtpmError(f"{said}: no end after {DEADLINE:.0f} s") from error
        if done.returncode != 0:
            raise SwtpmError(f"{said}: status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def extend(self, digests: Mapping[str, Mapping[int, bytes]]) -> None:
        """Extends PCRs, once for each digest: bank -> number -> octets."""
        for bank, pcrs in digests.items():
            for index, octets in pcrs.items():
                self.tool("tpm2_pcrextend", f"{index}:{bank}={octets.hex()}")

    def make_aik(self, hierarchy: str, algorithm: str, *, child: bool = False) -> Key:
        """Makes a restricted signing key.

        Args:
            hierarchy: ``e``, ``o``, ``p`` or ``n``.
            algorithm: Key and scheme, such as ``rsa2048:rsapss-sha256`` or ``ecc384:ecdsa-sha384``.
            child: Make it a child of a storage primary, not a primary.
        """
        kind = ("-G", f"{algorithm}:null", "-g", "sha256", "-a", ATTRIBUTES)
        aik = self._new("aik")
        if not child:
            self.tool("tpm2_createprimary", "-Q", "-C", hierarchy, *kind, "-c", aik)
        else:
            parent = self._new("parent")
            halves = ("-u", f"{aik}.pub", "-r", f"{aik}.priv")
            self.tool("tpm2_createprimary", "-Q", "-C", hierarchy, "-c", parent)
            self.tool("tpm2_create", "-Q", "-C", parent, *kind, *halves)
            self.flush()
            self.tool("tpm2_load", "-Q", "-C", parent, *halves, "-c", aik)
        self.flush()
        scheme, hash_alg = algorithm.partition(":")[2].split("-")
        return Key(aik, scheme, hash_alg)

    def public(self, aik: Key, form: str = "tss") -> bytes:
        """The public key, ``tss`` for TPM2B_PUBLIC or ``der`` for SubjectPublicKeyInfo."""
        self.tool("tpm2_readpublic", "-Q", "-c", aik.context, "-f", form, "-o", "public")
        self.flush()
        return (self._path / "public").read_bytes()

    def quote(self, aik: Key, selection: str, qualifying: bytes) -> Quoted:
        """Quotes a selection such as ``sha256:0,7+sha1:0`` and reads the same PCRs."""
        self.tool(
            *("tpm2_quote", "-Q", "-c", aik.context, "-l", selection, "-q", qualifying.hex()),
            *("--scheme", aik.scheme, "-g", aik.hash_alg),
            *("-m", "attest", "-s", "signature", "-f", "tss"),
        )
        self.flush()
        return Quoted(
            (self._path / "attest").read_bytes(),
            (self._path / "signature").read_bytes(),
            self.pcrs(selection),
        )

    def time(self, aik: Key, qualifying: bytes) -> tuple[bytes, bytes]:
        """TPMS_ATTEST of type TIME by the key, and its TPMT_SIGNATURE: no quote, and genuine."""
        self.tool(
            *("tpm2_gettime", "-Q", "-c", aik.context, "-q", qualifying.hex()),
            *("--scheme", aik.scheme, "-g", aik.hash_alg),
            *("--attestation", "attest", "-o", "signature", "-f", "tss"),
        )
        self.flush()
        return (self._path / "attest").read_bytes(), (self._path / "signature").read_bytes()

    def pcrs(self, selection: str) -> dict[str, dict[int, bytes]]:
        """Reads PCRs: bank -> number -> octets."""
        values: dict[str, dict[int, bytes]] = {}
        bank = ""
        for line in self.tool("tpm2_pcrread", selection).splitlines():
            if head := re.fullmatch(r"\s*(\w+):\s*", line):
                bank = head[1]
            elif value := re.fullmatch(r"\s*(\d+)\s*:\s*0x([0-9A-F]+)\s*", line):
                values.setdefault(bank, {})[int(value[1])] = bytes.fromhex(value[2])
        return values

    def flush(self) -> None:
        """Frees the TPM's transient objects; saved contexts stay usable."""
        self.tool("tpm2_flushcontext", "-Q", "-t")

    def allocate(self, banks: Sequence[str]) -> None:
        """Gives exactly these PCR banks all 24 PCRs, and restarts, so that it takes effect."""
        chosen = "+".join(f"{bank}:{'all' if bank in banks else 'none'}" for bank in self._banks())
        self.tool("tpm2_pcrallocate", "-Q", chosen)
        self.reset(orderly=True)

    def reset(self, *, orderly: bool) -> None:
        """Restarts the TPM on the same state.

        Args:
            orderly: Send TPM2_Shutdown first. Without, the power fails: clock.safe becomes 0. A TPM
                counts that as a guess at a password, and after a few bars all keys.
        """
        if orderly:
            self.tool("tpm2_shutdown", "--clear")
        self._end()
        self._start()
        if not orderly:
            self.tool("tpm2_dictionarylockout", "--clear-lockout")

    def _banks(self) -> list[str]:
        return re.findall(r"- (\w+):", self.tool("tpm2_getcap", "pcrs"))

    def _new(self, name: str) -> str:
        self._contexts += 1
        return f"{name}{self._contexts}"

    def _start(self) -> None:
        for _ in range(5):  # another program may take a free port first
            self._port = _free_pair()
            self._process = self._spawn()
            if self._answers():
                return
            self._end()
        log = (self._path / "log").read_text(errors="replace").strip()
        raise SwtpmError(f"swtpm does not answer on port {self._port}: {log}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        with (self._path / "log").open("wb") as log:
            return subprocess.Popen(
                [
                    *("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self._state}"),
                    *("--server", f"type=tcp,port={self._port}"),
                    *("--ctrl", f"type=tcp,port={self._port + 1}"),
                    *("--flags", "not-need-init,startup-clear"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _answers(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                for port in (self._port, self._port + 1):
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return True
        return False

    def _end(self) -> None:
        """Ends our own process at once: whether it was told to shut down is decided before."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=DEADLINE)
        self._process = None


def _free_pair() -> int:
    """A loopback port that is free, with the one above it: tpm2-tools expect control there."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise SwtpmError("no two adjacent ports are free")
