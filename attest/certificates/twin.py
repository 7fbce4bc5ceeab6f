"""Other octets of the same certificate: each ECDSA signature has a second form that verifies."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from asn1crypto import algos, core

from attest.certificates.certificate import UNREADABLE, Certificate, framed

_ORDERS = tuple(
    int(order, 16)
    for order in (
        "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551",
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973",
        (
            "1FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
            "A51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409"
        ),
    )
)
"""Orders of P-256, P-384 and P-521 (SEC 2)."""


def fingerprints(certificate: Certificate) -> Iterator[bytes]:
    """Yield SHA-256 of the certificate, and of all octets that its holder can turn it into.

    Of an ECDSA signature (r, s) anybody can make (r, n - s), which verifies too (SEC 1, 4.1.4): a
    list of fingerprints that did not know of it would be left with one subtraction. All else in a
    certificate is signed, or written in one way.
    """
    yield certificate.sha256
    if certificate.signature[0] != "ecdsa":
        return
    parsed = certificate.parsed
    try:
        pair = algos.DSASignature.load(parsed["signature_value"].native, strict=True).native
    except UNREADABLE:
        return
    for order in _ORDERS:
        twin = algos.DSASignature({"r": pair["r"], "s": order - pair["s"]})
        octets = framed(parsed, core.OctetBitString(twin.dump()))
        yield hashlib.sha256(octets).digest()
