"""A connection to a TPM with somebody in it: who does something first, or answers himself."""

import os
from collections.abc import Callable
from typing import Final

os.environ.setdefault("TSS2_LOG", "all+none")  # libtss2 logs each refusal

from tpm2_pytss import PyTCTI, TCTILdr

CREATE_PRIMARY: Final = 0x131
QUOTE: Final = 0x158
FLUSH: Final = 0x165
PCR_READ: Final = 0x17E
FAILED: Final = bytes.fromhex("8001 0000000a 00000101")
"""The answer of a TPM in failure mode: TPM_RC_FAILURE."""


def untouched(octets: bytes) -> bytes:
    """What the TPM answers, as it came."""
    return octets


class Meddler(PyTCTI):  # type: ignore[misc]  # the stack ships no types
    """Passes commands on to a TPM; a context manager that closes the connection behind it.

    Attributes:
        seen: Code of each command.
        before: What to do before a command of this code is passed on.
        answers: Commands that never reach the TPM, with the answer.
        changed: What to make of each answer of the TPM.
    """

    def __init__(self, tcti: str) -> None:
        super().__init__()
        self._tpm = TCTILdr.parse(tcti)
        self.seen: list[int] = []
        self.before: dict[int, Callable[[], object]] = {}
        self.answers: dict[int, bytes] = {}
        self.changed: Callable[[bytes], bytes] = untouched

    def do_transmit(self, command: bytes) -> None:
        code = int.from_bytes(command[6:10], "big")
        self.seen.append(code)
        if code in self.before:
            self.before[code]()
        if code not in self.answers:
            self._tpm.transmit(command)

    def do_receive(self, timeout: int) -> bytes:
        answer = self.answers.get(self.seen[-1])
        if answer is not None:
            return answer
        return self.changed(self._tpm.receive(timeout=timeout))

    def do_finalize(self) -> None:
        self._tpm.close()
