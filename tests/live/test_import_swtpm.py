"""``attest policy import``: what tpm2_pcrread really prints of a TPM judges quotes of that TPM."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import attest as package
from tests import build
from tests.aik import digest
from tests.cli.calls import attest
from tests.judging import octets_of
from tests.lacking import lacks
from tests.swtpm import Swtpm, missing_tools

SELECTION: Final = "sha256:0,7,10"


def measured(firmware: bytes) -> dict[str, dict[int, bytes]]:
    words = {0: firmware, 7: b"secure boot", 10: b"files"}
    return {"sha256": {index: digest("sha256", word) for index, word in words.items()}}


@pytest.fixture
def tpm() -> Iterator[Swtpm]:
    """A TPM of a release; fails without one where CI=true, else skips."""
    if missing := missing_tools():
        lacks(f"not on PATH: {', '.join(missing)}")
    with Swtpm() as started:
        started.extend(measured(b"release"))
        yield started


def answer_of(tpm: Swtpm) -> bytes:
    """A response with a quote by the TPM."""
    key = tpm.make_aik("e", "ecc256:ecdsa-sha256")
    quoted = tpm.quote(key, SELECTION, build.nonce_of(build.PAYLOAD_ID))
    return octets_of(
        build.response(
            values=quoted.values,
            quote=quoted.attest,
            signature=quoted.signature,
            public=tpm.public(key),
        )
    )


def test_what_tpm2_pcrread_prints_judges_quotes_of_the_same_tpm(tpm: Swtpm, tmp_path: Path) -> None:
    printed, policy = tmp_path / "release.yaml", tmp_path / "policy.yaml"
    printed.write_text(tpm.tool("tpm2_pcrread", SELECTION), encoding="utf-8")
    words = ("policy", "import", printed, "--from", "tpm2_pcrread", "--trust", "unanchored")
    done = attest(*words, "-o", policy)
    loaded = package.load_policy(policy)
    before = package.verify(answer_of(tpm), loaded)
    tpm.extend({"sha256": {0: digest("sha256", b"update")}})
    after = package.verify(answer_of(tpm), loaded)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, "release: 2 PCRs")
    assert (before.accepted, before.baseline) == (True, "release"), before.refusals
    assert [check.id for check in after.refusals] == ["pcr.baseline"]


def test_all_banks_of_a_whole_dump_are_imported_or_named(tpm: Swtpm, tmp_path: Path) -> None:
    printed = tmp_path / "all.yaml"
    printed.write_text(tpm.tool("tpm2_pcrread"), encoding="utf-8")
    words = ("policy", "import", printed, "--from", "tpm2_pcrread", "--trust", "unanchored")
    done = attest(*words, "-o", "-")
    assert (done.exit_code, "all: 2 PCRs" in done.stderr) == (0, True)
    for pcr in ("sha256:10: grows", "sha256:1: ", "sha256:16: ", "sha384:0: "):
        assert f"left out: {pcr}" in done.stderr, pcr
