"""Chains that are refused, each by its own reason and at its own certificate."""

import pytest
from cryptography import x509

from attest.certificates.model import ChainFault, Purpose
from tests.certificates.chaining import LEAF, MIDDLE, ROOT, SECOND, refused, validated, validator
from tests.certificates.making import (
    AIK,
    AT,
    EK,
    END,
    SERVER,
    START,
    Extensions,
    ak,
    ca,
    issue,
    key,
    key_usage,
    other,
    resigned,
    rsa_key,
    tpm_name,
    usages,
)


def test_refuses_no_certificate() -> None:
    assert refused() == ("c", ChainFault.EMPTY, "no certificate")


def test_refuses_too_many_certificates() -> None:
    said = "17 certificates exceed 16"

    assert refused(*[LEAF.der] * 17) == ("c", ChainFault.TOO_MANY, said)


def test_refuses_a_certificate_too_large() -> None:
    said = "16385 octets exceed 16384"

    assert refused(LEAF.der, bytes(16385)) == ("c[1]", ChainFault.TOO_LARGE, said)


def test_refuses_certificates_that_are_too_large_together() -> None:
    large = issue("large", ROOT, [*ca(), (other("1.2.3.4", bytes(14_000)), False)])
    total = len(LEAF.der) + 5 * len(large.der)

    seen = refused(LEAF.der, *[large.der + bytes(100)] * 5)

    assert seen == ("c", ChainFault.TOO_LARGE, f"{total} octets exceed 65536")


def test_refuses_junk_anywhere() -> None:
    said = "is no DER certificate"

    assert refused(LEAF.der, MIDDLE.der, b"junk") == ("c[2]", ChainFault.MALFORMED, said)


def test_refuses_a_moment_without_zone() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        validated(LEAF, MIDDLE, at=AT.replace(tzinfo=None))


def test_refuses_a_chain_to_another_root() -> None:
    elsewhere = issue("elsewhere", None, ca())
    said = "no path to a pinned root: no certificate of its issuer, CN=root"

    seen = refused(LEAF.der, MIDDLE.der, by=validator(elsewhere))

    assert seen == ("c[1]", ChainFault.NO_PATH, said)


def test_refuses_a_chain_that_brings_its_own_root() -> None:
    theirs = issue("theirs", None, ca())
    leaf = issue("leaf", theirs, ak())
    said = "no path to a pinned root: no certificate of its issuer, CN=theirs"

    seen = refused(leaf.der, theirs.der)

    assert seen == ("c[1]", ChainFault.NO_PATH, said)


def test_refuses_a_chain_without_its_intermediate() -> None:
    said = "no path to a pinned root: no certificate of its issuer, CN=middle"

    assert refused(LEAF.der) == ("c[0]", ChainFault.NO_PATH, said)


def test_refuses_a_root_of_the_same_name_with_another_key() -> None:
    same = issue("root", None, ca(), own=key("other"))
    said = "its signature does not verify with the key of CN=root"

    seen = refused(LEAF.der, MIDDLE.der, by=validator(same))

    assert seen == ("c[1]", ChainFault.SIGNATURE, said)


def test_refuses_a_leaf_that_its_issuer_did_not_sign() -> None:
    forged = issue("leaf", MIDDLE._replace(key=key("other")), ak())
    said = "its signature does not verify with the key of CN=middle"

    assert refused(forged.der, MIDDLE.der) == ("c[0]", ChainFault.SIGNATURE, said)


def test_refuses_an_issuer_with_another_key_identifier() -> None:
    wanted = x509.AuthorityKeyIdentifier(b"wanted", None, None)
    other_ = x509.SubjectKeyIdentifier(b"other")
    middle = issue("middle", ROOT, [*ca(), (other_, False)])
    leaf = issue("leaf", middle, ak((wanted, False)))

    assert refused(leaf.der, middle.der)[:2] == ("c[0]", ChainFault.NO_PATH)


def test_refuses_a_root_with_another_key_identifier() -> None:
    wanted = x509.AuthorityKeyIdentifier(b"wanted", None, None)
    root = issue("root", None, [*ca(), (x509.SubjectKeyIdentifier(b"other"), False)])
    leaf = issue("leaf", root, ak((wanted, False)))

    assert refused(leaf.der, by=validator(root))[:2] == ("c[0]", ChainFault.NO_PATH)


def test_refuses_what_has_expired() -> None:
    late = END + SECOND
    said = "expired at 2027-01-01T00:00:00+00:00; judged at 2027-01-01T00:00:01+00:00"

    assert refused(LEAF.der, MIDDLE.der, at=late) == ("c[0]", ChainFault.EXPIRED, said)


def test_refuses_what_is_not_yet_valid() -> None:
    early = START - SECOND
    said = "not valid before 2026-01-01T00:00:00+00:00; judged at 2025-12-31T23:59:59+00:00"

    assert refused(LEAF.der, MIDDLE.der, at=early) == ("c[0]", ChainFault.NOT_YET_VALID, said)


def test_refuses_an_expired_intermediate() -> None:
    middle = issue("middle", ROOT, ca(), valid=(START, AT - SECOND))

    assert refused(LEAF.der, middle.der)[:2] == ("c[1]", ChainFault.EXPIRED)


def test_an_expired_intermediate_has_its_place_in_the_evidence_though_the_policy_knows_it() -> None:
    middle = issue("middle", ROOT, ca(), valid=(START, AT - SECOND))

    seen = refused(LEAF.der, middle.der, by=validator(ROOT, middle))

    assert seen[:2] == ("c[1]", ChainFault.EXPIRED)


def test_refuses_an_expired_root() -> None:
    root = issue("root", None, ca(), valid=(START, AT - SECOND))

    seen = refused(LEAF.der, MIDDLE.der, by=validator(root))

    assert seen[:2] == ("roots.pem[0]", ChainFault.EXPIRED)


