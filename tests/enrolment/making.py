"""Keys, certificates and files of an enrolment, in software: honest, but for what is asked."""

import datetime
from functools import cache
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from attest.enrolment.documents import Request
from tests.aik import alg, ecc_aik, sized

EK_ATTRIBUTES: Final = 0x000300B2
"""fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt."""
AES_128_CFB: Final = bytes.fromhex("0006 0080 0043")
NULL: Final = alg("null").to_bytes(2, "big")
NOW: Final = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
CURVES: Final = {"secp256r1": 3, "secp384r1": 4, "secp521r1": 5}

Public = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@cache
def ek_key(curve: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """The endorsement key: RSA-2048, or on a curve."""
    if not curve:
        return rsa.generate_private_key(65537, 2048)
    known = {one.name: one for one in (ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1())}
    return ec.generate_private_key(known[curve])


def ek_public(key: Public | None = None, **lies: Any) -> bytes:
    """TPM2B_PUBLIC of an endorsement key."""
    key = key or ek_key("").public_key()
    numbers = key.public_numbers()
    if isinstance(numbers, rsa.RSAPublicNumbers):
        kind = 0x0001
        parameters = key.key_size.to_bytes(2, "big") + bytes(4)
        unique = sized(numbers.n.to_bytes(key.key_size // 8, "big"))
    else:
        kind, size = 0x0023, (key.key_size + 7) // 8
        parameters = CURVES[numbers.curve.name].to_bytes(2, "big") + lies.get("kdf", NULL)
        unique = sized(numbers.x.to_bytes(size, "big")) + sized(numbers.y.to_bytes(size, "big"))
    area = (
        alg(lies.get("kind", kind)).to_bytes(2, "big")
        + alg(lies.get("name_alg", "sha256")).to_bytes(2, "big")
        + lies.get("attributes", EK_ATTRIBUTES).to_bytes(4, "big")
        + sized(bytes(32))
        + lies.get("symmetric", AES_128_CFB)
        + lies.get("scheme", NULL)
        + parameters
        + unique
        + lies.get("tail", b"")
    )
    return sized(area)


@cache
def ek_certificate(curve: str = "") -> bytes:
    """A certificate of the endorsement key, in DER, which nobody vouches for."""
    return certificate_of(ek_key(curve).public_key())


def certificate_of(key: Any) -> bytes:
    """A certificate of any key, in DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Endorsement")])
    builder = x509.CertificateBuilder(name, name, key, 1, NOW, NOW + datetime.timedelta(days=1))
    signed = builder.sign(ec.derive_private_key(7, ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(Encoding.DER)


def request(**lies: Any) -> Request:
    """A request for the key ``ecc_aik()``, by the RSA endorsement key."""
    members: dict[str, Any] = {
        "schema": 1,
        "ek": "rsa2048",
        "ek_pubkey_b64": ek_public(),
        "ek_cert_chain_b64": (ek_certificate(),),
        "ak_pubkey_b64": ecc_aik().public(),
    }
    return Request(**(members | lies))
