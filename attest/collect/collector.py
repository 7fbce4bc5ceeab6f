"""Fresh key, PCR values and quote that agree: the ``tpm_attestation`` member of one response."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from contextlib import closing
from threading import Lock
from types import TracebackType
from typing import Self

from attest import crypto
from attest.collect.certifier import Certifier, read_certifier
from attest.collect.errors import CollectError
from attest.collect.stack import LoadedKey, Quoted, Tpm, Values
from attest.collect.wanted import Wanted, read_wanted

ATTEMPTS = 10
"""Quotes that are made until one agrees with the values that are read."""

SELECTION = "sha256:0,7,10"
HIERARCHY = "endorsement"
KEY = "rsa2048"
SCHEME = "rsassa-sha256"


class Collector:
    """A connection to a TPM, for many quotes.

    Threads may share it: a lock lets one of them at a time have the TPM. It holds nothing
    there between two quotes.

    Example:
        with Collector(tcti="device:/dev/tpmrm0") as collector:
            block = collector.quote(payload_id)
    """

    def __init__(self, tcti: object = None) -> None:
        """Connect to a TPM.

        Args:
            tcti: How to reach it, as tpm2-tools spell it: ``device:/dev/tpmrm0``,
                ``swtpm:host=127.0.0.1,port=2321``; or a ``tpm2_pytss.TCTI``, which stays the
                caller's to close. By default what ``TPM2TOOLS_TCTI`` says, else where libtss2
                looks: a resource manager, ``/dev/tpmrm0``, ``/dev/tpm0``, a simulator.

        Raises:
            CollectError: It cannot be reached, or the extra ``tpm`` is missing.
            TypeError: ``tcti`` is none of these.
            ValueError: ``tcti`` is empty.
        """
        self._lock = Lock()
        self._tpm: Tpm | None = Tpm(tcti)

    def __enter__(self) -> Self:
        """Close at the end of the ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the connection, after the quote of another thread; a second time does nothing."""
        with self._lock:
            if self._tpm is not None:
                self._tpm.close()
                self._tpm = None

    def quote(  # noqa: PLR0913 - the public call: each property is the caller's to choose
        self,
        payload_id: str,
        *,
        selection: str = SELECTION,
        hierarchy: str = HIERARCHY,
        key: str = KEY,
        scheme: str = SCHEME,
        certify_with: int | None = None,
        ak_chain: Sequence[bytes] = (),
    ) -> dict[str, object]:
        """Quote once by a key made for this call, as ``attest.collect.quote`` does.

        Raises:
            CollectError: The TPM refuses, or PCRs changed around each of ten quotes.
            TypeError: An argument that is no text.
            ValueError: An argument that says nothing or nothing known; a closed collector.
        """
        wanted = read_wanted(payload_id, selection, hierarchy, key, scheme)
        certifier = read_certifier(certify_with, ak_chain)
        with self._lock:
            if self._tpm is None:
                raise ValueError("this collector is closed")
            return _collected(self._tpm, wanted, certifier)


def quote(  # noqa: PLR0913 - the public call: each property is the caller's to choose
    payload_id: str,
    *,
    selection: str = SELECTION,
    hierarchy: str = HIERARCHY,
    key: str = KEY,
    scheme: str = SCHEME,
    certify_with: int | None = None,
    ak_chain: Sequence[bytes] = (),
    tcti: object = None,
) -> dict[str, object]:
    """Quote once, by a restricted signing key that is made for this call and forgotten after it.

    Args:
        payload_id: Id of the request; SHA-256 of it, the first 16 octets, is the quote's extraData.
        selection: PCRs by bank, in the spelling of ``pcr_banks``: ``sha256:0,7,10+sha1:0``.
        hierarchy: Where the key is made: endorsement, owner, platform or null-hierarchy. One that
            has a password is refused.
        key: rsa2048, rsa3072, ecc-nist-p256, ecc-nist-p384 or ecc-nist-p521.
        scheme: A scheme by the name that policies have for it, which fits the key.
        certify_with: Persistent handle of an attestation key, such as 0x81010002, that certifies
            the key of the quote (TPM2_Certify) while that is loaded.
        ak_chain: Certificates of that key in DER, leaf first, to be sent along.
        tcti: How to reach the TPM; see ``Collector``.

    Returns:
        The ``tpm_attestation`` member of a response: is_available, pcr_banks, pcr_values,
        quote_b64 (TPMS_ATTEST), signature_b64 (TPMT_SIGNATURE), aik_pubkey_b64 (TPM2B_PUBLIC);
        with ``certify_with`` also endorsement, whose certify_b64 repeats the quote's nonce.

    Raises:
        CollectError: No TPM can be reached, it refuses, or PCRs changed around each of ten quotes;
            or the extra ``tpm`` is missing.
        TypeError: An argument of a wrong type.
        ValueError: An argument that says nothing, or nothing known. The TPM was not touched.
    """
    wanted = read_wanted(payload_id, selection, hierarchy, key, scheme)
    certifier = read_certifier(certify_with, ak_chain)
    with closing(Tpm(tcti)) as tpm:
        return _collected(tpm, wanted, certifier)


def _collected(tpm: Tpm, wanted: Wanted, certifier: Certifier | None) -> dict[str, object]:
    """Quote by a fresh key, and write the ``tpm_attestation`` member."""
    endorsement = {}
    with tpm.fresh_aik(wanted) as aik:
        if certifier is not None:
            endorsement["endorsement"] = certifier.endorse(tpm, aik, wanted.nonce)
        values, quoted = _agreeing(tpm, aik, wanted)
    return {
        "is_available": True,
        "pcr_banks": wanted.banks,
        "pcr_values": {
            bank: {str(index): value.hex() for index, value in pcrs.items()}
            for bank, pcrs in values.items()
        },
        "quote_b64": b64encode(quoted.attest).decode(),
        "signature_b64": b64encode(quoted.signature).decode(),
        "aik_pubkey_b64": b64encode(aik.public).decode(),
        **endorsement,
    }


def _agreeing(tpm: Tpm, aik: LoadedKey, wanted: Wanted) -> tuple[Values, Quoted]:
    """Quote until the values read right before it, or right after it, are the quoted ones."""
    values = tpm.read_pcrs(wanted.selection)
    for _ in range(ATTEMPTS):
        quoted = tpm.quote(aik, wanted)
        if _digest(values, wanted) != quoted.pcr_digest:
            values = tpm.read_pcrs(wanted.selection)
        if _digest(values, wanted) == quoted.pcr_digest:
            return values, quoted
    fault = f"PCRs changed before and after the quote, {ATTEMPTS} times in a row"
    raise CollectError(f"quoting {wanted.banks}", fault)


def _digest(values: Values, wanted: Wanted) -> bytes:
    """Digest values as a quote does: bank by bank as selected, then by index."""
    octets = b"".join(pcrs[index] for pcrs in values.values() for index in sorted(pcrs))
    return crypto.digest(wanted.hash, octets)
