"""Entries of a revocation list: each names a certificate in one way."""

import pytest
from asn1crypto import x509 as asn1

from attest.certificates.certificate import parse_certificate
from attest.certificates.revocation import Revocation, RevocationList
from attest.certificates.twin import fingerprints
from tests.certificates.making import ca, issue, rsa_key

DIGEST = bytes(32)
ROOT = parse_certificate(issue("root", None, ca()).der, "p")
WAYS = "expected exactly one of sha256, issuer with serial, spki_sha256"
APART = "issuer and serial belong together"


def test_refuses_an_entry_that_names_nothing() -> None:
    with pytest.raises(ValueError, match=WAYS):
        Revocation(reason="why")


def test_refuses_an_entry_of_two_readings() -> None:
    with pytest.raises(ValueError, match=WAYS):
        Revocation(sha256=DIGEST, spki_sha256=DIGEST)
    with pytest.raises(ValueError, match=WAYS):
        Revocation(sha256=DIGEST, issuer="CN=a", serial=1)


def test_refuses_half_a_name() -> None:
    with pytest.raises(ValueError, match=APART):
        Revocation(issuer="CN=a")
    with pytest.raises(ValueError, match=APART):
        Revocation(sha256=DIGEST, serial=0)


def test_a_serial_number_is_that_of_its_issuer_only() -> None:
    other = RevocationList([Revocation(issuer="CN=other", serial=1)])
    same = RevocationList([Revocation(issuer="CN=root", serial=1)])

    assert other.fault(ROOT) is None
    assert same.fault(ROOT) == "revoked by issuer and serial number"


def test_an_empty_list_revokes_nothing() -> None:
    assert RevocationList().fault(ROOT) is None


def test_the_digest_is_that_of_the_entries_in_whatever_order() -> None:
    first, second = Revocation(sha256=DIGEST), Revocation(issuer="CN=a", serial=1 << 159)

    assert RevocationList([first, second]).sha256 == RevocationList([second, first]).sha256
    assert RevocationList([first]).sha256 != RevocationList([second]).sha256
    assert RevocationList([first]).sha256 != RevocationList().sha256


def test_a_signature_that_is_none_has_no_other_form() -> None:
    octets = issue("root", None, ca()).der
    cut = asn1.Certificate.load(octets)
    cut["signature_value"] = b"none"
    seen = parse_certificate(cut.dump(force=True), "p")

    assert list(fingerprints(seen)) == [seen.sha256]


def test_an_rsa_signature_has_one_form() -> None:
    seen = parse_certificate(issue("root", None, ca(), own=rsa_key()).der, "p")

    assert list(fingerprints(seen)) == [seen.sha256]
