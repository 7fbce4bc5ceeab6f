"""tpm2-pytss is an extra: imported where a TPM is reached, and asked for where it is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from attest import AttestError
from attest.collect import CollectError, Collector

NEEDED = "attest.collect needs: pip install 'tpm-attest[tpm]'"


def test_importing_collect_does_not_import_the_stack() -> None:
    code = "import sys, attest, attest.collect; print('tpm2_pytss' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_importing_attest_does_not_import_collect() -> None:
    code = "import sys, attest; print('attest.collect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_missing_stack_is_an_error_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tpm2_pytss", None)
    with pytest.raises(CollectError) as caught:
        Collector()
    assert str(caught.value) == NEEDED
    assert isinstance(caught.value, AttestError)


def test_stack_that_does_not_load_is_an_error_that_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fault = "libtss2-esys.so.0: cannot open shared object file"
    (tmp_path / "tpm2_pytss.py").write_text(f"raise ImportError({fault!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tpm2_pytss", raising=False)
    with pytest.raises(CollectError) as caught:
        Collector()
    assert str(caught.value) == f"{NEEDED} ({fault})"
