"""The extra ``ek``: named where it is missing, and never paid for by who does not want it."""

import subprocess
import sys

import pytest

from attest.certificates.chains import ChainValidator
from attest.certificates.extra import MissingExtraError, require, require_chains
from attest.certificates.roots import load_roots
from tests.certificates.making import ca, issue
from tests.cli.calls import environment

HEAVY = ("asn1crypto", "cabarchive", "pyhanko_certvalidator")


def test_a_missing_library_is_named_by_its_extra() -> None:
    with pytest.raises(MissingExtraError) as caught:
        require("no_such_library", "attest roots import")

    assert str(caught.value) == "attest roots import needs: pip install 'tpm-attest[ek]'"


def test_what_is_installed_is_not_missed() -> None:
    require_chains("trust certified")


def python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), check=True, text=True
    )
    return done.stdout.strip()


LIGHT = [
    "import attest",
    "from attest.cli import verify",
    "from attest.cli import roots",
    "from attest.certificates import extra, identity, model",
]


@pytest.mark.parametrize("code", LIGHT)
def test_start_up_does_not_pay_for_certificates(code: str) -> None:
    seen = python(f"import sys; {code}; print([m for m in {HEAVY} if m in sys.modules])")

    assert seen == "[]"


def test_a_validator_without_its_library_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    roots = load_roots(issue("root", None, ca()).pem, "f.pem")
    monkeypatch.setitem(sys.modules, "pyhanko_certvalidator", None)

    with pytest.raises(MissingExtraError) as caught:
        ChainValidator(roots)

    assert str(caught.value) == "a certificate chain needs: pip install 'tpm-attest[ek]'"
