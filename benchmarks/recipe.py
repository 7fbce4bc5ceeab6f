"""The verification that the NOMYO security guide describes, with tpm2-pytss and cryptography.

Parse the three structures, verify the signature with the key, compare the nonce and the PCR digest.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from tpm2_pytss.types import TPM2B_PUBLIC, TPMS_ATTEST, TPMT_SIGNATURE

CURVES: Final[dict[str, tuple[ec.EllipticCurve, hashes.HashAlgorithm, str]]] = {
    "p256": (ec.SECP256R1(), hashes.SHA256(), "sha256"),
    "p384": (ec.SECP384R1(), hashes.SHA384(), "sha384"),
}


def judge_rsa(metadata: Mapping[str, Any]) -> bool:
    """Verify a quote by an RSA key with RSASSA-SHA256."""
    quote, signature, public = _structures(metadata["tpm_attestation"])
    details, unique = public.publicArea.parameters.rsaDetail, public.publicArea.unique
    modulus = int.from_bytes(bytes(unique.rsa), "big")
    key = rsa.RSAPublicNumbers(details.exponent or 65537, modulus).public_key()
    octets = bytes(signature.signature.rsassa.sig)
    key.verify(octets, quote, padding.PKCS1v15(), hashes.SHA256())
    return _is_fresh_and_whole(metadata, quote, "sha256")


def judge_ecc(kind: str) -> Callable[[Mapping[str, Any]], bool]:
    """Verify quotes by keys of one curve with ECDSA."""
    curve, algorithm, name = CURVES[kind]

    def judge(metadata: Mapping[str, Any]) -> bool:
        quote, signature, public = _structures(metadata["tpm_attestation"])
        point, parts = public.publicArea.unique.ecc, signature.signature.ecdsa
        x, y, r, s = (
            int.from_bytes(bytes(part), "big")
            for part in (point.x, point.y, parts.signatureR, parts.signatureS)
        )
        key = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
        key.verify(utils.encode_dss_signature(r, s), quote, ec.ECDSA(algorithm))
        return _is_fresh_and_whole(metadata, quote, name)

    return judge


def _structures(member: Mapping[str, Any]) -> tuple[bytes, Any, Any]:
    signature, _ = TPMT_SIGNATURE.unmarshal(base64.b64decode(member["signature_b64"]))
    public, _ = TPM2B_PUBLIC.unmarshal(base64.b64decode(member["aik_pubkey_b64"]))
    return base64.b64decode(member["quote_b64"]), signature, public


def _is_fresh_and_whole(metadata: Mapping[str, Any], quote: bytes, name: str) -> bool:
    attest, _ = TPMS_ATTEST.unmarshal(quote)
    nonce = hashlib.sha256(metadata["payload_id"].encode()).digest()[:16]
    values = b"".join(
        bytes.fromhex(pcrs[index])
        for pcrs in metadata["tpm_attestation"]["pcr_values"].values()
        for index in sorted(pcrs, key=int)
    )
    digest = hashlib.new(name, values).digest()
    return bytes(attest.extraData) == nonce and bytes(attest.attested.quote.pcrDigest) == digest
