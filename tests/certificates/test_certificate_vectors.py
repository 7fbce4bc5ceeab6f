"""Certificates of real TPMs and clouds: all are read, and Google's chain holds at its time."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import pem

from attest import crypto
from attest.certificates.certificate import Certificate, parse_certificate
from attest.certificates.chains import ChainValidator, demand_key
from attest.certificates.identity import is_gce, is_leaf
from attest.certificates.leaf import check_leaf
from attest.certificates.model import Chain, ChainError, ChainFault, Purpose, TpmSpecification
from attest.certificates.revocation import Revocation
from attest.certificates.roots import load_roots
from attest.evidence import read_evidence
from tests.certificates.making import fault

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
VECTORS = FIXTURES / "vectors"
CERTIFICATES = sorted((VECTORS / "certs").glob("*.der"))
CERTIFICATIONS = sorted((VECTORS / "certify").glob("*.json"))
GOOGLE_LEAF, GOOGLE_MIDDLE = "gce-cos-85-nonce9009-akcert", "gce-ca-tpm_ek_intermediate_2"
GOOGLE_ROOT, OTHER_ROOT = "gce-ca-tpm_ek_root_1", "gce-ca-gcp_ek_ak_ca_root"
AT = datetime(2021, 9, 1, tzinfo=UTC)
"""Within a day of the quote: the leaf was issued on the evening before."""

of_certificates = pytest.mark.parametrize("path", CERTIFICATES, ids=lambda path: path.stem)
of_certifications = pytest.mark.parametrize("path", CERTIFICATIONS, ids=lambda path: path.stem)


def octets(name: str) -> bytes:
    return (VECTORS / "certs" / f"{name}.der").read_bytes()


def read(name: str) -> Certificate:
    return parse_certificate(octets(name), name)


def validator(*names: str, revoked: tuple[Revocation, ...] = ()) -> ChainValidator:
    bundle = b"".join(pem.armor("CERTIFICATE", octets(name)) for name in names)
    return ChainValidator(load_roots(bundle, "roots.pem"), revoked)


GOOGLE = validator(GOOGLE_ROOT)


def validated(by: ChainValidator = GOOGLE, at: datetime = AT) -> Chain:
    return by.validate([octets(GOOGLE_LEAF), octets(GOOGLE_MIDDLE)], Purpose.AK, at, "c")


def refused(by: ChainValidator = GOOGLE, at: datetime = AT) -> tuple[str, ChainFault, str]:
    with pytest.raises(ChainError) as caught:
        validated(by, at)
    return fault(caught.value)


def test_every_certificate_is_there() -> None:
    assert len(CERTIFICATES) == 12


@of_certificates
def test_every_certificate_is_read_as_its_source_says(path: Path) -> None:
    said: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))

    seen = read(path.stem)

    assert seen.subject == said.get("subject", seen.subject)
    assert seen.issuer == said.get("issuer", seen.issuer)
    assert str(seen.not_after) == said.get("not_after", str(seen.not_after))
    assert hex(seen.serial) == said.get("serial", hex(seen.serial))
    assert list(seen.usages or ()) == said.get("eku", list(seen.usages or ()))
    assert seen.key.weakness is None


def test_an_nvram_index_is_read_without_its_padding() -> None:
    index = octets("keylime-st_sha256_with_rsa")

    seen = parse_certificate(index, "p")

    assert len(seen.der) < len(index)
    assert set(index[len(seen.der) :]) == {0xFF}


@pytest.mark.parametrize("name", ["keylime-st_ecdsa_sha256", "keylime-st_sha256_with_rsa"])
def test_ek_certificates_of_parts_name_the_part(name: str) -> None:
    seen = read(name)

    check_leaf(seen, Purpose.EK)
    assert seen.tpm is not None
    assert (seen.tpm.vendor, seen.tpm.model) == ("STM", "ST33HTPHAHB4")
    assert seen.tpm.version == "id:00490004"
    assert seen.specification == TpmSpecification("2.0", 0, 116)


@pytest.mark.parametrize("name", ["keylime-st_ecdsa_sha256", "keylime-st_sha256_with_rsa"])
def test_ek_certificates_are_none_of_aks(name: str) -> None:
    with pytest.raises(ChainError, match="extended key usage"):
        check_leaf(read(name), Purpose.AK)


@of_certifications
def test_aik_certificates_of_parts_are_aks(path: Path) -> None:
    chain = json.loads(path.read_text(encoding="utf-8"))["x5c_b64"]
    leaf, issuer = (
        parse_certificate(base64.b64decode(one), f"c[{index}]") for index, one in enumerate(chain)
    )

    check_leaf(leaf, Purpose.AK)

    assert leaf.tpm is not None
    assert leaf.tpm.vendor in ("STM", "NTC")
    assert (issuer.ca, issuer.usages) == (True, ("1.3.6.1.4.1.311.21.36", "2.23.133.8.3"))


CAS = [path.stem for path in CERTIFICATES if read(path.stem).ca]


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("name", CAS)
def test_no_ca_is_taken_for_a_leaf_though_it_bears_the_usage(name: str, purpose: Purpose) -> None:
    with pytest.raises(ChainError) as caught:
        check_leaf(read(name), purpose)

    assert caught.value.kind is ChainFault.CA_AS_LEAF


def test_googles_chain_holds_at_the_time_of_its_evidence() -> None:
    seen = validated()

    assert seen.root_sha256 == read(GOOGLE_ROOT).sha256
    assert seen.not_before == datetime(2021, 8, 31, 23, 11, 5, tzinfo=UTC)
    assert seen.not_after == datetime(2051, 8, 24, 23, 16, 5, tzinfo=UTC)
    assert seen.tpm is not None
    assert seen.tpm.vendor_name == "Google"


def test_googles_chain_is_about_the_key_that_signed_the_quote() -> None:
    response = (FIXTURES / "gce-cos-85-nonce9009-sha256/response.json").read_bytes()
    evidence = read_evidence(response)
    assert evidence.key is not None

    demand_key(validated(), crypto.spki_sha256(evidence.key), "c")


def test_googles_chain_names_project_and_instance() -> None:
    seen = validated()

    assert is_gce(seen, "google.com:wuale-gcp-testing", "cos-test")
    assert is_gce(seen, "117478743145", "6797026933021542085")
    assert is_leaf(seen, read(GOOGLE_LEAF).sha256)
    assert not is_gce(seen, "google.com:another", "cos-test")
    assert not is_gce(seen, "google.com:wuale-gcp-testing", "another")


def test_googles_chain_is_told_in_a_result() -> None:
    said = validated().to_dict()

    assert json.loads(json.dumps(said)) == said
    assert (said["serial"], said["subject"]) == ("15c189200bf3dcc5ee8d6700145145df04177", "")
    assert (said["not_before"], said["not_after"]) == (
        "2021-08-31T23:11:05+00:00",
        "2051-08-24T23:16:05+00:00",
    )
    assert said["tpm"] == {
        "manufacturer": "id:474F4F47",
        "vendor": "GOOG",
        "vendor_name": "Google",
        "model": "vTPM",
        "version": "id:20160511",
    }
    assert said["gce"] == {
        "zone": "us-central1-a",
        "project_number": "117478743145",
        "project_id": "google.com:wuale-gcp-testing",
        "instance_id": "6797026933021542085",
        "instance_name": "cos-test",
        "production": True,
    }


def test_googles_chain_is_refused_before_it_began_and_after_it_ended() -> None:
    early = datetime(2021, 8, 31, tzinfo=UTC)
    late = datetime(2051, 8, 25, tzinfo=UTC)

    assert refused(at=early)[:2] == ("c[0]", ChainFault.NOT_YET_VALID)
    assert refused(at=late)[:2] == ("c[0]", ChainFault.EXPIRED)


def test_googles_chain_is_refused_under_another_root() -> None:
    assert refused(validator(OTHER_ROOT))[:2] == ("c[1]", ChainFault.NO_PATH)


def test_googles_chain_is_refused_where_the_leaf_is_revoked() -> None:
    leaf = read(GOOGLE_LEAF)
    listed = Revocation(issuer=leaf.issuer, serial=leaf.serial, reason="machine sold")

    seen = refused(validator(GOOGLE_ROOT, revoked=(listed,)))

    said = "revoked by issuer and serial number: machine sold"
    assert seen == ("c[0]", ChainFault.REVOKED, said)


@pytest.mark.parametrize(
    ("name", "root"),
    [
        ("gce-ca-gcp_ek_ak_ca_intermediate_v3", OTHER_ROOT),
        ("openpcc-azure_tpm_intermediate_01", "openpcc-azure_tpm_root_2023"),
        ("openpcc-azure_tpm_intermediate_03", "openpcc-azure_tpm_root_2023"),
        ("gce-ca-tpm_ek_intermediate_3", GOOGLE_ROOT),
    ],
)
def test_roots_of_clouds_and_their_intermediates_go_together(name: str, root: str) -> None:
    seen = load_roots(
        b"".join(pem.armor("CERTIFICATE", octets(one)) for one in (name, root)), "f.pem"
    )

    assert [one.sha256 for one in seen.anchors] == [read(root).sha256]
    assert [one.issuer for one in seen.intermediates] == [read(root).subject]
