"""PCRs that change while they are read and quoted: a block whose parts agree, or an error."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from attest.collect import CollectError, Collector, quote
from tests.aik import digest
from tests.live.collect.judged import ALL, FAST, PAYLOAD_ID, judged, loaded, values_of
from tests.live.collect.meddling import CREATE_PRIMARY, FLUSH, PCR_READ, QUOTE, Meddler
from tests.swtpm import Swtpm

EXTEND: Final = """
import itertools, sys, time, tpm2_pytss as tss
digest = tss.TPMT_HA(hashAlg=tss.TPM2_ALG.SHA256, digest=tss.TPMU_HA(sha256=bytes(32)))
with tss.ESAPI(sys.argv[1]) as tpm:
    for turn in itertools.count():
        tpm.pcr_extend(getattr(tss.ESYS_TR, f"PCR{sys.argv[2]}"), tss.TPML_DIGEST_VALUES([digest]))
        if not turn:
            print("extended", flush=True)
        time.sleep(float(sys.argv[3]))
"""


@contextmanager
def extending(tpm: Swtpm, pcr: int = 16, pause: float = 0.0) -> Iterator[None]:
    """Another process that extends a PCR without a pause, or with one of so many seconds.

    libtss2 opens a connection for each command to swtpm, and each takes a port for a minute.
    """
    command = [sys.executable, "-c", EXTEND, tpm.tcti, str(pcr), str(pause)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"extended\n"
            yield
        finally:
            process.kill()


def test_pcr_extended_between_two_quotes_is_seen_in_the_second(own_tpm: Swtpm) -> None:
    tpm = own_tpm
    with Collector(tpm.tcti) as collector:
        first = collector.quote(PAYLOAD_ID, selection="sha256:0,16", **FAST)
        tpm.extend({"sha256": {16: digest("sha256", b"measured later")}})
        second = collector.quote(PAYLOAD_ID, selection="sha256:0,16", **FAST)
    before, after = values_of(first)["sha256"], values_of(second)["sha256"]
    assert (before[16], before[0]) == (bytes(32), after[0])
    assert after[16] == digest("sha256", bytes(32) + digest("sha256", b"measured later"))
    assert judged(second, {"sha256": after}).refusals == ()


def test_pcr_extended_between_reading_and_quoting_is_read_again(
    tpm: Swtpm, meddler: Meddler
) -> None:
    meddler.before[QUOTE] = lambda: tpm.extend({"sha256": {16: digest("sha256", b"between")}})
    block = quote(PAYLOAD_ID, selection="sha256:0,16", **FAST, tcti=meddler)
    golden = tpm.pcrs("sha256:0,16")
    assert (values_of(block), judged(block, golden).refusals) == (golden, ())
    assert [meddler.seen.count(code) for code in (PCR_READ, QUOTE, FLUSH)] == [2, 1, 1]


def test_pcr_extended_between_two_reads_is_read_again(tpm: Swtpm, meddler: Meddler) -> None:
    def extend_once() -> None:
        if meddler.seen.count(PCR_READ) == 3:  # 0 to 7, then 8 to 15, then this
            tpm.extend({"sha256": {1: digest("sha256", b"x"), 16: digest("sha256", b"x")}})

    meddler.before[PCR_READ] = extend_once
    block = quote(PAYLOAD_ID, selection=f"sha256:{ALL}", **FAST, tcti=meddler)
    golden = tpm.pcrs(f"sha256:{ALL}")
    assert (values_of(block), judged(block, golden).refusals) == (golden, ())
    assert [meddler.seen.count(code) for code in (PCR_READ, QUOTE, FLUSH)] == [6, 1, 1]


def test_pcr_extended_before_and_after_a_quote_is_quoted_again(
    tpm: Swtpm, meddler: Meddler
) -> None:
    def extend_twice() -> None:
        if meddler.seen[1:] in ([PCR_READ, QUOTE], [PCR_READ, QUOTE, PCR_READ]):
            tpm.extend({"sha256": {16: digest("sha256", b"once more")}})

    meddler.before |= {QUOTE: extend_twice, PCR_READ: extend_twice}
    block = quote(PAYLOAD_ID, selection="sha256:0,16", **FAST, tcti=meddler)
    golden = tpm.pcrs("sha256:0,16")
    assert (values_of(block), judged(block, golden).refusals) == (golden, ())
    assert meddler.seen == [CREATE_PRIMARY, PCR_READ, QUOTE, PCR_READ, QUOTE, FLUSH]


def test_pcrs_that_never_hold_still_are_an_error_after_ten_quotes(
    tpm: Swtpm, meddler: Meddler
) -> None:
    def extend() -> None:
        tpm.extend({"sha256": {16: digest("sha256", b"and again")}})

    meddler.before |= {QUOTE: extend, PCR_READ: extend}
    with pytest.raises(CollectError) as caught:
        quote(PAYLOAD_ID, selection="sha256:0,16", **FAST, tcti=meddler)
    fault = "PCRs changed before and after the quote, 10 times in a row"
    assert str(caught.value) == f"quoting sha256:0,16: {fault}"
    assert (meddler.seen.count(QUOTE), loaded(tpm)) == (10, "")


def test_block_verifies_or_none_is_made_while_another_process_extends(
    own_tpm: Swtpm,
) -> None:
    selection, blocks, faults = "sha256:0,16", [], set()
    with extending(own_tpm), Collector(own_tpm.tcti) as collector:
        before = own_tpm.pcrs(selection)
        for _ in range(50):
            try:
                blocks.append(collector.quote(PAYLOAD_ID, selection=selection, **FAST))
            except CollectError as error:
                faults.add(str(error))
        assert own_tpm.pcrs(selection) != before
    fault = "PCRs changed before and after the quote, 10 times in a row"
    assert faults <= {f"quoting {selection}: {fault}"}
    assert [judged(one, values_of(one)).refusals for one in blocks] == [()] * len(blocks)
    assert loaded(own_tpm) == ""
