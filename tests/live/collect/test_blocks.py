"""Blocks that ``attest.collect`` makes with a real TPM in software, judged by ``attest.verify``."""

import itertools
from typing import Final

import pytest

from attest.collect import Collector, quote
from tests.judging import answer, refusing
from tests.live.collect.judged import ALL, FAST, PAYLOAD_ID, SELECTION, judged, loaded, values_of
from tests.swtpm import Swtpm

RSA_SCHEMES: Final = [
    f"{scheme}-{hash_alg}"
    for scheme in ("rsassa", "rsapss")
    for hash_alg in ("sha256", "sha384", "sha512")
]
ECC_SCHEMES: Final = ["ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512"]
RSA_KEYS: Final = [("rsa2048", "2048 bits"), ("rsa3072", "3072 bits")]
ECC_KEYS: Final = [
    ("ecc-nist-p256", "256 bits"),
    ("ecc-nist-p384", "384 bits"),
    ("ecc-nist-p521", "521 bits"),
]
KEYS_AND_SCHEMES: Final = [
    *itertools.product(RSA_KEYS, RSA_SCHEMES),
    *itertools.product(ECC_KEYS, ECC_SCHEMES),
]


def test_fifty_quotes_have_fifty_keys_and_all_verify(tpm: Swtpm) -> None:
    ids = [f"request-{number}" for number in range(50)]
    golden = tpm.pcrs(SELECTION)
    with Collector(tpm.tcti) as collector:
        blocks = {one: collector.quote(one) for one in ids}
    results = [judged(block, golden, one) for one, block in blocks.items()]
    assert [result.refusals for result in results] == [()] * 50
    assert {str(result.assurance) for result in results} == {"self-consistent"}
    assert len({block["aik_pubkey_b64"] for block in blocks.values()}) == 50
    assert loaded(tpm) == ""


def test_quote_is_the_block_of_the_wire(tpm: Swtpm) -> None:
    block = quote(PAYLOAD_ID, selection="sha1:10,0+sha256:7", **FAST, tcti=tpm.tcti)
    assert list(block) == [
        "is_available",
        "pcr_banks",
        "pcr_values",
        "quote_b64",
        "signature_b64",
        "aik_pubkey_b64",
    ]
    assert (block["is_available"], block["pcr_banks"]) == (True, "sha1:0,10+sha256:7")
    assert values_of(block) == tpm.pcrs("sha1:0,10+sha256:7")


def test_quote_by_default_is_of_the_wire_s_pcrs_under_endorsement(tpm: Swtpm) -> None:
    block = quote(PAYLOAD_ID, tcti=tpm.tcti)
    result = judged(block, tpm.pcrs(SELECTION))
    assert (block["pcr_banks"], result.refusals, result.aik_hierarchy) == (
        SELECTION,
        (),
        "endorsement",
    )
    assert answer(result, "quote.signature") == ("pass", "RSASSA-SHA256, 2048 bits")


def test_quote_answers_no_other_payload_id(tpm: Swtpm) -> None:
    block = quote("another request", **FAST, tcti=tpm.tcti)
    assert refusing(judged(block, tpm.pcrs(SELECTION))) == {"quote.nonce"}


@pytest.mark.parametrize("hierarchy", ["endorsement", "owner", "platform", "null-hierarchy"])
def test_key_is_a_fresh_primary_of_the_hierarchy_that_was_asked_for(
    tpm: Swtpm, hierarchy: str
) -> None:
    with Collector(tpm.tcti) as collector:
        blocks = [collector.quote(PAYLOAD_ID, hierarchy=hierarchy, **FAST) for _ in range(3)]
    results = [judged(one, tpm.pcrs(SELECTION), hierarchy=hierarchy) for one in blocks]
    assert [result.refusals for result in results] == [()] * 3
    assert len({one["aik_pubkey_b64"] for one in blocks}) == 3
    assert loaded(tpm) == ""


@pytest.mark.parametrize(
    ("key", "size", "scheme"), [(*key, scheme) for key, scheme in KEYS_AND_SCHEMES]
)
def test_every_key_signs_by_every_scheme_of_its_own(
    tpm: Swtpm, key: str, size: str, scheme: str
) -> None:
    block = quote(PAYLOAD_ID, key=key, scheme=scheme, tcti=tpm.tcti)
    result = judged(block, tpm.pcrs(SELECTION))
    assert (result.refusals, answer(result, "quote.signature")) == (
        (),
        ("pass", f"{scheme.upper()}, {size}"),
    )


@pytest.mark.parametrize(
    "selection",
    [
        f"sha256:{ALL}",
        f"sha1:{ALL}+sha256:{ALL}",
        "sha256:0,1,2,3,4,5,6,7,8",
        "sha256:0,7,10+sha1:0,10",
        "sha1:23",
    ],
)
def test_quote_covers_any_number_of_pcrs_and_banks(tpm: Swtpm, selection: str) -> None:
    block = quote(PAYLOAD_ID, selection=selection, **FAST, tcti=tpm.tcti)
    golden = tpm.pcrs(selection)
    assert (block["pcr_banks"], values_of(block)) == (selection, golden)
    assert judged(block, golden).refusals == ()


def test_digest_covers_many_pcrs_by_the_hash_of_the_scheme(tpm: Swtpm) -> None:
    selection = f"sha1:{ALL}+sha256:{ALL}"
    block = quote(PAYLOAD_ID, selection=selection, scheme="rsapss-sha512", tcti=tpm.tcti)
    assert judged(block, tpm.pcrs(selection)).refusals == ()
