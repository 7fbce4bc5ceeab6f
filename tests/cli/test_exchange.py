"""``--format``: exchange formats, their keys, and exit codes that stay as they are."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from junitparser import JUnitXml
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from tests import build
from tests.cli.calls import FORGED, HONEST, attest, run
from tests.cli.conftest import written
from tests.report.test_sarif import SCHEMA

KEY = ec.generate_private_key(ec.SECP256R1())
EXCHANGED = ["sarif", "junit", "ear", "intoto"]
SIGNED = ["ear", "intoto"]


def key_pem(password: bytes | None = None) -> bytes:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password is not None:
        encryption = serialization.BestAvailableEncryption(password)
    return KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return written(tmp_path / "key.pem", key_pem())


@pytest.fixture
def many(tmp_path: Path) -> Path:
    return written(tmp_path / "many.jsonl", HONEST + b"\n" + FORGED + b"\n{\n")


def claims_of(line: str) -> dict[str, Any]:
    """The claims of a token, verified."""
    key = JWK.from_pyca(KEY.public_key())
    claims = json.loads(JWT(jwt=line.strip(), key=key, algs=["ES256"], expected_type="JWS").claims)
    assert isinstance(claims, dict)
    return claims


def statement_of(line: str) -> dict[str, Any]:
    """The statement of an envelope, verified."""
    envelope = Envelope.from_dict(json.loads(line))
    envelope.verify([SSlibKey.from_crypto(KEY.public_key())], 1)
    statement = json.loads(envelope.payload)
    assert isinstance(statement, dict)
    return statement


def with_key(form: str, key: Path) -> list[object]:
    """The options of a format."""
    return ["--format", form, *(["--key", key] if form in SIGNED else [])]


@pytest.mark.parametrize("form", EXCHANGED)
@pytest.mark.parametrize("octets", [HONEST, FORGED, b"{", b""])
def test_exit_codes_are_those_of_the_decisions(
    policy: Path, key: Path, tmp_path: Path, form: str, octets: bytes
) -> None:
    response = written(tmp_path / "a.json", octets)
    done = attest("verify", response, "-p", policy, *with_key(form, key))
    assert done.exit_code == (0 if octets == HONEST else 1)


@pytest.mark.parametrize("form", EXCHANGED)
def test_no_row_and_an_unreadable_file_are_2(
    policy: Path, key: Path, honest: Path, tmp_path: Path, form: str
) -> None:
    empty = written(tmp_path / "empty.jsonl", b"\n")
    words = ["-p", policy, *with_key(form, key)]
    assert attest("verify", empty, *words).exit_code == 2
    assert attest("verify", honest, tmp_path / "missing.json", *words).exit_code == 2


def test_sarif_is_one_log_of_all_refusals(policy: Path, many: Path) -> None:
    done = attest("verify", many, "-p", policy, "--format", "sarif")
    document = json.loads(done.stdout)
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    (run_,) = document["runs"]
    assert run_["properties"] == {"accepted": 1, "refused": 2}
    assert run_["results"][0]["ruleId"] == "quote.magic"
    assert done.exit_code == 1


def test_junit_has_a_case_a_row(policy: Path, many: Path) -> None:
    done = attest("verify", many, "-p", policy, "--format", "junit")
    (suite,) = JUnitXml.fromstring(done.stdout.encode())
    assert (suite.tests, suite.failures) == (3, 2)


def test_ear_is_a_verified_token_a_row(policy: Path, many: Path, key: Path) -> None:
    done = attest("verify", many, "-p", policy, *with_key("ear", key))
    told = [claims_of(line)["submods"]["tpm"] for line in done.stdout.splitlines()]
    assert [one["ear_status"] for one in told] == ["warning", "contraindicated", "contraindicated"]


def test_ear_profiles_are_chosen_by_name(policy: Path, honest: Path, key: Path) -> None:
    words = [*with_key("ear", key), "--ear-profile", "veraison"]
    claims = claims_of(attest("verify", honest, "-p", policy, *words).stdout)
    assert claims["eat_profile"] == "tag:github.com,2023:veraison/ear"


def test_intoto_is_a_verified_envelope_a_row_with_evidence(
    policy: Path, many: Path, key: Path
) -> None:
    done = attest("verify", many, "-p", policy, *with_key("intoto", key))
    kinds = [statement_of(line)["predicateType"] for line in done.stdout.splitlines()]
    assert kinds == [
        "https://in-toto.io/attestation/svr/v0.2",
        "https://in-toto.io/attestation/test-result/v0.1",
    ]
    said = f"attest: {many} row 2: no statement, for there is no evidence to name in it\n"
    assert (done.exit_code, done.stderr) == (1, said)


@pytest.mark.parametrize("form", SIGNED)
def test_without_a_key_nothing_is_written_unsigned(policy: Path, honest: Path, form: str) -> None:
    done = attest("verify", honest, "-p", policy, "--format", form)
    said = f"attest: --format {form} is signed, and never written unsigned: needs --key\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", said)


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "junit"])
def test_a_key_that_nothing_is_signed_with_is_2(
    policy: Path, honest: Path, key: Path, form: str
) -> None:
    done = attest("verify", honest, "-p", policy, "--format", form, "--key", key)
    said = "attest: --key is for --format ear and --format intoto\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", said)


@pytest.mark.parametrize("form", ["text", "jsonl", "sarif", "intoto"])
def test_a_profile_that_nothing_is_named_by_is_2(policy: Path, honest: Path, form: str) -> None:
    done = attest("verify", honest, "-p", policy, "--format", form, "--ear-profile", "ietf")
    assert (done.exit_code, done.stderr) == (2, "attest: --ear-profile is for --format ear alone\n")


@pytest.mark.parametrize("form", SIGNED)
def test_a_key_that_does_not_sign_is_2_on_one_line(
    policy: Path, honest: Path, tmp_path: Path, form: str
) -> None:
    broken = written(tmp_path / "broken.pem", b"no key")
    done = attest("verify", honest, "-p", policy, *with_key(form, broken))
    said = f"attest: {broken}: expected one private key in PEM, and nothing else\n"
    assert (done.exit_code, done.stdout, done.stderr) == (2, "", said)


@pytest.mark.parametrize("form", SIGNED)
def test_the_password_of_a_key_comes_from_the_environment(
    policy: Path, honest: Path, tmp_path: Path, form: str
) -> None:
    locked = written(tmp_path / "locked.pem", key_pem(b"secret"))
    words = ["verify", honest, "-p", policy, *with_key(form, locked)]
    assert attest(*words, env={"ATTEST_KEY_PASSWORD": "secret"}).exit_code == 0
    assert "its password is missing" in attest(*words).stderr


@pytest.mark.parametrize("form", EXCHANGED)
def test_output_goes_to_a_file(
    policy: Path, honest: Path, key: Path, tmp_path: Path, form: str
) -> None:
    out = tmp_path / "out"
    done = attest("verify", honest, "-p", policy, *with_key(form, key), "--output", out)
    assert (done.exit_code, done.stdout) == (0, "")
    assert out.read_text(encoding="ascii").endswith("\n")


def test_text_needs_none_of_the_libraries_of_other_formats(policy: Path, honest: Path) -> None:
    done = run("verify", honest, "-p", policy, env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.split(b"|")[-1].strip().decode() for line in done.stderr.splitlines()}
    heavy = {"attest.cli.exchange", "attest.signing", "joserfc", "json", "securesystemslib", "xml"}
    assert (done.returncode, imported & heavy) == (0, set())


def test_lint_gives_sarif_with_lines_and_leaves_exit_codes_alone(tmp_path: Path) -> None:
    weak = written(tmp_path / "weak.yaml", build.policy_text().encode())
    wrong = written(tmp_path / "wrong.yaml", build.policy_text(tpm="sometimes").encode())

    done = attest("policy", "lint", weak, wrong, "--format", "sarif")

    document = json.loads(done.stdout)
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    warned, broken = document["runs"][0]["results"]
    assert (warned["ruleId"], warned["level"]) == ("aik.unanchored", "warning")
    assert warned["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 4,
        "startColumn": 10,
    }
    assert (broken["ruleId"], broken["level"]) == ("policy.load", "error")
    assert (done.exit_code, done.stderr.startswith(f"attest: {wrong}:")) == (2, True)


@pytest.mark.parametrize(("strict", "code"), [([], 0), (["--strict"], 1)])
def test_lint_in_sarif_is_as_strict_as_in_text(policy: Path, strict: list[str], code: int) -> None:
    done = attest("policy", "lint", policy, "--format", "sarif", *strict)
    assert done.exit_code == code
