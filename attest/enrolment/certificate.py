"""The certificate of an endorsement key: its public key, and whether it is to be believed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from asn1crypto import keys, x509

from attest import crypto
from attest.certificates.der import certificate_octets
from attest.certificates.model import ChainError, Purpose
from attest.enrolment.documents import EkValidation
from attest.enrolment.errors import EnrolmentError
from attest.errors import MalformedError
from attest.text import shown
from attest.tpm.constants import Alg, Curve
from attest.tpm.public import EccKey, RsaKey, TpmtPublic

if TYPE_CHECKING:
    from attest.certificates.chains import ChainValidator

VerifyEk = Callable[[Sequence[bytes]], EkValidation]
"""Judges the chain of an endorsement key's certificate, leaf first; refuses by EnrolmentError."""

_RSA = frozenset({"rsa", "rsaes_oaep", "rsassa_pss"})
"""Some makers name the RSA key by the scheme that it is for."""
_CURVES = {
    "secp256r1": Curve.NIST_P256,
    "secp384r1": Curve.NIST_P384,
    "secp521r1": Curve.NIST_P521,
}
_UNCOMPRESSED = 4


def not_validated(_: Sequence[bytes]) -> EkValidation:
    """Say that nothing was asked of the certificate."""
    told = "not validated: nothing says that this certificate is a TPM's"
    return EkValidation("none", told)


def pinned_to(fingerprints: Collection[bytes]) -> VerifyEk:
    """Return what accepts only the certificates of these SHA-256 digests."""

    def verify(chain: Sequence[bytes]) -> EkValidation:
        seen = fingerprint(chain[0])
        if bytes.fromhex(seen) not in fingerprints:
            wanted = ", ".join(sorted(one.hex() for one in fingerprints))
            raise EnrolmentError("ek_cert_chain_b64", f"SHA-256 is {seen}, expected {wanted}")
        return EkValidation("pinned", "its digest was known to the enroller")

    return verify


def chained_to(validator: ChainValidator, at: datetime) -> VerifyEk:
    """Return what accepts the chains of endorsement keys to the enroller's roots.

    Args:
        validator: The roots.
        at: Moment by which validity is judged, with zone.
    """

    def verify(chain: Sequence[bytes]) -> EkValidation:
        try:
            seen = validator.validate(chain, Purpose.EK, at, "ek_cert_chain_b64")
        except ChainError as error:
            raise EnrolmentError(error.place, error.fault) from error
        return EkValidation("chain", shown(f"up to the root {seen.root_subject}"))

    return verify


def fingerprint(certificate: bytes) -> str:
    """Return SHA-256 of a certificate in DER, in hex."""
    return hashlib.sha256(certificate).hexdigest()


def unpadded(octets: bytes, place: str) -> bytes:
    """Return the certificate in octets of NV memory, which may be longer than what is in it.

    Raises:
        MalformedError: No certificate begins there, it is too large, or what follows it is no
            padding.
    """
    try:
        return certificate_octets(octets, place)
    except ChainError as error:
        raise MalformedError(place, error.fault) from error


def check_whole(certificate: bytes, place: str) -> None:
    """Refuse what is not one certificate, whole and alone.

    Raises:
        MalformedError: It is not.
    """
    if unpadded(certificate, place) != certificate:
        raise MalformedError(place, "has octets after the certificate")


def key_of(certificate: bytes, place: str) -> crypto.VerifyingKey:
    """Read the public key of a certificate; nothing else of it is looked at.

    Raises:
        MalformedError: It cannot be read, is not whole, or its key is none that a TPM has.
    """
    check_whole(certificate, place)
    try:
        info = x509.Certificate.load(certificate)["tbs_certificate"]["subject_public_key_info"]
        parts = _rsa(info) if info.algorithm in _RSA else _ecc(info)
        key = crypto.build_key(TpmtPublic(Alg.SHA256, 0, b"", Alg.NULL, None, parts, b""))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MalformedError(place, "its public key cannot be read") from error
    if key is None:
        raise MalformedError(place, "its public key is none to compute with")
    return key


def _rsa(info: keys.PublicKeyInfo) -> RsaKey:
    numbers = info["public_key"].parsed.native
    modulus: int = numbers["modulus"]
    bits = modulus.bit_length()
    return RsaKey(bits, numbers["public_exponent"], modulus, (bits + 7) // 8)


def _ecc(info: keys.PublicKeyInfo) -> EccKey:
    """Read a point; an algorithm that has no curve is a KeyError or ValueError of the library."""
    form, curve = info.curve
    point: bytes = info["public_key"].native
    if form != "named" or point[0] != _UNCOMPRESSED:
        raise ValueError(form)
    half = (len(point) + 1) // 2
    return EccKey(_CURVES[curve], point[1:half], point[half:])
