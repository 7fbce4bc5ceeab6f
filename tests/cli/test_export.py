"""``attest export``: each format over a run, read by another's library, and what verify writes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped] # ships no types
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from trestle.oscal.assessment_results import AssessmentResults

from attest.policy.schema import schema
from attest.report.sarif import MOST_RESULTS
from tests import build
from tests.aik import ecc_aik
from tests.cli.calls import attest, environment
from tests.cli.conftest import written
from tests.cli.test_exchange import claims_of, key_pem, statement_of, with_key
from tests.cli.test_streams import PEAK
from tests.judging import octets_of
from tests.recorded import FIXTURES
from tests.replay.making import octets
from tests.report.test_sarif import SCHEMA

AT: Final = "2026-11-24T12:00:00Z"
CASES: Final = {
    "swtpm-other-release": ("quoted", "golden"),
    "swtpm-banks-sha256-sha1": ("sha1", "sha256"),
    "swtpm-banks-three": ("sha384", "sha512"),
    "swtpm-all-pcrs": ("2", "10", "23"),
    "swtpm-enrolled-spki-rsa": ("trust", "spki_sha256"),
    "forged-certify-enrolled-name": ("trust", "via"),
    "forged-chain-ak": ("via", "leaf_sha256", "manufacturer", "identity"),
    "gce-cos-85-nonce9009-sha256-certified-names": ("project_number", "instance_id"),
    "gce-cos-85-nonce9009-sha256-other-root": ("id",),
}
"""Fixtures, and members that their results must have to be a case of anything."""
LINUX: Final = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
MEBIBYTE: Final = 1024
"""In the unit in which the system tells how much memory a process took."""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A response that is accepted, two that are refused, and a row that is no JSON."""
    rows = (octets(), octets(number=1, quoted={"magic": 0}), b"[]", b"cut")
    return written(tmp_path / "saved.jsonl", b"\n".join(rows))


@pytest.fixture
def out(saved: Path, policy: Path, tmp_path: Path) -> Path:
    """The folder of a run over them, at one moment."""
    done = attest("replay", saved, "-p", policy, "-o", tmp_path / "out", "--at", AT)
    assert done.exit_code == 1
    return tmp_path / "out"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return written(tmp_path / "key.pem", key_pem())


def exported(out: Path, form: str, key: Path, *words: str) -> str:
    done = attest("export", out, *with_key(form, key), *words)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def verified(saved: Path, policy: Path, form: str, key: Path) -> str:
    done = attest("verify", saved, "-p", policy, "--at", AT, *with_key(form, key))
    assert done.exit_code == 1, done.stderr
    return done.stdout


@pytest.mark.parametrize("form", ["json", "jsonl", "sarif", "junit"])
def test_what_is_exported_is_what_verify_writes_octet_for_octet(
    out: Path, saved: Path, policy: Path, key: Path, form: str
) -> None:
    assert exported(out, form, key) == verified(saved, policy, form, key)


@pytest.mark.parametrize("case", CASES)
def test_whatever_a_result_holds_is_written_in_one_order(tmp_path: Path, case: str) -> None:
    folder = tmp_path / "case"
    shutil.copytree(FIXTURES / case, folder)
    policy, response = folder / "policy.yaml", folder / "response.json"
    text = policy.read_text(encoding="utf-8").replace("nonce: given", "nonce: none")
    policy.write_text(text, encoding="utf-8")
    words = (response, "-p", policy, "--at", AT)
    attest("replay", *words, "-o", tmp_path / "out", "--processes", "1")
    ours = attest("export", tmp_path / "out", "--format", "jsonl").stdout
    assert ours == attest("verify", *words, "--format", "jsonl").stdout
    assert all(f'"{member}": ' in ours for member in CASES[case])


def unsigned_ear(line: str) -> dict[str, Any]:
    claims = claims_of(line)
    assert isinstance(claims.pop("iat"), int)
    return claims


def untimed_statement(line: str) -> dict[str, Any]:
    statement = statement_of(line)
    statement["predicate"].pop("timeCreated", None)
    return statement


