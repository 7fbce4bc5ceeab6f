"""Certificates of the tests' own: honest ones by default, each test tells one lie."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from asn1crypto import core, pem
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from attest.certificates.model import ChainError, ChainFault

START = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2026, 6, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

AIK, EK, SERVER = "2.23.133.8.3", "2.23.133.8.1", "1.3.6.1.5.5.7.3.1"
GCE = "1.3.6.1.4.1.11129.2.1.21"
TPM = (
    ("2.23.133.2.1", "id:494E5443"),
    ("2.23.133.2.2", "model"),
    ("2.23.133.2.3", "id:00010002"),
)

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Issued(NamedTuple):
    """A certificate and its key."""

    der: bytes
    key: PrivateKey
    name: x509.Name

    @property
    def pem(self) -> bytes:
        armored: bytes = pem.armor("CERTIFICATE", self.der)
        return armored


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    """Make a key; the same name gives the same key."""
    return ec.generate_private_key(ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def key_usage(*set_: str) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in set_ for name in names})


def usages(*dotted: str) -> x509.ExtendedKeyUsage:
    return x509.ExtendedKeyUsage([ObjectIdentifier(one) for one in dotted])


def tpm_name(*pairs: tuple[str, str]) -> x509.SubjectAlternativeName:
    attributes = [x509.NameAttribute(ObjectIdentifier(oid), text) for oid, text in pairs or TPM]
    return x509.SubjectAlternativeName([x509.DirectoryName(x509.Name(attributes))])


def odd_tpm_name() -> x509.UnrecognizedExtension:
    """Name the TPM in one relative name of several values, none of them UTF8String."""
    pairs = b""
    for oid, text in TPM:
        body = core.ObjectIdentifier(oid).dump() + core.PrintableString(text).dump()
        pairs += core.Sequence(contents=body).dump()
    name = core.Sequence(contents=core.Set(contents=pairs).dump()).dump()
    general = b"\xa4" + bytes([len(name)]) + name
    return other("2.5.29.17", core.Sequence(contents=general).dump())


def other(dotted: str, octets: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ObjectIdentifier(dotted), octets)


Extensions = Sequence[tuple[x509.ExtensionType, bool]]


def issue(
    name: str,
    by: Issued | None,
    extensions: Extensions,
    *,
    valid: tuple[datetime, datetime] = (START, END),
    **lies: Any,
) -> Issued:
    """Issue a certificate, by itself where nobody else does; ``own`` key, ``serial``,
    names of ``issuer`` and ``subject`` and ``padding`` of the signature may be others.
    """
    subject, own = common_name(name), lies.get("own") or key(name)
    builder = x509.CertificateBuilder(
        issuer_name=lies.get("issuer") or (by.name if by else subject),
        subject_name=lies.get("subject") or subject,
        public_key=own.public_key(),
        serial_number=lies.get("serial", 1),
        not_valid_before=valid[0],
        not_valid_after=valid[1],
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    signer = by.key if by else own
    made = builder.sign(signer, hashes.SHA256(), rsa_padding=lies.get("padding"))
    return Issued(made.public_bytes(Encoding.DER), own, subject)


def ca(length: int | None = None) -> Extensions:
    return [
        (x509.BasicConstraints(ca=True, path_length=length), True),
        (key_usage("key_cert_sign"), True),
    ]


def ak(*more: tuple[x509.ExtensionType, bool], eku: Sequence[str] = (AIK,)) -> Extensions:
    """Say what an AK certificate says, or with no usages all but them."""
    given: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage("digital_signature"), True),
        *more,
    ]
    return [*given, (usages(*eku), False)] if eku else given


def ek(*more: tuple[x509.ExtensionType, bool]) -> Extensions:
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (key_usage("key_agreement"), True),
        (usages(EK), False),
        *more,
    ]


def resigned(issued: Issued, by: rsa.RSAPrivateKey, algorithm: str) -> bytes:
    """Sign a certificate anew as the library for certificates would not: with SHA-1."""
    certificate = asn1.Certificate.load(issued.der)
    kind: dict[str, Any] = {"algorithm": algorithm}
    certificate["tbs_certificate"]["signature"] = kind
    certificate["signature_algorithm"] = kind
    body = certificate["tbs_certificate"].dump(force=True)
    digest = hashes.SHA1()  # noqa: S303 - the lie
    certificate["signature_value"] = by.sign(body, padding.PKCS1v15(), digest)
    octets: bytes = certificate.dump(force=True)
    return octets


def fault(error: ChainError) -> tuple[str, ChainFault, str]:
    return error.place, error.kind, error.fault