def test_refuses_a_ca_as_leaf() -> None:
    sub = issue("sub", ROOT, [*ca(), (usages(EK), False), (tpm_name(), True)])

    for purpose in Purpose:
        seen = refused(sub.der, purpose=purpose)
        assert seen[:2] == ("c[0]", ChainFault.CA_AS_LEAF)


def test_refuses_an_issuer_that_is_no_ca() -> None:
    leaf = issue("below", LEAF, ak())
    said = "may not issue certificates: CN=leaf"

    assert refused(leaf.der, LEAF.der, MIDDLE.der) == ("c[1]", ChainFault.NO_CA, said)


def test_refuses_a_ca_that_may_not_sign_certificates() -> None:
    only_lists: Extensions = [ca()[0], (key_usage("crl_sign"), True)]
    middle = issue("middle", ROOT, only_lists)

    assert refused(LEAF.der, middle.der)[:2] == ("c[1]", ChainFault.NO_CA)


def test_refuses_an_intermediate_for_another_usage() -> None:
    middle = issue("middle", ROOT, [*ca(), (usages(SERVER), False)])
    said = f"issues for {SERVER}, not for {AIK}"

    assert refused(LEAF.der, middle.der) == ("c[1]", ChainFault.WRONG_USAGE, said)


def test_refuses_an_unknown_critical_extension() -> None:
    leaf = issue("leaf", MIDDLE, ak((other("1.2.3.4", b"\x05\x00"), True)))
    said = "critical extension 1.2.3.4 is unknown"

    assert refused(leaf.der, MIDDLE.der) == ("c[0]", ChainFault.CRITICAL_EXTENSION, said)


def test_refuses_a_path_longer_than_an_intermediate_allows() -> None:
    below = issue("below", MIDDLE, ca())
    leaf = issue("leaf", below, ak())

    place, kind, said = refused(leaf.der, below.der, MIDDLE.der)

    assert (place, kind) == ("c[1]", ChainFault.PATH)
    assert said == "it exceeds the maximum path length"


def test_refuses_a_path_longer_than_the_root_allows() -> None:
    root = issue("root", None, ca(0))

    assert refused(LEAF.der, MIDDLE.der, by=validator(root))[:2] == ("c[1]", ChainFault.PATH)


def test_refuses_names_outside_an_intermediates_constraints() -> None:
    allowed = x509.NameConstraints([x509.DirectoryName(ROOT.name)], None)
    middle = issue("middle", ROOT, [*ca(), (allowed, True)])
    leaf = issue("leaf", middle, ak())

    place, kind, said = refused(leaf.der, middle.der)

    assert (place, kind) == ("c[0]", ChainFault.PATH)
    assert "not all names" in said


def test_refuses_a_chain_signed_with_sha_1() -> None:
    middle = issue("middle", issue("rsa root", None, ca(), own=rsa_key()), ca())
    weak = resigned(middle, rsa_key(), "sha1_rsa")
    root = issue("rsa root", None, ca(), own=rsa_key())
    said = "signed with rsassa_pkcs1v15 sha1, expected SHA-256, 384 or 512"

    seen = refused(LEAF.der, weak, by=validator(root))

    assert seen == ("c[1]", ChainFault.WEAK, said)


def test_sha_1_will_do_under_an_intermediate_that_the_policy_pins() -> None:
    root = issue("rsa root", None, ca(), own=rsa_key())
    middle = issue("middle", root, ca())
    weak = middle._replace(der=resigned(middle, rsa_key(), "sha1_rsa"))

    assert validated(LEAF, weak, by=validator(root, weak)).root_subject == "CN=rsa root"


def test_sha_1_under_a_pinned_intermediate_is_verified_still() -> None:
    root = issue("rsa root", None, ca(), own=rsa_key())
    middle = issue("middle", root, ca())
    forged = middle._replace(der=resigned(middle, rsa_key(3072), "sha1_rsa"))

    seen = refused(LEAF.der, by=validator(root, forged))

    said = "its signature does not verify with the key of CN=rsa root"
    assert seen == ("roots.pem[1]", ChainFault.SIGNATURE, said)


def test_refuses_sha_1_in_a_leaf_below_a_pinned_root() -> None:
    root = issue("rsa root", None, ca(), own=rsa_key())
    leaf = resigned(issue("leaf", root, ak()), rsa_key(), "sha1_rsa")

    assert refused(leaf, by=validator(root))[:2] == ("c[0]", ChainFault.WEAK)


def test_refuses_md5_even_under_an_intermediate_that_the_policy_pins() -> None:
    root = issue("rsa root", None, ca(), own=rsa_key())
    middle = issue("middle", root, ca())
    weak = middle._replace(der=resigned(middle, rsa_key(), "md5_rsa"))

    assert refused(LEAF.der, by=validator(root, weak))[:2] == ("roots.pem[1]", ChainFault.WEAK)


def test_refuses_a_signature_that_is_not_of_the_issuers_key() -> None:
    by_rsa = issue("leaf", MIDDLE._replace(key=rsa_key()), ak())
    said = "signed with rsassa_pkcs1v15, its issuer's key is ec"

    assert refused(by_rsa.der, MIDDLE.der) == ("c[0]", ChainFault.SIGNATURE, said)


def test_refuses_an_issuer_with_a_weak_key() -> None:
    middle = issue("middle", ROOT, ca(), own=rsa_key(1024))
    leaf = issue("leaf", middle, ak())
    said = "its key has 1024 bits, expected 2048 to 8192"

    assert refused(leaf.der, middle.der) == ("c[1]", ChainFault.WEAK, said)