def test_what_is_signed_is_what_verify_signs_but_for_the_time(
    out: Path, saved: Path, policy: Path, key: Path
) -> None:
    for form, read, number in (("ear", unsigned_ear, 4), ("intoto", untimed_statement, 2)):
        ours, theirs = exported(out, form, key), verified(saved, policy, form, key)
        assert [*map(read, ours.splitlines())] == [*map(read, theirs.splitlines())]
        assert len(ours.splitlines()) == number


@pytest.mark.parametrize("form", ["ietf", "veraison", "trustee"])
def test_the_profile_of_ear_is_chosen_by_name(out: Path, key: Path, form: str) -> None:
    lines = exported(out, "ear", key, "--ear-profile", form).splitlines()
    names = {claims_of(line)["eat_profile"] for line in lines}
    assert names == {
        {
            "ietf": "tag:ietf.org,2026:rats/ear#04",
            "veraison": "tag:github.com,2023:veraison/ear",
            "trustee": "tag:github.com,2024:confidential-containers/Trustee",
        }[form]
    }


def test_results_without_evidence_get_no_statement_and_are_named(out: Path, saved: Path) -> None:
    key = written(out.parent / "key.pem", key_pem())
    done = attest("export", out, "--format", "intoto", "--key", key)
    why = "no statement, for there is no evidence to name in it"
    assert done.exit_code == 0
    assert done.stderr == f"attest: {saved} row 2: {why}\nattest: {saved} row 3: {why}\n"


def test_json_and_jsonl_are_results_as_their_schema_says(out: Path, key: Path) -> None:
    listed = json.loads(exported(out, "json", key))
    lines = [json.loads(line) for line in exported(out, "jsonl", key).splitlines()]
    for result in listed:
        jsonschema.Draft202012Validator(schema("result")).validate(result)
    assert listed == lines
    assert [result["decision"] for result in lines] == ["accepted", *["refused"] * 3]


def test_sarif_is_as_its_schema_says(out: Path, key: Path) -> None:
    log = json.loads(exported(out, "sarif", key))
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    assert log["runs"][0]["properties"] == {"accepted": 1, "refused": 3}


def test_junit_is_read_by_another_library(out: Path, key: Path) -> None:
    (suite,) = JUnitXml.fromstring(exported(out, "junit", key).encode())
    assert (suite.tests, suite.failures, len(list(suite))) == (4, 3, 4)


def test_oscal_is_read_by_another_library(out: Path, key: Path) -> None:
    document = json.loads(exported(out, "oscal", key))["assessment-results"]
    (result,) = AssessmentResults.model_validate(document).results
    assert result.description == "1 responses accepted, 3 refused."


def test_ocsf_is_a_finding_a_line_read_by_another_library(out: Path, key: Path) -> None:
    lines = exported(out, "ocsf", key).splitlines()
    read = [ComplianceFinding.model_validate_json(line) for line in lines]
    assert [one.status_code for one in read] == ["PASS", "FAIL", "FAIL", "FAIL"]
    assert {one.class_uid for one in read} == {2003}


def test_prometheus_is_read_by_another_parser(out: Path, key: Path) -> None:
    families = text_string_to_metric_families(exported(out, "prometheus", key))
    counts = {family.name: sum(sample.value for sample in family.samples) for family in families}
    assert (counts["tpm_attest_responses"], counts["tpm_attest_policies"]) == (4, 4)


def test_a_key_with_a_password_signs(out: Path) -> None:
    locked = written(out.parent / "locked.pem", key_pem(b"secret"))
    words = ("export", out, "--format", "ear", "--key", locked)
    done = attest(*words, env={"ATTEST_KEY_PASSWORD": "secret"})
    assert [claims_of(line)["submods"]["tpm"]["ear_status"] for line in done.stdout.splitlines()]
    without = attest(*words)
    assert (without.exit_code, without.stdout) == (2, "")
    assert "its password is missing" in without.stderr


