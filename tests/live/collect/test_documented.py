"""The example of docs/collecting.md does what is written there."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.collect.judged import PAYLOAD_ID, SELECTION, judged, loaded
from tests.swtpm import Swtpm

DOCUMENT = Path(__file__).parents[3] / "docs" / "collecting.md"


@pytest.fixture
def example() -> str:
    """The one example in Python."""
    (code,) = re.findall(r"^```python\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return str(code)


def run(code: str, tcti: str) -> subprocess.CompletedProcess[str]:
    """Run the example against a TPM."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TPM2TOOLS_TCTI": tcti, "TSS2_LOG": "all+none"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_example_prints_a_block_that_verifies(tpm: Swtpm, example: str) -> None:
    done = run(example, tpm.tcti)
    block = json.loads(done.stdout)
    assert judged(block, tpm.pcrs(SELECTION), PAYLOAD_ID).refusals == ()
    assert (done.stderr, loaded(tpm)) == ("", "")


def test_example_says_why_there_is_no_evidence(example: str) -> None:
    done = run(example, "swtpm:host=127.0.0.1,port=1")
    said = "no evidence: connecting to swtpm:host=127.0.0.1,port=1: tcti:IO failure\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
