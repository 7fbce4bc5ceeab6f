"""TPMT_SIGNATURE: a signature with its scheme and hash."""

from __future__ import annotations

from struct import Struct as Layout

from msgspec import Struct

from attest.tpm.constants import Alg
from attest.tpm.reader import Reader

MAX_RSA_OCTETS = 512
"""MAX_RSA_KEY_BYTES: no TPM has keys over 4096 bits."""

MAX_ECC_OCTETS = 128
"""MAX_ECC_KEY_BYTES: more than any curve of the specification needs."""

_HASH = Layout(">HH")
_SCHEME_TO_SIZE = Layout(">HHH")
_SCHEME_TO_SIZE_END = _SCHEME_TO_SIZE.size
_ECDSA = Alg.ECDSA
_RSA_SCHEMES = (Alg.RSASSA, Alg.RSAPSS)


class TpmtSignature(Struct, frozen=True, gc=False):
    """TPMT_SIGNATURE (TPM 2.0 Library Part 2, 11.3.4).

    Attributes:
        scheme: sigAlg; a bare number where the specification names none.
        hash: Hash of the scheme; None where the scheme is not one that attest reads.
        rsa: Signature of RSASSA and RSAPSS, big-endian.
        r: First part of an ECDSA signature, big-endian.
        s: Second part of an ECDSA signature, big-endian.
    """

    scheme: int
    hash: int | None = None
    rsa: bytes = b""
    r: bytes = b""
    s: bytes = b""


def parse_signature(data: bytes) -> TpmtSignature:
    """Parse TPMT_SIGNATURE whole: an RSA signature at a glance, any other field by field.

    RSASSA, RSAPSS and ECDSA are read to the last octet. Of any other scheme only the name is
    read, for a check to refuse by it.

    Raises:
        MalformedError: A size out of bounds, an octet too few or many.
    """
    return rsa_signature_at_a_glance(data) or signature_field_by_field(data)


def rsa_signature_at_a_glance(data: bytes) -> TpmtSignature | None:
    """Read an RSA signature; None for whatever else, also with a fault."""
    if len(data) < _SCHEME_TO_SIZE_END:
        return None
    scheme, digest, size = _SCHEME_TO_SIZE.unpack_from(data)
    rsa = data[_SCHEME_TO_SIZE_END:]
    if scheme not in _RSA_SCHEMES or size != len(rsa) or size > MAX_RSA_OCTETS:
        return None
    return TpmtSignature(scheme, digest, rsa)


def signature_field_by_field(data: bytes) -> TpmtSignature:
    """Read TPMT_SIGNATURE of any scheme.

    Raises:
        MalformedError: See ``parse_signature``.
    """
    reader = Reader("TPMT_SIGNATURE", data)
    scheme = reader.uint16("sigAlg")
    if scheme in _RSA_SCHEMES:
        (digest, _), rsa = reader.unpack_sized(_HASH, "hash", "sig", MAX_RSA_OCTETS)
        signature = TpmtSignature(scheme, digest, rsa)
    elif scheme == _ECDSA:
        (digest, _), r = reader.unpack_sized(_HASH, "hash", "signatureR", MAX_ECC_OCTETS)
        signature = TpmtSignature(scheme, digest, r=r, s=reader.sized("signatureS", MAX_ECC_OCTETS))
    else:
        reader.rest()
        signature = TpmtSignature(scheme)
    reader.finish()
    return signature
