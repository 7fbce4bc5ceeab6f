"""Leaves: an AK's, an EK's, and what is neither."""

import pytest
from cryptography import x509

from attest.certificates.certificate import Certificate, parse_certificate
from attest.certificates.leaf import check_leaf, required_usage
from attest.certificates.model import ChainError, ChainFault, Purpose
from tests.certificates.making import (
    AIK,
    EK,
    GCE,
    SERVER,
    Extensions,
    ak,
    ca,
    ek,
    fault,
    issue,
    key_usage,
    other,
    rsa_key,
    tpm_name,
    usages,
)
from tests.certificates.test_gce import TESTING, extension

LEAF = (x509.BasicConstraints(ca=False, path_length=None), True)
SIGNS = (key_usage("digital_signature"), True)
GOOGLE = (other(GCE, extension()), False)


def leaf(extensions: Extensions) -> Certificate:
    return parse_certificate(issue("leaf", None, extensions).der, "p[0]")


def refused(extensions: Extensions, purpose: Purpose) -> tuple[str, ChainFault, str]:
    with pytest.raises(ChainError) as caught:
        check_leaf(leaf(extensions), purpose)
    return fault(caught.value)


AKS = [
    (ak(), AIK),
    ([LEAF, (usages(AIK), False)], AIK),
    (ak(eku=(EK, AIK)), AIK),
    (ak(eku=(EK,)), EK),
    (ak(GOOGLE, eku=()), None),
]


@pytest.mark.parametrize(("extensions", "usage"), AKS, ids=[str(n) for n in range(5)])
def test_an_ak_certificate_is_one(extensions: Extensions, usage: str | None) -> None:
    seen = leaf(extensions)

    check_leaf(seen, Purpose.AK)

    assert required_usage(seen) == usage


EKS = [
    ek((tpm_name(), True)),
    [LEAF, (key_usage("key_encipherment"), True), GOOGLE],
    [LEAF, (key_usage("key_encipherment"), True), (usages(EK), False), (tpm_name(), True)],
]


@pytest.mark.parametrize("extensions", EKS, ids=["ecc", "google", "rsa"])
def test_an_ek_certificate_is_one(extensions: Extensions) -> None:
    check_leaf(leaf(extensions), Purpose.EK)


CA_EK = [*ca(), (usages(EK), False), (tpm_name(), True)]
NO_CONSTRAINTS = "has no basicConstraints: a leaf must say that it is no CA"
IS_CA = "is a CA certificate, expected a leaf"
CAS = [
    (CA_EK, IS_CA),
    ([LEAF, (key_usage("key_cert_sign", "digital_signature"), True), (usages(AIK), False)], IS_CA),
    ([SIGNS, (usages(AIK), False)], NO_CONSTRAINTS),
]


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize(("extensions", "said"), CAS, ids=["ca", "key usage", "silent"])
def test_a_ca_is_no_leaf(extensions: Extensions, said: str, purpose: Purpose) -> None:
    assert refused(extensions, purpose) == ("p[0]", ChainFault.CA_AS_LEAF, said)


WANTED_AK = "expected 2.23.133.8.3 (AIK), or 2.23.133.8.1 (EK) with digitalSignature"
NO_AKS = [
    (ek((tpm_name(), True)), "extended key usage 2.23.133.8.1, key usage key_agreement"),
    ([LEAF, (usages(EK), False)], "extended key usage 2.23.133.8.1, key usage none"),
    (ak(eku=(SERVER,)), f"extended key usage {SERVER}, key usage digital_signature"),
    (ak(eku=()), "extended key usage none, key usage digital_signature"),
    ([LEAF, GOOGLE], "extended key usage none, key usage none"),
    (
        [LEAF, (key_usage("key_agreement"), True), (usages(AIK), False)],
        "extended key usage 2.23.133.8.3, key usage key_agreement",
    ),
]


@pytest.mark.parametrize(("extensions", "said"), NO_AKS, ids=[said for _, said in NO_AKS])
def test_other_usages_make_no_ak(extensions: Extensions, said: str) -> None:
    seen = refused(extensions, Purpose.AK)

    assert seen == ("p[0]", ChainFault.WRONG_USAGE, f"{said}; {WANTED_AK}")


WANTED_EK = "expected 2.23.133.8.1 (EK) with keyEncipherment or keyAgreement"
NO_EKS = [
    (ak((tpm_name(), True)), "extended key usage 2.23.133.8.3, key usage digital_signature"),
    (ak((tpm_name(), True), eku=(EK,)), f"extended key usage {EK}, key usage digital_signature"),
    ([LEAF, (usages(EK), False), (tpm_name(), True)], f"extended key usage {EK}, key usage none"),
    (
        [LEAF, (key_usage("key_agreement"), True), (tpm_name(), True)],
        "extended key usage none, key usage key_agreement",
    ),
]


@pytest.mark.parametrize(("extensions", "said"), NO_EKS, ids=[said for _, said in NO_EKS])
def test_other_usages_make_no_ek(extensions: Extensions, said: str) -> None:
    seen = refused(extensions, Purpose.EK)

    assert seen == ("p[0]", ChainFault.WRONG_USAGE, f"{said}; {WANTED_EK}")


def test_an_ek_names_its_tpm() -> None:
    said = "subjectAltName does not name the TPM's manufacturer, model and version"

    assert refused(ek(), Purpose.EK) == ("p[0]", ChainFault.NOT_AN_EK, said)


def test_a_weak_key_is_no_leafs() -> None:
    weak = issue("leaf", None, ak(), own=rsa_key(1024))

    with pytest.raises(ChainError) as caught:
        check_leaf(parse_certificate(weak.der, "p[0]"), Purpose.AK)

    said = "its key has 1024 bits, expected 2048 to 8192"
    assert fault(caught.value) == ("p[0]", ChainFault.WEAK, said)


def test_what_production_did_not_issue_is_still_a_leaf_of_google() -> None:
    check_leaf(leaf(ak((other(GCE, extension(rest=TESTING)), False), eku=())), Purpose.AK)