def test_a_run_with_too_many_refusals_is_capped_in_sarif_and_says_so(
    policy: Path, tmp_path: Path
) -> None:
    more, alike = 7, 3
    aik = ecc_aik()
    template = json.dumps(build.response(aik, payload_id="id-number"))
    rows = [template.replace("id-number", f"id-{number}") for number in range(MOST_RESULTS + more)]
    saved = tmp_path / "saved.jsonl"
    saved.write_text("\n".join([*rows, *rows[:alike]]), encoding="utf-8")
    assert attest("replay", saved, "-p", policy, "-o", tmp_path / "out").exit_code == 1

    done = attest("export", tmp_path / "out", "--format", "sarif")

    (run,) = json.loads(done.stdout)["runs"]
    (note,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (done.exit_code, len(run["results"])) == (0, MOST_RESULTS)
    assert run["properties"] == {"accepted": 0, "refused": MOST_RESULTS + more + alike}
    assert note == {
        "level": "warning",
        "message": {
            "text": f"{more} further refusals are left out: a log lists at most 5000 results"
        },
    }
    assert [result["occurrenceCount"] for result in run["results"][: alike + 1]] == [2, 2, 2, 1]
    assert {result["ruleId"] for result in run["results"]} == {"quote.nonce"}


def peak_of(out: Path, form: str, target: Path) -> int:
    """The most memory that an export took, in KiB."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "export", str(out), "--format", form, "--output", str(target)],
        capture_output=True, env=environment(), timeout=120, check=True, text=True,
    )  # fmt: skip
    status, peak = done.stdout.split()
    assert status in ("None", "0")
    return int(peak)


@LINUX
def test_no_format_holds_what_it_writes(policy: Path, tmp_path: Path) -> None:
    long = octets_of(build.response(ecc_aik(), payload_id="x" * 30_000))
    saved = written(tmp_path / "saved.jsonl", b"\n".join([long] * 3_000))
    attest("replay", saved, "-p", policy, "-o", tmp_path / "out")
    target = tmp_path / "written"
    least = peak_of(tmp_path / "out", "prometheus", target)
    for form in ("json", "jsonl", "ocsf", "junit", "sarif", "oscal"):
        more = peak_of(tmp_path / "out", form, target) - least
        assert more < 48 * MEBIBYTE, form
        if form in ("json", "jsonl", "ocsf", "junit"):
            assert target.stat().st_size > 80 * MEBIBYTE * 1024


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "ear", "intoto"])
def test_a_row_that_was_changed_after_the_run_is_2_on_one_line(
    out: Path, key: Path, form: str
) -> None:
    (part,) = (out / "results").iterdir()
    table = pq.read_table(part)
    forged = pa.array(["accepted"] * table.num_rows)
    place = table.schema.get_field_index("decision")
    pq.write_table(table.set_column(place, table.schema.field("decision"), forged), part)
    done = attest("export", out, *with_key(form, key))
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert "is not the result that was hashed" in done.stderr


def test_an_export_that_breaks_off_leaves_an_empty_file(out: Path, tmp_path: Path) -> None:
    (part,) = (out / "results").iterdir()
    table = pq.read_table(part)
    *others, last = table.column("decision").to_pylist()
    place = table.schema.get_field_index("decision")
    forged = pa.array([*others, "refused" if last == "accepted" else "accepted"])
    pq.write_table(table.set_column(place, table.schema.field("decision"), forged), part)
    target = tmp_path / "target.jsonl"
    target.write_text("what stood there before", encoding="utf-8")
    done = attest("export", out, "--format", "jsonl", "--output", target)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert target.read_bytes() == b""


def test_a_reader_that_has_enough_ends_an_export_in_silence(out: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "attest", "export", str(out), "--format", "jsonl"],
            stdout=pipe, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full device")
@pytest.mark.parametrize("form", ["jsonl", "junit", "sarif"])
def test_an_export_that_cannot_be_written_is_2_on_one_line(out: Path, form: str) -> None:
    done = attest("export", out, "--format", form, "--output", "/dev/full")
    assert (done.exit_code, done.stderr) == (2, "attest: /dev/full: No space left on device\n")
    with Path("/dev/full").open("wb") as full:
        printed = subprocess.run(
            [sys.executable, "-m", "attest", "export", str(out), "--format", form],
            stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=60, check=False,
        )  # fmt: skip
    said = b"attest: output: No space left on device\n"
    assert (printed.returncode, printed.stderr) == (2, said)
