"""``report.inspection``: the endorsement decoded beside the quote."""

import hashlib

from attest.evidence import read_evidence
from attest.report.inspection import inspect_evidence
from tests import build
from tests.aik import rsa_aik
from tests.endorsing import AK, certified, chained


def test_endorsement_is_decoded_as_the_quote_is() -> None:
    key = rsa_aik()
    chain = chained(b"leaf", b"root")
    told = certified(key, aik_cert_chain_b64=chain, ak_cert_chain_b64=chain[:1])
    evidence = read_evidence(build.response(key, attestation={"endorsement": told}))
    sections = inspect_evidence(evidence)
    fields = {section.name: {field.name: field for field in section.fields} for section in sections}
    assert fields["certify"]["certified name"].value == key.name.hex()
    assert fields["certify"]["qualifiedSigner"].meaning == "this AK, as a primary of owner"
    assert fields["certify signature"]["sigAlg"].value == "ecdsa"
    assert fields["ak"]["name"].value == AK.name.hex()
    leaf = hashlib.sha256(b"leaf").hexdigest()
    certificate = fields["aik certificates"]["0"]
    assert (certificate.value, certificate.meaning) == (leaf, "SHA-256, 4 octets, the leaf")
    assert fields["aik certificates"]["1"].meaning == "SHA-256, 4 octets"
    assert list(fields["ak certificates"]) == ["0"]


def test_an_empty_endorsement_has_no_sections() -> None:
    told = build.response(attestation={"endorsement": {}})
    names = [section.name for section in inspect_evidence(read_evidence(told))]
    assert names == ["response", "quote", "signature", "aik", "pcr_values sha256"]
