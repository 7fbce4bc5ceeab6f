"""What attest itself read in TPM structures, as fields that a second reading is held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attest import crypto
from attest.tpm.attestation import TpmsAttest, TpmsCertifyInfo, TpmsQuoteInfo
from attest.tpm.constants import Alg, AttestType
from attest.tpm.public import RsaKey, TpmtPublic
from attest.tpm.signature import TpmtSignature

ATTEST, SIGNATURE, PUBLIC = "TPMS_ATTEST", "TPMT_SIGNATURE", "TPM2B_PUBLIC"
QUOTE, CERTIFY = int(AttestType.QUOTE), int(AttestType.CERTIFY)
RSA, ECC, ECDSA = int(Alg.RSA), int(Alg.ECC), int(Alg.ECDSA)
RSA_SCHEMES = (int(Alg.RSASSA), int(Alg.RSAPSS))
HASHED = frozenset(range(0x14, 0x1E)) - {int(Alg.RSAES)}
"""Schemes of keys that carry a hash (TPM 2.0 Library Part 2, 11.2.1.5, 11.2.2.2, 11.2.3.5)."""

Fields = Mapping[str, Any]
"""Numbers and octets by the names of the specification."""


def attest_fields(attest: TpmsAttest) -> Fields:
    """Write down TPMS_ATTEST; the body of a type that is not looked into is left out."""
    clock, body = attest.clock_info, attest.attested
    fields: dict[str, Any] = {
        "magic": attest.magic,
        "type": attest.type,
        "qualifiedSigner": attest.qualified_signer,
        "extraData": attest.extra_data,
        "clock": clock.clock,
        "resetCount": clock.reset_count,
        "restartCount": clock.restart_count,
        "safe": int(clock.safe),
        "firmwareVersion": attest.firmware_version,
    }
    if isinstance(body, TpmsQuoteInfo):
        fields["pcrSelect"] = tuple((int(one.hash), one.indices) for one in body.pcr_select)
        fields["pcrDigest"] = body.pcr_digest
    elif isinstance(body, TpmsCertifyInfo):
        fields |= {"name": body.name, "qualifiedName": body.qualified_name}
    return fields


def signature_fields(signature: TpmtSignature) -> Fields:
    """Write down TPMT_SIGNATURE; of a scheme that is not looked into, its name alone."""
    fields: dict[str, Any] = {"sigAlg": int(signature.scheme)}
    if signature.scheme in RSA_SCHEMES:
        fields |= {"hash": signature.hash, "sig": signature.rsa}
    elif signature.scheme == ECDSA:
        parts = {"signatureR": signature.r, "signatureS": signature.s}
        fields |= {"hash": signature.hash, **parts}
    return fields


def public_fields(public: TpmtPublic) -> Fields:
    """Write down a public area and its Name."""
    key = public.key
    fields: dict[str, Any] = {
        "type": RSA if isinstance(key, RsaKey) else ECC,
        "nameAlg": int(public.name_alg),
        "objectAttributes": public.attributes,
        "authPolicy": public.auth_policy,
        "name": crypto.compute_name(public),
        "scheme": int(public.scheme),
        "hashAlg": public.scheme_hash,
    }
    if isinstance(key, RsaKey):
        numbers = {"keyBits": key.bits, "exponent": key.exponent}
        return {**fields, **numbers, "modulus": key.modulus, "size": key.size}
    return {**fields, "curveID": int(key.curve), "x": key.x, "y": key.y}
