"""One record: its members, its octets, and what never gets into it."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from attest.archive import Archive, Decision, Mode, Phase, verify_archive
from attest.archive.record import canonical, read_record
from attest.errors import MalformedError
from attest.policy.schema import schema
from tests import build
from tests.archive.making import (
    GENESIS,
    KEY,
    archive_of,
    decision,
    hash_of,
    judged,
    line_of,
    lines_of,
    record_of,
    response,
)
from tests.judging import octets_of

CANARY = "the launch code is 0000"
MEMBERS = {
    "schema", "seq", "recorded_at", "mode", "phase", "released", "base_url", "payload_id",
    "requested_tier", "reported_tier", "attestation", "server_key_sha256", "policy_sha256",
    "result", "previous",
}  # fmt: skip


def test_a_record_has_the_members_of_the_contract_and_no_others(tmp_path: Path) -> None:
    (line,) = lines_of(archive_of(tmp_path, 1))
    assert set(record_of(line)) == MEMBERS


def test_a_record_says_what_was_decided(tmp_path: Path) -> None:
    result = judged(tmp_path)
    record = record_of(lines_of(archive_of(tmp_path, 1))[0])
    block = json.loads(response())["_metadata"]["tpm_attestation"]
    assert json.loads(record.pop("attestation")) == block
    assert record.pop("result") == result.to_dict()
    assert record == {
        "schema": 1,
        "seq": 0,
        "recorded_at": "2026-11-24T12:00:00Z",
        "mode": "enforce",
        "phase": "response",
        "released": True,
        "base_url": "https://server.example/api",
        "payload_id": build.PAYLOAD_ID,
        "requested_tier": "maximum",
        "reported_tier": "maximum",
        "server_key_sha256": KEY,
        "policy_sha256": result.to_dict()["policy"]["sha256"],
        "previous": GENESIS,
    }


def test_a_line_is_the_rfc_8785_form_and_names_the_hash_of_the_one_before(tmp_path: Path) -> None:
    lines = lines_of(archive_of(tmp_path, 3))
    records = list(map(record_of, lines))
    assert list(map(line_of, records)) == lines
    assert [one["previous"] for one in records] == [GENESIS, *map(hash_of, lines[:2])]
    assert [one["seq"] for one in records] == [0, 1, 2]


def test_a_receipt_names_the_record(tmp_path: Path) -> None:
    path = tmp_path / "evidence.jsonl"
    receipts = [Archive(path).append(decision(tmp_path)) for _ in range(2)]
    lines = lines_of(path)
    assert [(one.seq, one.sha256) for one in receipts] == list(enumerate(map(hash_of, lines)))


def test_a_record_follows_the_published_schema(tmp_path: Path) -> None:
    path = archive_of(tmp_path, 2)
    with path.open("ab") as stream:
        stream.write(b"{")
    Archive(path).append(decision(tmp_path))
    validator = jsonschema.Draft202012Validator(schema("record"))
    records = list(map(record_of, lines_of(path)[:2] + lines_of(path)[3:]))
    assert [list(validator.iter_errors(one)) for one in records] == [[]] * 4
    assert "torn" in records[2]
    assert not validator.is_valid({**records[0], "prompt": CANARY})
    results = jsonschema.Draft202012Validator(schema("result"))
    assert results.is_valid(records[0]["result"])


def test_attestation_is_kept_octet_for_octet(tmp_path: Path) -> None:
    block = json.loads(response())["_metadata"]["tpm_attestation"]
    spaced = json.dumps(block, indent=3).encode()
    archive = Archive(tmp_path / "e.jsonl")
    archive.append(decision(tmp_path, attestation=spaced))
    (line,) = lines_of(tmp_path / "e.jsonl")
    assert record_of(line)["attestation"] == spaced.decode()


def test_a_response_that_nobody_could_read_has_no_attestation(tmp_path: Path) -> None:
    result = judged(tmp_path, b"no JSON")
    Archive(tmp_path / "e.jsonl").append(decision(tmp_path, result=result, released=False))
    record = record_of(lines_of(tmp_path / "e.jsonl")[0])
    assert (record["attestation"], record["reported_tier"]) == (None, None)
    assert verify_archive(tmp_path / "e.jsonl").intact


# --- what a record never says ----------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"mode": CANARY}, ValueError),
    ({"phase": CANARY}, ValueError),
    ({"released": CANARY}, TypeError),
    ({"released": 1}, TypeError),
    ({"requested_tier": CANARY}, ValueError),
    ({"server_key_sha256": CANARY}, ValueError),
    ({"server_key_sha256": KEY.upper()}, ValueError),
    ({"attestation": CANARY.encode()}, ValueError),
    ({"attestation": json.dumps({"is_available": True, "prompt": CANARY}).encode()}, ValueError),
    ({"result": {"prompt": CANARY}}, TypeError),
    ({"base_url": CANARY}, ValueError),
    ({"base_url": f"https://{CANARY}/"}, ValueError),
    ({"base_url": f"https://h/{CANARY}"}, ValueError),
    ({"base_url": "https://user:secret@h/"}, ValueError),
    ({"base_url": "https://secret@h"}, ValueError),
    ({"base_url": "https://h/?key=secret"}, ValueError),
    ({"base_url": "https://h?secret"}, ValueError),
    ({"base_url": "https://h/#secret"}, ValueError),
    ({"base_url": "https://h\\@secret"}, ValueError),
    ({"base_url": "https://h/\u202e"}, ValueError),
    ({"base_url": "https://h/" + "a" * 2048}, ValueError),
    ({"base_url": "ftp://h/"}, ValueError),
    ({"base_url": "https:///h"}, ValueError),
    ({"base_url": "h"}, ValueError),
    ({"base_url": b"https://h"}, TypeError),
    ({"prompt": CANARY}, TypeError),
    ({"api_key": CANARY}, TypeError),
]


@pytest.mark.parametrize(("changes", "error"), WRONG, ids=str)
def test_nothing_of_a_prompt_gets_into_a_decision(
    tmp_path: Path, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        decision(tmp_path, **changes)
    assert "launch" not in str(caught.value)
    assert "secret" not in str(caught.value).replace("may be a secret", "")


def test_nothing_of_a_completion_gets_into_an_archive(tmp_path: Path) -> None:
    whole = build.completion(json.loads(response())["_metadata"]["tpm_attestation"])
    whole["choices"] = [{"message": {"role": "assistant", "content": CANARY}}]
    whole["prompt"] = whole["_metadata"]["echo"] = CANARY
    result = judged(tmp_path, octets_of(whole))
    Archive(tmp_path / "e.jsonl").append(decision(tmp_path, result=result, mode=Mode.AUDIT))
    for path in tmp_path.rglob("e.jsonl*"):
        assert path.is_dir() or b"launch" not in path.read_bytes()


def test_an_enforcing_gate_never_records_that_it_released_a_refusal(tmp_path: Path) -> None:
    refused = judged(tmp_path, magic=0)
    with pytest.raises(ValueError, match="not released under enforce"):
        decision(tmp_path, result=refused)
    for allowed in ({"mode": "audit"}, {"released": False}):
        decision(tmp_path, result=refused, **allowed)


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("mode", list(Mode))
def test_words_are_taken_as_text_too(tmp_path: Path, mode: Mode, phase: Phase) -> None:
    told = decision(tmp_path, mode=str(mode), phase=str(phase))
    Archive(tmp_path / "e.jsonl").append(told)
    record = record_of(lines_of(tmp_path / "e.jsonl")[0])
    assert (record["mode"], record["phase"]) == (mode, phase)


# --- one way to write it ---------------------------------------------------------------------

names = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)
leaves = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()


@given(values=st.dictionaries(names, leaves | st.lists(leaves) | st.dictionaries(names, leaves)))
def test_the_fast_form_is_the_rfc_8785_form(values: dict[str, Any]) -> None:
    record: dict[str, Any] = {
        "schema": 1, "seq": 0, "recorded_at": "2026-11-24T12:00:00Z", "mode": "audit",
        "phase": "response", "released": True, "base_url": "https://h", "payload_id": "\u2028\x7f",
        "requested_tier": None, "reported_tier": "\U0001f600", "attestation": None,
        "server_key_sha256": None, "policy_sha256": None, "result": values, "previous": GENESIS,
    }  # fmt: skip
    line = rfc8785.dumps(record)
    assert canonical(read_record(line)) == line


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":0', b'"seq":0.0'),
        (b'"seq":0', b'"seq":-0'),
        (b'"seq":0', b'"seq":true'),
        (b'"seq":0', b'"seq":"0"'),
        (b'"seq":0', b'"seq":9007199254740992'),
        (b'"seq":0', b'"seq":0,"seq":0'),
        (b'"seq":0', b'"seq": 0'),
        (b'"schema":1,"seq"', b'"schema":2,"seq"'),
        (b'"released":true', b'"released":1'),
        (b'"mode":"enforce"', b'"mode":"\\u0065nforce"'),
        (b'"mode":"enforce"', b'"mode":"off"'),
        (b'"row":null', b'"row":0.5'),
        (b'"row":null', b'"row":[[[[[0]]]]]'),
        (b'"row":null', b'"row":{"\xc3\xa9":0}'),
        (b'"payload_id":"', b'"payload_id":"\xff'),
        (b'"payload_id":"', b'"payload_id":"\\ud800'),
        (b'"payload_id":"', b'"note":"x","payload_id":"'),
        (b'"released":true,', b""),
        (b'"previous":"', b'"previous":"\\n'),
        (b"}\n", b"} \n"),
        (b"}\n", b"}\r\n"),
    ],
)
def test_what_is_not_in_the_one_form_is_no_record(tmp_path: Path, old: bytes, new: bytes) -> None:
    (line,) = lines_of(archive_of(tmp_path, 1))
    lie = line.replace(old, new)
    assert lie != line
    with pytest.raises(MalformedError):
        read_record(lie.removesuffix(b"\n"))


def test_a_decision_is_frozen(tmp_path: Path) -> None:
    told: Any = decision(tmp_path)
    with pytest.raises(AttributeError):
        told.released = False
    assert isinstance(told, Decision)
