"""The two keys of an enrolment, judged as strictly as the checks judge the key of a quote."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from attest import crypto
from attest.attesting import attributes_fault, strength_fault
from attest.enrolment.certificate import key_of
from attest.enrolment.errors import EnrolmentError
from attest.errors import MalformedError
from attest.policy.anchoring import AikRules, Trust
from attest.policy.model import SCHEMES, Policy
from attest.tpm.constants import RESERVED_ATTRIBUTES, Alg, Attributes, alg_name
from attest.tpm.public import TpmtPublic, parse_public
from attest.tpm.storage import parse_storage_public

AK = "ak_pubkey_b64"
EK = "ek_pubkey_b64"
EK_CERT = "ek_cert_chain_b64"

_DEFAULTS = Policy("enrolment", AikRules(Trust.UNANCHORED))
"""Asks what is asked of any key, whatever a policy says."""
_STORAGE = (
    Attributes.RESTRICTED
    | Attributes.DECRYPT
    | Attributes.FIXED_TPM
    | Attributes.FIXED_PARENT
    | Attributes.SENSITIVE_DATA_ORIGIN
)
_NEVER_STORAGE = Attributes.SIGN | Attributes.ENCRYPTED_DUPLICATION | RESERVED_ATTRIBUTES
_EK_HASHES = (Alg.SHA256, Alg.SHA384, Alg.SHA512)


class EnrolledKey(Struct, frozen=True):
    """A key that may be enrolled.

    Attributes:
        public: Its public area.
        name: Its Name.
        spki_sha256: SHA-256 of its SubjectPublicKeyInfo.
    """

    public: TpmtPublic
    name: bytes
    spki_sha256: bytes


def read_ak(octets: bytes, place: str = AK) -> EnrolledKey:
    """Read the public area of an attestation key: restricted, fixed to its TPM, strong.

    Args:
        octets: TPM2B_PUBLIC.
        place: Where it stands, for errors.

    Raises:
        EnrolmentError: It is no attestation key, or a weak one.
        MalformedError: It cannot be read.
    """
    public, key = _read(octets, place, parse_public)
    fault = attributes_fault(public) or strength_fault(public, _DEFAULTS)
    if fault is not None:
        raise EnrolmentError(place, fault)
    if (public.scheme, public.scheme_hash) not in SCHEMES.values():
        own = alg_name(public.scheme)
        if public.scheme_hash is not None:
            own = f"{own}-{alg_name(public.scheme_hash)}"
        raise EnrolmentError(place, f"its scheme is {own}, expected one of {', '.join(SCHEMES)}")
    return EnrolledKey(public, crypto.compute_name(public), crypto.spki_sha256(key))


def read_ek(octets: bytes, chain: Sequence[bytes]) -> EnrolledKey:
    """Read the public area of an endorsement key, and hold it against its certificate.

    The certificate vouches for the key alone, and its issuer for what a TPM does with it; the
    attributes here are what the machine says of it.

    Args:
        octets: TPM2B_PUBLIC.
        chain: Certificates in DER, that of the endorsement key first.

    Raises:
        EnrolmentError: It is no storage key, a weak one, or another than the certificate's.
        MalformedError: It, or the certificate, cannot be read.
    """
    public, key = _read(octets, EK, parse_storage_public)
    seen = public.attributes
    if seen & _STORAGE != _STORAGE or seen & _NEVER_STORAGE:
        wanted = "a restricted decryption key, fixed to its TPM and made there"
        raise EnrolmentError(EK, f"objectAttributes is 0x{seen:08x}: expected {wanted}")
    if public.name_alg not in _EK_HASHES:
        raise EnrolmentError(EK, f"nameAlg is {alg_name(public.name_alg)}, expected SHA-2")
    weakness = strength_fault(public, _DEFAULTS)
    if weakness is not None:
        raise EnrolmentError(EK, weakness)
    spki = crypto.spki_sha256(key)
    certified = crypto.spki_sha256(key_of(chain[0], f"{EK_CERT}[0]"))
    if certified != spki:
        fault = f"is of the key {certified.hex()}, the endorsement key is {spki.hex()}"
        raise EnrolmentError(f"{EK_CERT}[0]", fault)
    return EnrolledKey(public, crypto.compute_name(public), spki)


def _read(
    octets: bytes, place: str, parse: Callable[[bytes], TpmtPublic]
) -> tuple[TpmtPublic, crypto.VerifyingKey]:
    """Read a public area and its key."""
    try:
        public = parse(octets)
        key = crypto.build_key(public)
    except MalformedError as error:
        raise MalformedError(place, str(error)) from error
    if key is None:
        raise EnrolmentError(place, "is no key to compute with")
    return public, key
