"""Ways to a TPM, connections that several share, and TPMs that are not there."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from attest.collect import CollectError, Collector, quote
from tests.live.collect.judged import FAST, PAYLOAD_ID, SELECTION, judged, loaded
from tests.live.collect.meddling import FAILED, QUOTE, Meddler
from tests.swtpm import Swtpm


def test_threads_share_a_collector(tpm: Swtpm) -> None:
    golden = tpm.pcrs(SELECTION)
    with Collector(tpm.tcti) as collector, ThreadPoolExecutor(8) as threads:
        blocks = list(threads.map(lambda one: collector.quote(one, **FAST), map(str, range(40))))
    results = [judged(block, golden, str(number)) for number, block in enumerate(blocks)]
    assert [result.refusals for result in results] == [()] * 40
    assert len({block["aik_pubkey_b64"] for block in blocks}) == 40
    assert loaded(tpm) == ""


def test_tpm_is_the_one_that_tpm2_tools_would_take(
    tpm: Swtpm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TPM2TOOLS_TCTI", tpm.tcti)
    block = quote(PAYLOAD_ID, **FAST)
    assert judged(block, tpm.pcrs(SELECTION)).refusals == ()


def test_given_tcti_wins_over_the_environment(tpm: Swtpm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPM2TOOLS_TCTI", "swtpm:host=127.0.0.1,port=1")
    assert quote(PAYLOAD_ID, **FAST, tcti=tpm.tcti)["is_available"] is True


def test_tcti_object_stays_the_caller_s(tpm: Swtpm, meddler: Meddler) -> None:
    blocks = [quote(PAYLOAD_ID, **FAST, tcti=meddler) for _ in range(2)]
    assert [judged(block, tpm.pcrs(SELECTION)).refusals for block in blocks] == [(), ()]


def test_closed_collector_quotes_no_more(tpm: Swtpm) -> None:
    collector = Collector(tpm.tcti)
    collector.close()
    collector.close()
    with pytest.raises(ValueError, match=r"^this collector is closed$"):
        collector.quote(PAYLOAD_ID)


def test_no_tpm_there_is_an_error_that_names_the_place() -> None:
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, tcti="swtpm:host=127.0.0.1,port=1")
    assert (caught.value.action, caught.value.fault) == (
        "connecting to swtpm:host=127.0.0.1,port=1",
        "tcti:IO failure",
    )


def test_unknown_kind_of_connection_is_an_error() -> None:
    with pytest.raises(CollectError, match=r"^connecting to telegraph: tcti:"):
        Collector("telegraph")


def test_tpm_that_goes_away_is_an_error_that_names_the_command() -> None:
    with Swtpm() as gone:
        collector = Collector(gone.tcti)
    with collector, pytest.raises(CollectError) as caught:
        collector.quote(PAYLOAD_ID)
    action = "TPM2_CreatePrimary of a rsa2048 rsassa-sha256 key under endorsement"
    assert (caught.value.action, caught.value.fault) == (action, "tcti:IO failure")


def test_collector_goes_on_after_a_quote_that_was_refused(own_tpm: Swtpm) -> None:
    with Meddler(own_tpm.tcti) as between, Collector(between) as collector:
        between.answers[QUOTE] = FAILED
        with pytest.raises(CollectError):
            collector.quote(PAYLOAD_ID, **FAST)
        del between.answers[QUOTE]
        block = collector.quote(PAYLOAD_ID, selection="sha256:0", **FAST)
    assert judged(block, own_tpm.pcrs("sha256:0")).refusals == ()


@pytest.mark.parametrize("tcti", [2321, b"swtpm", object()])
def test_tcti_of_another_type_is_refused(tcti: object) -> None:
    with pytest.raises(
        TypeError, match=r"^tcti: expected a str, a tpm2_pytss.TCTI or None, found "
    ):
        Collector(tcti)


def test_empty_tcti_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^tcti: is empty$"):
        Collector("")
