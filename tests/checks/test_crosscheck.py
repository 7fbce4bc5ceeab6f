"""``verifier.cross-check``: skipped unless it is asked for, and never passed without its stack."""

import subprocess
import sys
from pathlib import Path

import pytest

import attest
from attest.crosscheck import openssl
from tests import build
from tests.cli.calls import HONEST
from tests.cli.calls import attest as command
from tests.judging import answer, policy_of, verified

CHECK = "verifier.cross-check"
NEEDED = "cross_check needs: pip install 'tpm-attest[tpm]'"


def test_cross_check_is_skipped_where_nobody_asks_for_it() -> None:
    result = verified()
    assert answer(result, CHECK) == ("skip", "no cross-check was asked for")
    assert result.accepted


def test_verifying_does_not_import_the_second_stack() -> None:
    code = (
        "import sys, attest;"
        "print([name for name in sys.modules if 'pytss' in name or 'attest.crosscheck' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"


def test_cross_check_without_the_extra_is_the_callers_mistake(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "tpm2_pytss", None)
    with pytest.raises(ValueError, match=r"^cross_check needs: pip install") as caught:
        attest.verify(HONEST, policy_of(), cross_check=True)
    assert str(caught.value) == NEEDED


def test_cross_check_with_a_stack_that_does_not_load_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fault = "libtss2-esys.so.0: cannot open shared object file"
    (tmp_path / "tpm2_pytss.py").write_text(f"raise ImportError({fault!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tpm2_pytss", raising=False)
    with pytest.raises(ValueError, match="libtss2-esys") as caught:
        attest.verify(HONEST, policy_of(), cross_check=True)
    assert str(caught.value) == f"{NEEDED} ({fault})"


def test_cross_check_without_openssl_is_the_callers_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "tpm2_pytss.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "tpm2_pytss", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match=r"^cross_check needs the command openssl$"):
        attest.verify(HONEST, policy_of(), cross_check=True)
    assert openssl.found() is None
    monkeypatch.delitem(sys.modules, "tpm2_pytss", raising=False)


def test_command_line_without_the_extra_leaves_with_2(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "tpm2_pytss", None)
    (tmp_path / "a.json").write_bytes(HONEST)
    (tmp_path / "policy.yaml").write_text(build.policy_text())
    done = command("verify", tmp_path / "a.json", "-p", tmp_path / "policy.yaml", "--cross-check")
    assert (done.exit_code, done.stdout) == (2, "")
    assert NEEDED in done.stderr
    assert done.stderr.count("\n") == 1
