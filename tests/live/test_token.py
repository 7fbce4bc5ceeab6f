"""A PKCS#11 token in software (SoftHSM) signs envelopes, and what fails is a fault."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import HSMSigner

from attest.errors import SigningError
from attest.policy.loader import load_policy
from attest.signing import load_dsse_key
from tests import build
from tests.cli.calls import FORGED, HONEST, ROOT, attest, run
from tests.cli.conftest import written

MODULES: Final = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
]
PIN: Final = "1234"
LABEL: Final = "attest test"
URI: Final = "hsm:2?label=attest+test"

MAKE_KEY: Final = """
import sys, pkcs11
from pkcs11.util.ec import encode_named_curve_parameters as named
module, pin, curve, number = sys.argv[1:]
token = pkcs11.lib(module).get_token(token_label="attest test")
with token.open(rw=True, user_pin=pin) as session:
    attributes = {pkcs11.Attribute.EC_PARAMS: named(curve)}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC, attributes, local=True)
    parameters.generate_keypair(id=bytes([int(number)]), store=True)
"""


@pytest.fixture(scope="module", autouse=True)
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A fresh token with keys on P-256 (2), P-384 (3) and P-521 (4); returns its module."""
    module = next((path for path in MODULES if Path(path).exists()), "")
    assert module, "SoftHSM is missing (./scripts/test installs it)"
    assert shutil.which("softhsm2-util"), "softhsm2-util is missing (./scripts/test installs it)"
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    config = written(folder / "softhsm2.conf", f"directories.tokendir = {folder}/tokens\n".encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(config))
        patch.setenv("PYKCS11LIB", module)
        words = ["--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN]
        subprocess.run(["softhsm2-util", *words], check=True, capture_output=True)
        for number, curve in enumerate(("secp256r1", "secp384r1", "secp521r1"), 2):
            words = [module, PIN, curve, str(number)]
            subprocess.run([sys.executable, "-c", MAKE_KEY, *words], check=True)
        yield module


@pytest.mark.parametrize("number", [2, 3])
def test_an_envelope_by_a_token_is_verified_with_the_public_key_alone(number: int) -> None:
    uri = f"hsm:{number}?label=attest+test"
    _, public = HSMSigner.import_(number, LABEL, lambda _: PIN)

    envelope = Envelope.from_dict(json.loads(load_dsse_key(uri, PIN).sign(b"{}", "text/plain")))

    assert envelope.verify([public], 1) == {public.keyid: public}


def test_the_only_token_and_its_usual_key_need_no_name() -> None:
    assert load_dsse_key("hsm:", PIN).sign(b"{}", "text/plain")


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("hsm:2?label=other", "No PKCS#11 token found for label other"),
        ("hsm:9?label=attest+test", "could not find ECDSA key on the PKCS#11 token"),
        ("hsm:4?label=attest+test", "secp521r1 is not a supported EC curve"),
    ],
)
def test_a_key_that_the_token_lacks_is_a_fault(uri: str, said: str) -> None:
    with pytest.raises(SigningError) as caught:
        load_dsse_key(uri, PIN)
    assert caught.value.fault == said


def test_a_wrong_pin_is_a_fault_when_it_signs() -> None:
    key = load_dsse_key(URI, "4321")
    with pytest.raises(SigningError) as caught:
        key.sign(b"{}", "text/plain")
    assert caught.value.fault == "the token answers PinIncorrect"


def test_the_command_signs_statements_by_a_token(tmp_path: Path) -> None:
    policy = written(tmp_path / "policy.yaml", build.policy_text().encode())
    lines = written(tmp_path / "a.jsonl", HONEST + b"\n" + FORGED)
    words = ("verify", lines, "-p", policy, "--format", "intoto", "--key", URI)

    done = run(*words, env={"ATTEST_KEY_PASSWORD": PIN})

    _, public = HSMSigner.import_(2, LABEL, lambda _: PIN)
    for line in done.stdout.splitlines():
        Envelope.from_dict(json.loads(line)).verify([public], 1)
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (1, 2, b"")


def test_the_guides_call_of_a_token_runs_but_for_its_label(tmp_path: Path, token: str) -> None:
    guide = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    (line,) = re.findall(
        r"^```\n(PYKCS11LIB=\S+ ATTEST_KEY_PASSWORD=1234 [^`]*)```$", guide, re.MULTILINE
    )
    named = line.replace("label=signing", "label=attest+test").replace(MODULES[0], token)
    written(tmp_path / "policy.yaml", build.policy_text().encode())
    written(tmp_path / "response.json", HONEST)
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))

    done = subprocess.run(
        ["bash", "-c", named], cwd=tmp_path, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    _, public = HSMSigner.import_(2, LABEL, lambda _: PIN)
    assert (done.returncode, done.stderr) == (0, "")
    assert Envelope.from_dict(json.loads(done.stdout)).verify([public], 1)


def test_an_export_signs_statements_by_a_token(tmp_path: Path) -> None:
    policy = written(tmp_path / "policy.yaml", build.policy_text().encode())
    lines = written(tmp_path / "a.jsonl", HONEST + b"\n" + FORGED)
    assert attest("replay", lines, "-p", policy, "-o", tmp_path / "out").exit_code == 1
    words = ("export", tmp_path / "out", "--format", "intoto", "--key", URI)

    done = run(*words, env={"ATTEST_KEY_PASSWORD": PIN})
    wrong = run(*words, env={"ATTEST_KEY_PASSWORD": "4321"})

    _, public = HSMSigner.import_(2, LABEL, lambda _: PIN)
    for line in done.stdout.splitlines():
        Envelope.from_dict(json.loads(line)).verify([public], 1)
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (0, 2, b"")
    said = f"attest: {URI}: the token answers PinIncorrect\n".encode()
    assert (wrong.returncode, wrong.stdout, wrong.stderr) == (2, b"", said)


def test_the_command_says_a_wrong_pin_on_one_line(tmp_path: Path) -> None:
    policy = written(tmp_path / "policy.yaml", build.policy_text().encode())
    response = written(tmp_path / "a.json", HONEST)
    words = ("verify", response, "-p", policy, "--format", "intoto", "--key", URI)

    done = attest(*words, env={"ATTEST_KEY_PASSWORD": "4321"})

    said = f"attest: {URI}: the token answers PinIncorrect\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", said)


def test_a_policy_signed_by_a_token_loads_by_its_public_key(tmp_path: Path) -> None:
    policy = written(tmp_path / "policy.yaml", build.policy_text().encode())
    words = ("policy", "sign", policy, "--key", URI, "-o", tmp_path / "policy.dsse")

    done = attest(*words, env={"ATTEST_KEY_PASSWORD": PIN})

    _, public = HSMSigner.import_(2, LABEL, lambda _: PIN)
    loaded = load_policy(tmp_path / "policy.dsse", verify_key=public.keyval["public"].encode())
    assert (done.exit_code, loaded.path) == (0, str(tmp_path / "policy.dsse"))
