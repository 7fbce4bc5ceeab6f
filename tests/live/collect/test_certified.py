"""The key of a quote certified by one that stays in the TPM, and what keeps it from being so."""

import base64
from typing import Any, Final

import pytest

from attest import crypto
from attest.collect import CollectError, Collector, quote
from attest.tpm.attestation import TpmsCertifyInfo, parse_attest
from attest.tpm.public import parse_public
from attest.tpm.signature import parse_signature
from tests.build import nonce_of
from tests.enrolment.making import ek_certificate
from tests.live.collect.judged import FAST, PAYLOAD_ID, SELECTION, judged, loaded, values_of
from tests.live.collect.meddling import FAILED, FLUSH, Meddler
from tests.live.collect.test_moving_pcrs import extending
from tests.swtpm import ATTRIBUTES, Swtpm

AK: Final = 0x81010002
UNRESTRICTED: Final = 0x81010003
CERTIFY: Final = 0x148
ACTION: Final = "TPM2_Certify of the AIK"


@pytest.fixture(scope="module")
def kept(tpm: Swtpm) -> Swtpm:
    """The TPM, with a restricted signing key that stays in it, and an unrestricted one."""
    for handle, attributes in (
        (AK, ATTRIBUTES),
        (UNRESTRICTED, ATTRIBUTES.replace("restricted|", "")),
    ):
        kind = ("-G", "ecc256:ecdsa-sha256:null", "-g", "sha256", "-a", attributes)
        context = f"kept-{handle:x}"
        tpm.tool("tpm2_createprimary", "-Q", "-C", "e", *kind, "-c", context)
        tpm.tool("tpm2_evictcontrol", "-Q", "-C", "o", "-c", context, f"0x{handle:x}")
        tpm.flush()
    return tpm


def octets(member: Any, name: str) -> bytes:
    """What a member holds in base64."""
    return base64.b64decode(member[name], validate=True)


def test_key_of_the_quote_is_certified_by_the_key_that_stays(kept: Swtpm) -> None:
    block = quote(PAYLOAD_ID, certify_with=AK, **FAST, tcti=kept.tcti)
    endorsement: Any = block["endorsement"]
    assert sorted(endorsement) == ["ak_pubkey_b64", "certify_b64", "certify_signature_b64"]
    ak = parse_public(octets(endorsement, "ak_pubkey_b64"))
    certify = parse_attest(octets(endorsement, "certify_b64"))
    aik = parse_public(octets(block, "aik_pubkey_b64"))
    assert isinstance(certify.attested, TpmsCertifyInfo)
    assert certify.attested.name == crypto.compute_name(aik)
    assert certify.extra_data == nonce_of(PAYLOAD_ID)
    key = crypto.build_key(ak)
    assert key is not None
    signature = parse_signature(octets(endorsement, "certify_signature_b64"))
    assert crypto.signature_fault(key, signature, certify.signed) is None
    assert judged(block, kept.pcrs(SELECTION)).refusals == ()
    assert loaded(kept) == ""


def test_chain_is_sent_along(kept: Swtpm) -> None:
    chain = [ek_certificate("secp256r1"), ek_certificate("secp384r1")]
    with Collector(kept.tcti) as collector:
        block = collector.quote(PAYLOAD_ID, certify_with=AK, ak_chain=chain, **FAST)
    endorsement: Any = block["endorsement"]
    assert [base64.b64decode(one) for one in endorsement["ak_cert_chain_b64"]] == chain
    assert judged(block, kept.pcrs(SELECTION)).refusals == ()


def test_no_key_at_the_handle_is_an_error(kept: Swtpm) -> None:
    with pytest.raises(CollectError, match=r"^TPM2_ReadPublic of 0x81010009: "):
        quote(PAYLOAD_ID, certify_with=0x81010009, **FAST, tcti=kept.tcti)
    assert loaded(kept) == ""


def test_unrestricted_key_is_not_asked_to_certify(kept: Swtpm) -> None:
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, certify_with=UNRESTRICTED, **FAST, tcti=kept.tcti)
    assert caught.value.action == f"certifying with 0x{UNRESTRICTED:08x}"
    assert caught.value.fault.startswith("the key there: objectAttributes is 0x")
    assert caught.value.fault.endswith("restricted is clear")
    assert loaded(kept) == ""


def test_certification_that_is_refused_is_an_error(kept: Swtpm, meddler: Meddler) -> None:
    meddler.answers[CERTIFY] = FAILED
    with pytest.raises(CollectError, match=rf"^{ACTION}: tpm:"):
        quote(PAYLOAD_ID, certify_with=AK, **FAST, tcti=meddler)
    assert (meddler.seen[-1], loaded(kept)) == (FLUSH, "")


@pytest.mark.parametrize(
    ("position", "answered", "fault"),
    [
        (0, b"\xffTCG\x80\x18", "TPMS_ATTEST.pcrSelect"),
        (0, b"\xffTCG\x80\x19", "TPMS_ATTEST.type: is not that of a certification"),
        (1, b"\x12\x34", "TPMS_ATTEST.attested.name: is not that of the AIK"),
    ],
)
def test_answer_that_certifies_something_else_is_an_error(
    kept: Swtpm, meddler: Meddler, position: int, answered: bytes, fault: str
) -> None:
    def change(answer: bytes) -> bytes:
        start = answer.find(b"\xffTCG\x80\x17")
        if start < 0:
            return answer
        if position:  # into the digest of the name, behind signer, nonce, clock and firmware
            start += 6 + 36 + 18 + 25 + 4
        return answer[:start] + answered + answer[start + len(answered) :]

    meddler.changed = change
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, certify_with=AK, **FAST, tcti=meddler)
    assert (caught.value.action, caught.value.fault[: len(fault)]) == (ACTION, fault)
    assert loaded(kept) == ""


def test_five_hundred_quotes_verify_while_another_process_extends_pcr_10(own_tpm: Swtpm) -> None:
    blocks: list[dict[str, object]] = []
    faults = set()
    with extending(own_tpm, 10, 0.005), Collector(own_tpm.tcti) as collector:
        before = own_tpm.pcrs("sha256:10")
        while len(blocks) < 500:
            try:
                blocks.append(collector.quote(str(len(blocks)), **FAST))
            except CollectError as error:
                faults.add(error.fault)
        assert own_tpm.pcrs("sha256:10") != before
    assert faults <= {"PCRs changed before and after the quote, 10 times in a row"}
    results = [judged(one, values_of(one), str(at)) for at, one in enumerate(blocks)]
    assert [result.refusals for result in results] == [()] * 500
    assert loaded(own_tpm) == ""
