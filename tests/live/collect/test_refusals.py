"""What a TPM refuses is one error, and no key stays behind."""

import re

import pytest

from attest.collect import CollectError, Collector, quote
from tests.live.collect.judged import FAST, PAYLOAD_ID, judged, loaded
from tests.live.collect.meddling import FAILED, FLUSH, QUOTE, Meddler
from tests.swtpm import Swtpm, SwtpmError


def test_wrong_argument_is_refused_before_the_tpm_is_touched(meddler: Meddler) -> None:
    with pytest.raises(ValueError, match=r"^selection: "):
        quote(PAYLOAD_ID, selection="sha256:24", tcti=meddler)
    with Collector(meddler) as collector, pytest.raises(ValueError, match=r"^payload_id: "):
        collector.quote("")
    assert meddler.seen == []


def test_scheme_that_the_tpm_does_not_know_is_an_error(tpm: Swtpm) -> None:
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, scheme="rsassa-sha3_256", tcti=tpm.tcti)
    assert str(caught.value) == (
        "TPM2_CreatePrimary of a rsa2048 rsassa-sha3_256 key under endorsement: "
        "tpm:parameter(2):hash algorithm not supported or not appropriate"
    )
    assert loaded(tpm) == ""


def test_bank_that_the_tpm_does_not_know_is_an_error(tpm: Swtpm) -> None:
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, selection="sha3_256:0", **FAST, tcti=tpm.tcti)
    assert caught.value.action == "TPM2_PCR_Read of sha3_256:0"
    assert loaded(tpm) == ""


def test_bank_without_pcrs_is_an_error(own_tpm: Swtpm) -> None:
    own_tpm.allocate(["sha256"])
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, selection="sha256:0+sha1:0,7", **FAST, tcti=own_tpm.tcti)
    assert str(caught.value) == "TPM2_PCR_Read of sha1:0,7: sha1:0: the TPM has no such PCR"
    assert loaded(own_tpm) == ""


def test_hierarchy_with_a_password_is_an_error(own_tpm: Swtpm) -> None:
    own_tpm.tool("tpm2_changeauth", "-Q", "-c", "endorsement", "secret")
    with pytest.raises(CollectError, match=r"^TPM2_CreatePrimary of .* under endorsement: tpm:"):
        quote(PAYLOAD_ID, tcti=own_tpm.tcti)
    assert quote(PAYLOAD_ID, hierarchy="owner", tcti=own_tpm.tcti)["is_available"] is True


def test_lockout_by_wrong_passwords_stops_no_quote(own_tpm: Swtpm) -> None:
    one_try = ("--max-tries=1", "--recovery-time=1000", "--lockout-recovery-time=1000")
    own_tpm.tool("tpm2_dictionarylockout", "-Q", "--setup-parameters", *one_try)
    own_tpm.tool("tpm2_createprimary", "-Q", "-p", "right", "-c", "locked")
    with pytest.raises(SwtpmError, match=r"authorization"):
        own_tpm.tool("tpm2_create", "-C", "locked", "-P", "wrong", "-u", "u", "-r", "r")
    own_tpm.flush()
    assert re.search("inLockout: +1", own_tpm.tool("tpm2_getcap", "properties-variable"))
    block = quote(PAYLOAD_ID, selection="sha256:0", **FAST, tcti=own_tpm.tcti)
    assert judged(block, own_tpm.pcrs("sha256:0")).refusals == ()


def test_key_is_gone_where_the_quote_is_refused(tpm: Swtpm, meddler: Meddler) -> None:
    meddler.answers[QUOTE] = FAILED
    with pytest.raises(CollectError, match=r"^TPM2_Quote of sha256:0,7,10: tpm:"):
        quote(PAYLOAD_ID, **FAST, tcti=meddler)
    assert (meddler.seen[-1], loaded(tpm)) == (FLUSH, "")


@pytest.mark.parametrize(
    ("answered", "fault"),
    [
        (b"\xffTCG\x80\x19", "TPMS_ATTEST.type: is not that of a quote"),
        (b"\xffTCG\x80\x18\x7f", "TPMS_ATTEST.qualifiedSigner.size at octet 6: 32546 exceeds 68"),
    ],
)
def test_key_is_gone_where_the_answer_is_no_quote(
    tpm: Swtpm, meddler: Meddler, answered: bytes, fault: str
) -> None:
    honest = (b"\xffTCG\x80\x18\0")[: len(answered)]
    meddler.changed = lambda octets: octets.replace(honest, answered)
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, **FAST, tcti=meddler)
    assert str(caught.value) == f"TPM2_Quote of sha256:0,7,10: {fault}"
    assert (meddler.seen[-1], loaded(tpm)) == (FLUSH, "")


@pytest.mark.parametrize(
    ("answered", "fault"),
    [
        (b"\2\0\0", "sha256:0: the TPM has no such PCR"),
        (b"\3\0\0", "TPML_DIGEST.count: 1 digests of 2 PCRs"),
    ],
)
def test_values_that_were_not_asked_for_are_an_error(
    tpm: Swtpm, meddler: Meddler, answered: bytes, fault: str
) -> None:
    selection = b"\0\0\0\1\0\x0b\3"
    meddler.changed = lambda octets: octets.replace(selection + b"\1\0\0", selection + answered)
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, selection="sha256:0", **FAST, tcti=meddler)
    assert str(caught.value) == f"TPM2_PCR_Read of sha256:0: {fault}"
    assert (meddler.seen[-1], loaded(tpm)) == (FLUSH, "")


def test_key_that_stays_in_the_tpm_is_an_error(tpm: Swtpm, meddler: Meddler) -> None:
    meddler.answers[FLUSH] = FAILED
    with pytest.raises(CollectError, match=r"^TPM2_FlushContext of the AIK: tpm:"):
        quote(PAYLOAD_ID, **FAST, tcti=meddler)
    tpm.flush()


def test_first_fault_is_told_where_the_key_stays_too(tpm: Swtpm, meddler: Meddler) -> None:
    meddler.answers |= {QUOTE: FAILED, FLUSH: FAILED}
    with pytest.raises(CollectError, match=r"^TPM2_Quote of "):
        quote(PAYLOAD_ID, **FAST, tcti=meddler)
    tpm.flush()
