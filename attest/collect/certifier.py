"""The long-lived key that certifies the key of a quote, as a caller names it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence

from msgspec import Struct

from attest.collect.errors import CollectError
from attest.collect.stack import LoadedKey, Tpm
from attest.endorsement import MAX_CERTIFICATES
from attest.enrolment.certificate import check_whole
from attest.enrolment.errors import EnrolmentError
from attest.enrolment.keys import read_ak
from attest.errors import MalformedError

PERSISTENT = range(0x81000000, 0x82000000)
"""Handles of keys that stay in a TPM (TPM_HT_PERSISTENT; TPM 2.0 Library Part 2, 7.2)."""


class Certifier(Struct, frozen=True):
    """An attestation key that stays in the TPM.

    Attributes:
        handle: Where it stays.
        chain: Its certificates in DER, leaf first; empty where it has none.
    """

    handle: int
    chain: tuple[bytes, ...]

    def endorse(self, tpm: Tpm, aik: LoadedKey, nonce: bytes) -> dict[str, object]:
        """Have an AIK certified while it is loaded, and write the ``endorsement`` member.

        Raises:
            CollectError: There is no such key, it is no attestation key, or the TPM refuses.
        """
        with tpm.persistent(self.handle) as ak:
            try:
                read_ak(ak.public, "the key there")
            except (EnrolmentError, MalformedError) as error:
                raise CollectError(f"certifying with 0x{self.handle:08x}", str(error)) from error
            certified = tpm.certify(aik, ak, nonce)
        member: dict[str, object] = {
            "ak_pubkey_b64": b64encode(ak.public).decode(),
            "certify_b64": b64encode(certified.attest).decode(),
            "certify_signature_b64": b64encode(certified.signature).decode(),
        }
        if self.chain:
            member["ak_cert_chain_b64"] = [b64encode(one).decode() for one in self.chain]
        return member


def read_certifier(certify_with: int | None, ak_chain: Sequence[bytes]) -> Certifier | None:
    """Read which key is to certify, if one is.

    Raises:
        TypeError: A handle that is no number, a certificate that is no octets.
        ValueError: A handle of no key that stays, a chain that no verifier reads, a chain alone.
    """
    chain = _chain(ak_chain)
    if certify_with is None:
        if chain:
            raise ValueError("ak_chain: no key certifies, and so there is nothing to chain")
        return None
    return Certifier(read_handle(certify_with, "certify_with"), chain)


def read_handle(handle: int, name: str) -> int:
    """Return the handle of a key that stays in a TPM; refuse any other."""
    if type(handle) is not int:
        raise TypeError(f"{name}: expected an int, found {type(handle).__name__}")
    if handle not in PERSISTENT:
        expected = f"0x{PERSISTENT.start:08x} to 0x{PERSISTENT.stop - 1:08x}"
        raise ValueError(f"{name}: expected a persistent handle, {expected}, found 0x{handle:x}")
    return handle


def _chain(certificates: Sequence[object]) -> tuple[bytes, ...]:
    """Return certificates that evidence may hold, each whole and alone."""
    if isinstance(certificates, (bytes, str)):
        raise TypeError(f"ak_chain: expected certificates, found {type(certificates).__name__}")
    if len(certificates) > MAX_CERTIFICATES:
        raise ValueError(f"ak_chain: {len(certificates)} certificates exceed {MAX_CERTIFICATES}")
    chain = []
    for position, certificate in enumerate(certificates):
        place = f"ak_chain[{position}]"
        if not isinstance(certificate, bytes):
            raise TypeError(f"{place}: expected bytes, found {type(certificate).__name__}")
        try:
            check_whole(certificate, place)
        except MalformedError as error:
            raise ValueError(str(error)) from error
        chain.append(certificate)
    return tuple(chain)
