"""``verify_batch``: what ``attest.verify`` says, in columns, and a hash over its RFC 8785 form."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

import attest
from attest.archive.saved import Rows, fault_row, read_rows
from attest.context import Request
from attest.digests import sha256
from attest.evidence import read_evidence
from attest.policy.loader import load_policy
from attest.replay.batch import verify_batch
from attest.replay.schema import RESULTS, ROWS
from attest.result import AttestationResult
from attest.verify import appraise
from tests import build
from tests.recorded import FIXTURES
from tests.replay.making import AIK, START, enrolling, gate_archive, judged, octets, policy

CASES = sorted(path.parent for path in FIXTURES.glob("*/response.json"))


def hash_of(result: AttestationResult, source: str, row: int, *, timed: bool = True) -> bytes:
    """Hash a result by a library that is not used for it."""
    document = result.to_dict(source, row)
    del document["verifier"]
    if not timed:
        del document["verified_at"]
    return hashlib.sha256(rfc8785.dumps(document)).digest()


def result_of(response: bytes, loaded: Any, at: datetime | None) -> AttestationResult:
    evidence = read_evidence(response)
    if at is None and evidence.processed_at is not None:
        at = datetime.fromtimestamp(evidence.processed_at, UTC)
    return appraise(evidence, loaded, Request(at=at))


def assert_same(row: dict[str, Any], result: AttestationResult) -> None:
    """Hold a row of results against the result of the same response."""
    document = result.to_dict("source", row["row"])
    told = {
        "decision": document["decision"],
        "refused_by": ",".join(check.id for check in result.refusals) or None,
        "assurance": document["assurance"],
        "baseline": document["baseline"],
        "closest_baseline": document["closest_baseline"],
        "tier": document["tier"],
        "payload_id": document["payload_id"],
        "evidence_sha256": document["evidence_sha256"],
        "firmware_version": document["firmware_version"],
    }
    if row["decision"] == "malformed":
        told["decision"] = "malformed"
    assert {name: row[name] for name in told} == told
    assert json.loads(row["checks"]) == document["checks"]
    assert json.loads(row["pcrs"] or "null") == document["pcrs"]
    assert json.loads(row["differences"] or "[]") == document["differences"]
    assert json.loads(row["anchor"] or "null") == document["anchor"]
    policy = document["policy"] or dict.fromkeys(("name", "serial", "sha256"))
    assert [row[f"policy_{name}"] for name in ("name", "serial", "sha256")] == list(policy.values())
    aik, clock = document["aik"] or {}, document["clock"] or {}
    assert (row["aik_name"], row["aik_hierarchy"]) == (aik.get("name"), aik.get("hierarchy"))
    for column, member in (
        ("clock", "clock"), ("reset_count", "reset_count"), ("restart_count", "restart_count"),
        ("clock_safe", "safe"),
    ):  # fmt: skip
        assert row[column] == clock.get(member)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_row_says_what_verify_says(case: Path) -> None:
    response = (case / "response.json").read_bytes()
    loaded = load_policy(case / "policy.yaml")
    for at in (None, START):
        (row,) = judged([response], loaded, at)
        result = result_of(response, loaded, at)
        assert_same(row, result)
        assert row["result_sha256"] == hash_of(result, "source", 0)


@pytest.mark.parametrize(
    "told",
    [
        {"payload_id": 'quoted "\\/\b\t\n\r\x01\x7f\u2028é😀'},
        {"tier": "müßig"},
        {
            "values": {
                "sha1": {16: b"1" * 20, 2: b"2" * 20, 10: b"3" * 20},
                "sha256": {10: b"4" * 32},
            }
        },
        {"values": {"sha256": {10: b"4" * 32}}},
        {"pcr_values": {"sha256": {"0": "zz"}}},
        {"attestation": {"extra": 1.5, "more": [1, {"é": None}]}},
        {"attestation": {"extra": 2**60}},
        {"attestation": {"é": 1}},
        {"pcr_banks": "é"},
        {"drop": ["_metadata.tpm_attestation.pcr_banks"]},
        {"quoted": {"clock": 2**64 - 1, "firmware": 2**64 - 1, "reset_count": 2**32 - 1}},
    ],
)
def test_the_hash_is_over_the_rfc_8785_form(told: dict[str, Any]) -> None:
    response = octets(**told)
    (row,) = judged([response])
    result = result_of(response, policy(), None)
    assert_same(row, result)
    assert row["result_sha256"] == hash_of(result, "source", 0)


@given(
    payload_id=st.text(),
    tier=st.text(),
    extra=st.dictionaries(st.text(), st.integers() | st.text()),
)
def test_any_text_gives_the_rfc_8785_form(
    payload_id: str, tier: str, extra: dict[str, Any]
) -> None:
    response = json.dumps(
        {"_metadata": {"payload_id": payload_id, "security_tier": tier, "tpm_attestation": extra}}
    ).encode()
    (row,) = judged([response], at=START)
    result = result_of(response, policy(), START)
    assert row["result_sha256"] == hash_of(result, "source", 0)


def test_an_anchor_is_told_and_hashed() -> None:
    response, loaded = octets(AIK), policy(**enrolling(AIK))
    (row,) = judged([response], loaded)
    assert (row["decision"], row["assurance"]) == ("accepted", "anchored")
    assert row["machine"] == AIK.name.hex()
    assert_same(row, result_of(response, loaded, None))
    assert row["result_sha256"] == hash_of(result_of(response, loaded, None), "source", 0)


def test_the_clock_of_the_run_is_no_part_of_the_hash() -> None:
    response = octets(AIK)
    first, second = (
        judged([response], at=START + timedelta(days=days), timed=False)[0] for days in (0, 1)
    )
    result = result_of(response, policy(), START)
    assert first["verified_at"] != second["verified_at"]
    assert first["result_sha256"] == second["result_sha256"]
    assert first["result_sha256"] == hash_of(result, "source", 0, timed=False)


def test_a_moment_outside_utc_is_written_in_utc() -> None:
    at = datetime.fromisoformat("2026-11-24T13:00:00.000001+01:00")
    response = octets()
    (row,) = judged([response], at=at)
    assert row["verified_at"] == at
    assert row["result_sha256"] == hash_of(result_of(response, policy(), at), "source", 0)


def test_a_row_is_judged_at_the_time_that_the_server_claims() -> None:
    response = octets(number=5)
    (row,) = judged([response])
    at = START + timedelta(seconds=5)
    assert (row["moment"], row["moment_source"], row["verified_at"]) == (at, "claimed", at)


@pytest.mark.parametrize("claimed", [None, "now", 2**70, -(2**70)])
def test_a_time_that_is_none_is_unknown(claimed: object) -> None:
    (row,) = judged([octets(metadata={"processed_at": claimed})])
    assert (row["moment"], row["moment_source"], row["verified_at"]) == (None, None, None)


def test_the_quote_is_told_in_columns() -> None:
    response = octets(AIK, values={"sha1": {0: b"0" * 20}, "sha256": {10: b"1" * 32, 7: b"7" * 32}})
    (row,) = judged([response])
    quote = build.quote(AIK, {}, extra_data=build.nonce_of("id-0"))
    assert row["nonce"] == build.nonce_of("id-0")
    assert row["selection"] == "sha1:0+sha256:7,10"
    assert json.loads(row["platform_pcrs"]) == {
        "sha1": {"0": (b"0" * 20).hex()}, "sha256": {"7": (b"7" * 32).hex()}
    }  # fmt: skip
    assert len(row["quote_sha256"]) == len(sha256(quote).digest())
    assert (row["released"], row["gap"], row["requested_tier"]) == (None, None, None)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (b"", "response: is no JSON: Input data was truncated"),
        (b"nonsense", "response: is no JSON: JSON is malformed: invalid character (byte 4)"),
        (b"[1]", "response: is an array, expected an object"),
        (b"\xff{}", "response: is no JSON: JSON is malformed: invalid character (byte 0)"),
        (b'"\xff"', "response: is not UTF-8: invalid start byte"),
        (b"\0" * 40, "response: is no JSON: JSON is malformed: invalid character (byte 0)"),
        (b"[" * 1_000_000 + b"]" * 1_000_000, "response: is nested deeper than 64"),
    ],
)
def test_what_is_no_json_object_is_malformed(response: bytes, reason: str) -> None:
    (row,) = judged([response])
    assert (row["decision"], row["reason"], row["assurance"]) == ("malformed", reason, "none")
    assert json.loads(row["checks"])[1]["reason"] == reason


@pytest.mark.parametrize(
    "response",
    [b"{}", b'{"a":1,"a":2}', b'{"a":%s}' % (b"[" * 70 + b"]" * 70), b'{"_metadata":[]}'],
)
def test_any_json_object_is_refused_and_not_malformed(response: bytes) -> None:
    (row,) = judged([response])
    assert (row["decision"], row["reason"]) == ("refused", None)


def test_a_fault_is_malformed_with_its_reason() -> None:
    (row,) = judged(fault_row("is damaged: by fire", "entry.json"))
    assert (row["decision"], row["reason"]) == ("malformed", "is damaged: by fire")
    assert (row["entry"], row["refused_by"] is not None) == ("entry.json", True)


def test_an_attestation_is_judged_by_what_stands_beside_it() -> None:
    metadata = json.loads(octets(AIK))["_metadata"]
    member = json.dumps(metadata["tpm_attestation"]).encode()
    columns = {
        "payload_id": ["id-0", "id-1"],
        "security_tier": ["maximum", "maximum"],
        "requested_tier": ["high", "other"],
        "processed_at": [metadata["processed_at"], None],
    }
    first, second = judged(Rows("attestation", [member] * 2, columns=columns))
    assert (first["refused_by"], first["tier"], first["requested_tier"]) == (
        "response.tier",
        "maximum",
        "high",
    )
    assert (second["refused_by"], second["moment"], second["requested_tier"]) == (
        "quote.nonce",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("member", "decision", "reason"),
    [
        (b"[]", "malformed", "tpm_attestation: is an array, expected an object"),
        (b"{", "malformed", "tpm_attestation: is no JSON: Input data was truncated"),
        (b"{}", "refused", None),
        (b'{"a":1,"a":1}', "refused", None),
    ],
)
def test_an_attestation_is_read_as_strictly(
    member: bytes, decision: str, reason: str | None
) -> None:
    (row,) = judged(Rows("attestation", [member]))
    assert (row["decision"], row["reason"]) == (decision, reason)


def test_a_gate_record_has_the_gate_s_own_time_and_tier(tmp_path: Path) -> None:
    path = gate_archive(tmp_path, [octets(number=3)], requested_tier="high")
    with path.open("rb") as stream:
        (rows,) = read_rows(path.name, stream)
    (row,) = judged(rows)
    at = START + timedelta(days=1)
    assert (row["moment"], row["moment_source"], row["verified_at"]) == (at, "gate", at)
    assert (row["requested_tier"], row["tier"]) == ("high", "maximum")
    assert (row["refused_by"], row["released"], row["gap"]) == ("response.tier", True, False)


def test_a_gate_record_without_evidence_is_refused(tmp_path: Path) -> None:
    path = gate_archive(tmp_path, [b"{}"], released=False)
    with path.open("rb") as stream:
        (rows,) = read_rows(path.name, stream)
    (row,) = judged(rows)
    assert (row["decision"], row["moment_source"], row["released"]) == ("refused", "gate", False)
    assert "evidence.present" in row["refused_by"]


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        (b'{"attestation":1}', "refused"),
        (b'{"previous":"', "malformed"),
        (
            b'{"previous":"%s","recorded_at":"2026-01-01T00:00:00Z","schema":1,"seq":0,"torn":"%s"}'
            % (b"0" * 64, b"0" * 64),
            "refused",
        ),
    ],
)
def test_what_is_no_decision_in_an_archive_is_judged_as_it_stands(
    line: bytes, decision: str
) -> None:
    (row,) = judged(Rows("record", [line]))
    assert (row["decision"], row["moment"], row["released"]) == (decision, None, None)


def test_a_record_with_an_impossible_date_is_judged_as_it_stands(tmp_path: Path) -> None:
    line = gate_archive(tmp_path, [octets()]).read_bytes().strip()
    changed = line.replace(b'"recorded_at":"2026-11-25', b'"recorded_at":"2026-99-25')
    (row,) = judged(Rows("record", [changed]))
    assert (row["decision"], row["moment_source"]) == ("refused", None)


def test_an_empty_batch_gives_an_empty_batch() -> None:
    batch = pa.RecordBatch.from_pylist([], schema=ROWS)
    results = verify_batch(batch, policy(), None)
    assert (results.num_rows, results.schema.equals(RESULTS)) == (0, True)


def test_no_column_is_unsigned() -> None:
    kinds = [field.type for field in (*RESULTS, *ROWS)]
    assert not [kind for kind in kinds if str(kind).startswith("uint")]


@pytest.mark.parametrize("tier", ["maximum", "x" * 5000])
@pytest.mark.parametrize("refused", [(), (64,), range(0, 130, 2), range(130)])
def test_many_rows_are_the_same_as_each_alone(refused: Sequence[int], tier: str) -> None:
    responses = [
        octets(
            number=number,
            quoted={"magic": 0} if number in refused else {},
            metadata={"security_tier": tier},
        )
        for number in range(130)
    ]
    together = judged(responses)
    decisions = ["refused" if number in refused else "accepted" for number in range(130)]
    assert [row["decision"] for row in together] == decisions
    for number in (0, 1, 63, 64, 129):
        (alone,) = judged([responses[number]])
        assert {**alone, "row": number, "result_sha256": None} == {
            **together[number],
            "result_sha256": None,
        }


def test_the_row_is_verified_as_by_verify() -> None:
    response = octets()
    (row,) = judged([response], at=START)
    assert_same(row, attest.verify(response, policy(), at=START))
