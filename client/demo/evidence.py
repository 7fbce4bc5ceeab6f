"""Where the server takes evidence from: a software signer, named simulated, or no TPM at all."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from attest.crypto import payload_nonce, qualified_name
from attest.policy import demonstration
from attest.tpm.constants import Alg, Handle
from client.demo.structures import (
    Quoted,
    ecdsa_signature,
    public_area,
    quote,
    rsassa_signature,
    sized,
)

Attestation = dict[str, Any]
"""The member ``_metadata.tpm_attestation``."""
AikKind = Literal["ecc", "rsa"]
AIK_KINDS: tuple[AikKind, ...] = ("ecc", "rsa")
RSA_BITS = 2048
DIGEST_OCTETS = 32

_SHA256 = hashes.SHA256()
_NAME_ALG = Alg.SHA256.to_bytes(2, "big")
_ENDORSEMENT = Handle.ENDORSEMENT.to_bytes(4, "big")


class EvidenceSource(Protocol):
    """Makes the attestation of one request after the other; called from several threads."""

    @property
    def name(self) -> str:
        """What kind of source it is, in a word or two."""

    def attestation(self, payload_id: str) -> Attestation:
        """Return the attestation that answers a payload id, by a key made for it alone."""

    def extend(self, index: int, digest: bytes) -> None:
        """Measure a SHA-256 digest into a PCR; every later answer shows it."""

    def close(self) -> None:
        """End what the source started; it is asked no more."""


class SoftwareAik:
    """An attestation key in plain memory, which says of itself what a TPM's key would.

    Attributes:
        public: TPM2B_PUBLIC.
        qualified: Qualified Name of a primary under the endorsement hierarchy.
    """

    def __init__(self, kind: AikKind) -> None:
        """Make a fresh key: ``ecc`` is P-256 with ECDSA, ``rsa`` is 2048 bits with RSASSA."""
        self._private: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = (
            ec.generate_private_key(ec.SECP256R1())
            if kind == "ecc"
            else rsa.generate_private_key(65537, RSA_BITS)
        )
        area = public_area(self._private.public_key())
        name = _NAME_ALG + hashlib.sha256(area).digest()
        self.public = sized(area)
        self.qualified = qualified_name(Alg.SHA256, _ENDORSEMENT, name)

    def sign(self, octets: bytes) -> bytes:
        """Return TPMT_SIGNATURE over the octets."""
        if isinstance(self._private, rsa.RSAPrivateKey):
            return rsassa_signature(self._private.sign(octets, padding.PKCS1v15(), _SHA256))
        return ecdsa_signature(self._private.sign(octets, ec.ECDSA(_SHA256)))


class Simulated:
    """A software signer in the place of a TPM: what it signs proves nothing of any machine."""

    name = "simulated"

    def __init__(self, aik: AikKind = "ecc") -> None:
        """Start with the PCRs of the demonstration; each request gets a key of this kind."""
        self._aik: AikKind = aik
        self._pcrs: Mapping[int, bytes] = demonstration.PCRS
        self._started = time.monotonic()

    @property
    def pcrs(self) -> Mapping[int, bytes]:
        """The SHA-256 bank's values by index."""
        return self._pcrs

    def attestation(self, payload_id: str) -> Attestation:
        """Quote the PCRs for a payload id."""
        return self.signed(self.quoted(payload_id))

    def quoted(self, payload_id: str, **lies: Any) -> Quoted:
        """Return what an honest quote says now, but for ``lies``: members of Quoted."""
        clock = int((time.monotonic() - self._started) * 1000)
        honest = {"extra_data": payload_nonce(payload_id.encode()), "pcrs": self._pcrs}
        return Quoted(**{**honest, "clock": clock, **lies})

    def signed(self, quoted: Quoted, shown: Mapping[int, bytes] | None = None) -> Attestation:
        """Sign a quote with a fresh key.

        Args:
            quoted: What it says.
            shown: PCR values beside it; None: those that were quoted.
        """
        aik = SoftwareAik(self._aik)
        octets = quote(aik.qualified, quoted)
        values = quoted.pcrs if shown is None else shown
        indices = sorted(values)
        return {
            "is_available": True,
            "pcr_banks": f"sha256:{','.join(map(str, indices))}",
            "pcr_values": {"sha256": {str(index): values[index].hex() for index in indices}},
            "quote_b64": _base64(octets),
            "signature_b64": _base64(aik.sign(octets)),
            "aik_pubkey_b64": _base64(aik.public),
        }

    def extend(self, index: int, digest: bytes) -> None:
        """Extend one of the quoted PCRs (TPM 2.0 Library Part 1, 11.4.8)."""
        if index not in self._pcrs or len(digest) != DIGEST_OCTETS:
            raise ValueError(f"expected a quoted PCR and {DIGEST_OCTETS} octets")
        value = hashlib.sha256(self._pcrs[index] + digest).digest()
        self._pcrs = {**self._pcrs, index: value}  # a new mapping: a quote sees one state

    def close(self) -> None:
        """Nothing was started."""


class NoTpm:
    """A machine without a TPM, which says so."""

    name = "none"

    def attestation(self, payload_id: str) -> Attestation:  # noqa: ARG002 - the interface's
        """Say that there is none."""
        return {"is_available": False}

    def extend(self, index: int, digest: bytes) -> None:
        """Refuse: there is nothing to extend."""
        raise ValueError(f"no TPM, so no PCR {index} to extend with {len(digest)} octets")

    def close(self) -> None:
        """Nothing was started."""


def _base64(octets: bytes) -> str:
    return b64encode(octets).decode("ascii")
