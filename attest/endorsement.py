"""The member ``endorsement``: what a server adds to tie its AIK to a TPM, parsed and unjudged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from attest import crypto
from attest.errors import MalformedError
from attest.members import decoded, structure, unlike
from attest.tpm.attestation import TpmsAttest, parse_attest
from attest.tpm.public import TpmtPublic, parse_public
from attest.tpm.signature import TpmtSignature, parse_signature

MAX_CERTIFICATE = 16 * 1024
"""Octets of a certificate."""
MAX_CERTIFICATES = 16
"""Certificates of a chain."""

CERTIFICATION = ("ak_pubkey_b64", "certify_b64", "certify_signature_b64")
"""Members that only together are a certification of the AIK."""

_PLACE = "endorsement."


class Endorsement(Struct, frozen=True, gc=False):
    """What ties an AIK to a TPM; what could not be read is None, and a fault says why.

    Attributes:
        offered: The members of a certification that are there, whether or not they can be read.
        ak_public: Public area of the AK, a long-lived attestation key of the same TPM.
        ak_key: The same, ready to verify.
        certify: TPM2_Certify of the AIK, by that key.
        signature: Its signature.
        aik_chain: Certificates of the AIK as octets, the leaf first; empty where there are none.
        ak_chain: Certificates of the AK, likewise.
    """

    offered: tuple[str, ...] = ()
    ak_public: TpmtPublic | None = None
    ak_key: crypto.VerifyingKey | None = None
    certify: TpmsAttest | None = None
    signature: TpmtSignature | None = None
    aik_chain: tuple[bytes, ...] = ()
    ak_chain: tuple[bytes, ...] = ()


def read_endorsement(member: object, faults: list[str]) -> Endorsement | None:
    """Read ``endorsement``, name each fault, and keep the parts without one.

    Args:
        member: The member, of any type.
        faults: Takes the faults, each with its place.
    """
    if type(member) is not dict:
        faults.append(f"endorsement: {unlike(member, 'an object')}")
        return None
    public = _given(member, "ak_pubkey_b64", parse_public, faults)
    key = None
    if public is not None:
        try:
            key = crypto.build_key(public)
        except MalformedError as error:
            faults.append(f"{_PLACE}ak_pubkey_b64: {error}")
    return Endorsement(
        offered=tuple(name for name in CERTIFICATION if name in member),
        ak_public=public,
        ak_key=key,
        certify=_given(member, "certify_b64", parse_attest, faults),
        signature=_given(member, "certify_signature_b64", parse_signature, faults),
        aik_chain=_chain(member, "aik_cert_chain_b64", faults),
        ak_chain=_chain(member, "ak_cert_chain_b64", faults),
    )


def _given(member: Mapping[str, Any], name: str, parse: Any, faults: list[str]) -> Any:
    """Read a TPM structure that may be left out."""
    return structure(member, name, parse, faults, _PLACE) if name in member else None


def _chain(member: Mapping[str, Any], name: str, faults: list[str]) -> tuple[bytes, ...]:
    """Take the certificates of a chain, or none of them where one is out of bounds."""
    if name not in member:
        return ()
    chain, place = member[name], f"{_PLACE}{name}"
    try:
        if type(chain) is not list:
            raise MalformedError(place, unlike(chain, "an array"))
        if not 0 < len(chain) <= MAX_CERTIFICATES:
            fault = f"{len(chain)} certificates, expected 1 to {MAX_CERTIFICATES}"
            raise MalformedError(place, fault)
        return tuple(
            decoded(f"{place}[{position}]", certificate, MAX_CERTIFICATE)
            for position, certificate in enumerate(chain)
        )
    except MalformedError as error:
        faults.append(str(error))
        return ()
