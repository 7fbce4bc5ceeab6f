"""Chains on whose way a revoked certificate stands."""

import hashlib

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.asymmetric import ec, utils

from attest.certificates.model import ChainFault, Purpose
from attest.certificates.revocation import Revocation
from tests.certificates.chaining import (
    LEAF,
    MIDDLE,
    refused,
    validated,
    validator,
)
from tests.certificates.making import (
    AT,
    ak,
    ca,
    issue,
)

REVOKED = [
    Revocation(sha256=bytes.fromhex("00" * 32)),
    Revocation(issuer="CN=middle", serial=2),
    Revocation(issuer="CN=root", serial=1, reason="CVE-2026-1"),
    Revocation(spki_sha256=validated(LEAF, MIDDLE).spki_sha256),
    Revocation(sha256=validated(LEAF, MIDDLE).root_sha256, reason="a\x1b[0m"),
]


def test_refuses_a_revoked_leaf() -> None:
    by_fingerprint = Revocation(sha256=validated(LEAF, MIDDLE).leaf_sha256)

    seen = refused(LEAF.der, MIDDLE.der, by=validator(revoked=(by_fingerprint,)))

    assert seen == ("c[0]", ChainFault.REVOKED, "revoked by fingerprint")


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_a_revoked_leaf_cannot_turn_its_signature_round(curve: ec.EllipticCurve) -> None:
    root = issue("ecc root", None, ca(), own=ec.generate_private_key(curve))
    leaf = issue("leaf", root, ak())
    certificate = asn1.Certificate.load(leaf.der)
    r, s = utils.decode_dss_signature(certificate["signature_value"].native)
    order = curve.group_order
    certificate["signature_value"] = utils.encode_dss_signature(r, order - s)
    turned = certificate.dump(force=True)
    listed = Revocation(sha256=hashlib.sha256(leaf.der).digest())

    assert validator(root).validate([turned], Purpose.AK, AT, "c").leaf_sha256 != listed.sha256
    seen = refused(turned, by=validator(root, revoked=(listed,)))
    assert seen == ("c[0]", ChainFault.REVOKED, "revoked by fingerprint")


def test_refuses_a_revoked_intermediate_and_says_why() -> None:
    # The root issued itself, and is another certificate with serial number 1.
    seen = refused(LEAF.der, MIDDLE.der, by=validator(revoked=tuple(REVOKED[:3])))

    said = "revoked by issuer and serial number: CVE-2026-1"
    assert seen == ("c[1]", ChainFault.REVOKED, said)


def test_refuses_a_revoked_key_in_whatever_certificate() -> None:
    again = issue("leaf", MIDDLE, ak(), serial=99)

    seen = refused(again.der, MIDDLE.der, by=validator(revoked=(REVOKED[3],)))

    assert seen == ("c[0]", ChainFault.REVOKED, "revoked by its key")


def test_refuses_a_revoked_root_and_escapes_the_reason() -> None:
    seen = refused(LEAF.der, MIDDLE.der, by=validator(revoked=(REVOKED[4],)))

    said = "revoked by fingerprint: a\\x1b[0m"
    assert seen == ("roots.pem[0]", ChainFault.REVOKED, said)


def test_what_is_not_on_the_list_is_not_revoked() -> None:
    listed = validator(revoked=tuple(REVOKED[:2]))

    assert validated(LEAF, MIDDLE, by=listed) == validated(LEAF, MIDDLE)
