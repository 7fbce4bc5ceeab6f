"""Quotes and certifications of other makers' TPMs: parsed whole, verified, never mistaken."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from attest import crypto
from attest.evidence import read_evidence
from attest.tpm.attestation import TpmsCertifyInfo, TpmsQuoteInfo, parse_attest
from attest.tpm.constants import TPM_GENERATED_VALUE, AttestType
from attest.tpm.public import parse_public
from attest.tpm.signature import parse_signature
from tests import build
from tests.aik import sized
from tests.judging import answer, verified

VECTORS = Path(__file__).parent.parent / "fixtures/vectors"
QUOTES = sorted((VECTORS / "quotes").glob("*.json"))
CERTIFICATIONS = sorted((VECTORS / "certify").glob("*.json"))

of_quotes = pytest.mark.parametrize("path", QUOTES, ids=lambda path: path.stem)
of_certifications = pytest.mark.parametrize("path", CERTIFICATIONS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return vector


def octets(vector: dict[str, Any], member: str) -> bytes:
    return base64.b64decode(vector[member], validate=True)


def verifying_key(key: object) -> crypto.RsaVerifyingKey:
    assert isinstance(key, rsa.RSAPublicKey)
    return crypto.RsaVerifyingKey(key, (key.key_size + 7) // 8, key.key_size)


def test_every_maker_is_there() -> None:
    assert (len(QUOTES), len(CERTIFICATIONS)) == (6, 2)


@of_quotes
def test_quote_is_read_as_its_source_says(path: Path) -> None:
    vector = read(path)
    attest = parse_attest(octets(vector, "quote_b64"))
    assert isinstance(attest.attested, TpmsQuoteInfo)
    selection = [[one.bank, list(one.indices)] for one in attest.attested.pcr_select]
    assert (attest.magic, attest.type) == (TPM_GENERATED_VALUE, AttestType.QUOTE)
    assert (attest.extra_data.hex(), selection) == (
        vector["nonce_hex"],
        vector["parsed"]["selection"],
    )


@of_quotes
def test_quote_verifies_with_the_key_of_its_source(path: Path) -> None:
    vector = read(path)
    key = verifying_key(load_pem_public_key(vector["aik_spki_pem"].encode()))
    signature = parse_signature(octets(vector, "signature_b64"))
    assert crypto.signature_fault(key, signature, octets(vector, "quote_b64")) is None


@of_quotes
def test_quote_does_not_verify_with_another_octet(path: Path) -> None:
    vector = read(path)
    key = verifying_key(load_pem_public_key(vector["aik_spki_pem"].encode()))
    signature = parse_signature(octets(vector, "signature_b64"))
    changed = octets(vector, "quote_b64")[:-1] + b"\x00"
    assert crypto.signature_fault(key, signature, changed) is not None


@of_quotes
def test_quote_digests_the_values_of_its_source(path: Path) -> None:
    vector = read(path)
    attest = parse_attest(octets(vector, "quote_b64"))
    signature = parse_signature(octets(vector, "signature_b64"))
    assert isinstance(attest.attested, TpmsQuoteInfo)
    values = b"".join(
        bytes.fromhex(vector["pcr_values"][selection.bank][str(index)])
        for selection in attest.attested.pcr_select
        for index in selection.indices
    )
    assert attest.attested.pcr_digest == crypto.digest(signature.hash or 0, values)


@of_quotes
def test_quote_without_its_key_is_refused(path: Path) -> None:
    vector = read(path)
    told = build.response(
        quote=octets(vector, "quote_b64"),
        signature=octets(vector, "signature_b64"),
        drop=["_metadata.tpm_attestation.aik_pubkey_b64"],
    )
    assert "aik_pubkey_b64: missing" in read_evidence(told).faults


@of_certifications
def test_certification_names_the_key_of_its_source(path: Path) -> None:
    vector = read(path)
    attest = parse_attest(octets(vector, "cert_info_b64"))
    public = parse_public(sized(octets(vector, "pub_area_b64")))
    assert isinstance(attest.attested, TpmsCertifyInfo)
    assert (attest.type, attest.attested.name) == (
        AttestType.CERTIFY,
        crypto.compute_name(public),
    )


@of_certifications
def test_certification_verifies_with_its_certificate(path: Path) -> None:
    vector = read(path)
    certificate = x509.load_der_x509_certificate(base64.b64decode(vector["x5c_b64"][0]))
    signature = parse_signature(octets(vector, "signature_tpmt_b64"))
    key = verifying_key(certificate.public_key())
    assert crypto.signature_fault(key, signature, octets(vector, "cert_info_b64")) is None


@of_certifications
def test_certification_is_no_quote(path: Path) -> None:
    vector = read(path)
    result = verified(
        quote=octets(vector, "cert_info_b64"),
        signature=octets(vector, "signature_tpmt_b64"),
        public=sized(octets(vector, "pub_area_b64")),
    )
    reason = "type is 0x8017 (TPM_ST_ATTEST_CERTIFY), expected TPM_ST_ATTEST_QUOTE"
    assert (result.accepted, answer(result, "quote.type")) == (False, ("fail", reason))
