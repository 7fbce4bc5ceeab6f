"""``attest verify``: what each option expects, and what it does with what it gets."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import build
from tests.aik import ecc_aik
from tests.cli.calls import HONEST, attest, run
from tests.judging import octets_of

MOMENT = "2026-11-24T06:00:01Z"
CLAIMED = 1795500001
"""The same moment as ``processed_at``."""


def policy_at(folder: Path, **members: object) -> Path:
    path = folder / "other.yaml"
    path.write_text(build.policy_text(build.VALUES, **members), encoding="utf-8")
    return path


def response_at(folder: Path, **told: Any) -> Path:
    path = folder / "response.json"
    path.write_bytes(octets_of(build.response(ecc_aik(), **told)))
    return path


def row_of(*words: object) -> dict[str, Any]:
    (row,) = json.loads(attest("verify", *words, "--format", "json").stdout)
    document: dict[str, Any] = row
    return document


def outcome(row: dict[str, Any], check: str) -> str:
    (seen,) = (one["outcome"] for one in row["checks"] if one["id"] == check)
    return str(seen)


def test_payload_id_wins_over_the_saved_one(policy: Path, tmp_path: Path) -> None:
    saved = response_at(tmp_path, drop=["_metadata.payload_id"])
    row = row_of(saved, "-p", policy, "--payload-id", build.PAYLOAD_ID)
    assert (row["payload_id"], row["decision"]) == (build.PAYLOAD_ID, "accepted")


def test_payload_id_that_differs_from_the_saved_one_refuses(policy: Path, honest: Path) -> None:
    row = row_of(honest, "-p", policy, "--payload-id", "another")
    assert (row["payload_id"], outcome(row, "quote.nonce")) == ("another", "fail")


def test_payload_id_that_is_empty_refuses(policy: Path, tmp_path: Path) -> None:
    saved = response_at(tmp_path, drop=["_metadata.payload_id"])
    row = row_of(saved, "-p", policy, "--payload-id", "")
    assert outcome(row, "quote.nonce") == "fail"


@pytest.mark.parametrize("option", [("--payload-id", build.PAYLOAD_ID), ("--nonce", "00")])
@pytest.mark.parametrize("many", ["files", "lines"])
def test_payload_id_and_nonce_are_for_one_response(
    tmp_path: Path, honest: Path, option: tuple[str, str], many: str
) -> None:
    policy = policy_at(tmp_path, nonce="given" if option[0] == "--nonce" else "payload-id")
    lines = tmp_path / "many.jsonl"
    lines.write_bytes(HONEST + b"\n" + HONEST + b"\n")
    given = [honest, honest] if many == "files" else [lines]
    done = attest("verify", *given, "-p", policy, *option)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--payload-id and --nonce are for one response" in done.stderr


def test_payload_id_is_taken_for_a_file_of_one_line(policy: Path, tmp_path: Path) -> None:
    lines = tmp_path / "many.jsonl"
    lines.write_bytes(b"\n" + HONEST + b"\n\n")
    done = attest("verify", lines, "-p", policy, "--payload-id", build.PAYLOAD_ID)
    assert done.exit_code == 0


@pytest.mark.parametrize("written", ["00ff", "00FF"])
def test_nonce_is_hex_in_either_case(tmp_path: Path, written: str) -> None:
    quoted = response_at(tmp_path, quoted={"extra_data": b"\0\xff"})
    policy = policy_at(tmp_path, nonce="given")
    assert attest("verify", quoted, "-p", policy, "--nonce", written).exit_code == 0


@pytest.mark.parametrize("nonce", ["", "0", "0x00", "00 ff", " 00", "zz", "00" * 65])
def test_nonce_that_is_none_is_a_wrong_call(tmp_path: Path, honest: Path, nonce: str) -> None:
    policy = policy_at(tmp_path, nonce="given")
    done = attest("verify", honest, "-p", policy, "--nonce", nonce)
    assert (done.exit_code, done.stdout) == (2, "")


def test_nonce_of_64_octets_is_taken(tmp_path: Path) -> None:
    quoted = response_at(tmp_path, quoted={"extra_data": bytes(64)})
    policy = policy_at(tmp_path, nonce="given")
    assert attest("verify", quoted, "-p", policy, "--nonce", "00" * 64).exit_code == 0


def test_nonce_missing_where_the_policy_asks_is_a_wrong_call(tmp_path: Path, honest: Path) -> None:
    done = attest("verify", honest, "-p", policy_at(tmp_path, nonce="given"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the policy says nonce: given, and no nonce was given" in done.stderr


def test_nonce_where_the_policy_does_not_ask_is_a_wrong_call(policy: Path, honest: Path) -> None:
    done = attest("verify", honest, "-p", policy, "--nonce", "00")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "the policy does not say nonce: given" in done.stderr


@pytest.mark.parametrize(("tier", "code"), [("maximum", 0), ("high", 1), ("standard", 1)])
def test_tier_is_compared_with_the_reported_one(
    policy: Path, honest: Path, tier: str, code: int
) -> None:
    assert attest("verify", honest, "-p", policy, "--tier", tier).exit_code == code


@pytest.mark.parametrize("tier", ["", "Maximum", "none"])
def test_tier_that_nobody_knows_is_a_wrong_call(policy: Path, honest: Path, tier: str) -> None:
    assert attest("verify", honest, "-p", policy, "--tier", tier).exit_code == 2


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2026-11-24T06:00:00Z", 1),
        (MOMENT, 0),
        ("2026-11-24T07:00:01+01:00", 0),
        ("2026-11-24T06:00:01.999999Z", 0),
        ("2026-11-24T06:00:02Z", 1),
        ("evidence", 0),
    ],
)
def test_at_decides_every_validity(tmp_path: Path, honest: Path, at: str, code: int) -> None:
    valid = {"from": MOMENT, "until": "2026-11-24T06:00:02Z"}
    golden = {"sha256": {0: build.VALUES["sha256"][0]}}
    release = {"name": "r", "valid": valid, "pcrs": golden}
    policy = policy_at(tmp_path, valid=valid, baselines=[release])
    assert attest("verify", honest, "-p", policy, "--at", at).exit_code == code


def test_at_is_written_into_the_result(policy: Path, honest: Path) -> None:
    row = row_of(honest, "-p", policy, "--at", "2026-11-24T07:00:01+01:00")
    assert row["verified_at"] == MOMENT


def test_at_is_now_by_default(tmp_path: Path, honest: Path) -> None:
    over = policy_at(tmp_path, valid={"until": "2026-01-01T00:00:00Z"})
    seen = [attest("verify", honest, "-p", over, *at).exit_code for at in ((), ("--at", "now"))]
    assert seen == [1, 1]


@pytest.mark.parametrize(
    "at", ["", "2026-11-24", "2026-11-24T06:00:01", "today", "1795500001", "2026-13-01T00:00:00Z"]
)
def test_at_that_is_no_moment_with_a_zone_is_a_wrong_call(
    policy: Path, honest: Path, at: str
) -> None:
    assert attest("verify", honest, "-p", policy, "--at", at).exit_code == 2


def test_at_evidence_is_what_each_row_claims(tmp_path: Path, policy: Path) -> None:
    many = tmp_path / "many.jsonl"
    rows = [build.response(ecc_aik(), metadata={"processed_at": CLAIMED + n}) for n in range(3)]
    many.write_bytes(b"\n".join(map(octets_of, rows)))
    done = attest("verify", many, "-p", policy, "--at", "evidence", "--format", "json")
    moments = [row["verified_at"] for row in json.loads(done.stdout)]
    assert moments == [f"2026-11-24T06:00:0{n}Z" for n in (1, 2, 3)]


@pytest.mark.parametrize(
    "claimed", [None, "now", 1795500001.0, 1795500001.5, True, 10**12, -(10**12), 2**63, 10**30]
)
@pytest.mark.parametrize(("valid", "code"), [(None, 0), ({"from": "2020-01-01T00:00:00Z"}, 1)])
def test_at_evidence_without_a_claimed_moment_meets_no_bounded_validity(
    tmp_path: Path, claimed: object, valid: object, code: int
) -> None:
    odd = response_at(tmp_path, metadata={"processed_at": claimed})
    policy = policy_at(tmp_path, valid=valid)
    done = attest("verify", odd, "-p", policy, "--at", "evidence", "--format", "json")
    (row,) = json.loads(done.stdout)
    assert (done.exit_code, row["verified_at"]) == (code, None)


def test_at_evidence_without_processed_at_meets_no_bounded_validity(tmp_path: Path) -> None:
    odd = response_at(tmp_path, drop=["_metadata.processed_at"])
    policy = policy_at(tmp_path, valid={"from": "2020-01-01T00:00:00Z"})
    assert outcome(row_of(odd, "-p", policy, "--at", "evidence"), "policy.validity") == "fail"


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_at_beyond_the_calendar_never_ends_in_a_traceback(
    policy: Path, honest: Path, at: str
) -> None:
    done = run("verify", honest, "-p", policy, "--at", at, "--format", "json")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_output_takes_what_standard_output_would(
    policy: Path, honest: Path, forged: Path, tmp_path: Path, form: str
) -> None:
    words = ("verify", honest, forged, "-p", policy, "--at", MOMENT, "--format", form)
    file = tmp_path / "results"
    shown, kept = attest(*words), attest(*words, "--output", file)
    assert (kept.exit_code, kept.stdout) == (1, "")
    assert file.read_text(encoding="utf-8") == shown.stdout


def test_output_replaces_what_was_there(policy: Path, honest: Path, tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_text("x" * 100_000, encoding="utf-8")
    attest("verify", honest, "-p", policy, "--output", file)
    assert file.read_text(encoding="utf-8").startswith("ACCEPTED")


@pytest.mark.parametrize("file", [".", "missing/results"])
def test_output_that_cannot_be_written_is_2_on_one_line(
    policy: Path, honest: Path, tmp_path: Path, file: str
) -> None:
    done = attest("verify", honest, "-p", policy, "--output", tmp_path / file)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attest: {tmp_path / file}: ")


def test_a_policy_that_does_not_load_is_2_with_the_place_on_one_line(
    tmp_path: Path, honest: Path
) -> None:
    policy = policy_at(tmp_path, pcrs={"sha256": {11: b"\1\2"}})
    line = policy.read_text(encoding="utf-8").splitlines().index('    11: "0102"') + 1
    done = attest("verify", honest, "-p", policy)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attest: {policy}:{line}:9: pcrs.sha256.11: expected 64 hex")


@pytest.mark.parametrize("name", ["missing.yaml", "empty"])
def test_a_policy_that_cannot_be_read_is_2_on_one_line(
    tmp_path: Path, honest: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    done = attest("verify", honest, "-p", tmp_path / name)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"attest: {tmp_path / name}: ")


@pytest.mark.parametrize(
    "words",
    [("verify",), ("verify", "-"), ("verify", "-p", "p.yaml"), ("verify", "-", "-p"), ("judge",)],
)
def test_a_wrong_call_is_2(words: tuple[str, ...]) -> None:
    assert attest(*words).exit_code == 2


@pytest.mark.parametrize("form", ["yaml", "TEXT", ""])
def test_a_format_that_nobody_knows_is_2(policy: Path, honest: Path, form: str) -> None:
    assert attest("verify", honest, "-p", policy, "--format", form).exit_code == 2
