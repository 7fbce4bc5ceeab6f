"""The gate's evidence archive: durable before anything is released, and what a record says."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # ships no types
import pytest
from cryptography.hazmat.primitives import serialization

from attest.archive import Archive, verify_archive
from attest.policy.schema import schema
from client import (
    AttestationRefused,
    AttestedResponse,
    ClientError,
    EvidenceWriteError,
    Gate,
    SecurityError,
)
from client.exchange import Sent
from tests import build
from tests.archive import making
from tests.client import wire
from tests.client.gating import FORGED, URL, Face, edited, policy_path, records_of, saying, wired
from tests.client.serving import Answer, Posted, Reply, answered, sealed, status

HERE = "evidence.jsonl"


def archived(folder: Path) -> dict[str, Any]:
    """Arguments of a client that keeps an archive."""
    return {"policy": policy_path(folder), "archive": folder / HERE}


def test_record_lies_on_the_disk_when_the_answer_is_released(face: Face, tmp_path: Path) -> None:
    chat = face.chat(wired(), **archived(tmp_path))

    for count in (1, 2):
        response = face.ask(chat)
        records = records_of(tmp_path / HERE)
        assert len(records) == count
        assert records[-1]["payload_id"] == response.attestation.payload_id
        assert records[-1]["result"] == response.attestation.to_dict()


def test_record_says_what_was_asked_answered_and_decided(face: Face, tmp_path: Path) -> None:
    server = wired()

    response = face.ask(face.chat(server, **archived(tmp_path)), security_tier="maximum")

    (record,) = records_of(tmp_path / HERE)
    spki = (
        wire.server_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    result = response.attestation
    policy = hashlib.sha256((tmp_path / "policy.yaml").read_bytes()).hexdigest()
    assert record == {
        "schema": 1,
        "seq": 0,
        "recorded_at": result.to_dict()["verified_at"],
        "mode": "enforce",
        "phase": "response",
        "released": True,
        "base_url": URL,
        "payload_id": server.posts[0].payload_id,
        "requested_tier": "maximum",
        "reported_tier": "maximum",
        "attestation": record["attestation"],
        "server_key_sha256": hashlib.sha256(spki).hexdigest(),
        "policy_sha256": policy,
        "result": result.to_dict(),
        "previous": "0" * 64,
    }
    assert (tmp_path / f"{HERE}.policies" / f"{policy}.yaml").exists()


def test_record_follows_the_published_schema(face: Face, tmp_path: Path) -> None:
    chat = face.chat(wired(answered(), answered(**FORGED)), **archived(tmp_path))
    face.ask(chat)
    with pytest.raises(AttestationRefused):
        face.ask(chat)

    for record in records_of(tmp_path / HERE):
        jsonschema.Draft202012Validator(schema("record")).validate(record)
        jsonschema.Draft202012Validator(schema("result")).validate(record["result"])


def test_record_holds_the_evidence_as_it_came(face: Face, tmp_path: Path) -> None:
    spaced = edited(
        lambda octets: octets.replace(b'"is_available": true', b'"is_available" : true')
    )

    face.ask(face.chat(wired(spaced), **archived(tmp_path)))

    (record,) = records_of(tmp_path / HERE)
    assert record["attestation"].startswith('{"is_available" : true, "pcr_banks": ')


def test_no_tier_is_recorded_as_standard(face: Face, tmp_path: Path) -> None:
    face.ask(face.chat(wired(), **archived(tmp_path)))

    (record,) = records_of(tmp_path / HERE)
    assert (record["requested_tier"], record["reported_tier"]) == ("standard", "standard")


def test_refusal_is_recorded_as_not_released(face: Face, tmp_path: Path) -> None:
    with pytest.raises(AttestationRefused) as caught:
        face.ask(face.chat(wired(answered(**FORGED)), **archived(tmp_path)))

    (record,) = records_of(tmp_path / HERE)
    assert (record["mode"], record["released"]) == ("enforce", False)
    assert record["result"] == caught.value.result.to_dict()


def test_mixed_run_leaves_one_whole_chain(face: Face, tmp_path: Path) -> None:
    kinds: list[Answer] = [
        answered(),
        answered(**FORGED),
        sealed(b"[]"),
        status(400),
        edited(lambda octets: octets.replace(b'"object":', b'"model": "x", "object":')),
        answered(drop=["_metadata"]),
        answered(metadata={"tpm_attestation": {"is_available": False}}),
        saying("once more"),
    ]
    chat = face.chat(wired(*kinds), max_retries=0, **archived(tmp_path))
    for _ in kinds:
        with suppress(ClientError):
            face.ask(chat)

    seen = verify_archive(tmp_path / HERE)
    assert (seen.intact, seen.faults, seen.missing_policies) == (True, (), ())
    released = [record["released"] for record in records_of(tmp_path / HERE)]
    assert released == [True, False, False, False, False, True]


def test_two_clients_append_to_one_archive(face: Face, tmp_path: Path) -> None:
    archive = Archive(tmp_path / HERE, durable=False)
    policy = policy_path(tmp_path)
    chats = [face.chat(wired(), policy=policy, archive=one) for one in (archive, archive.path)]
    for _ in range(2):
        for chat in chats:
            face.ask(chat)

    seen = verify_archive(tmp_path / HERE)
    assert (seen.intact, seen.records) == (True, 4)


def removed(path: Path) -> None:
    path.unlink()


def replaced(path: Path) -> None:
    path.unlink()
    path.write_bytes(b"")


def cut(path: Path) -> None:
    path.write_bytes(b"")


def full(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/full")


def folder_gone(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


def policies_gone(path: Path) -> None:
    """The archive is replaced by a folder."""
    path.unlink()
    path.mkdir()


BREAKING = [removed, replaced, cut, full, folder_gone, policies_gone]


def breaking(spoil: Callable[[Path], None], path: Path, **lies: Any) -> Answer:
    """Spoil the archive while the second answer is made."""
    count = iter(range(10))

    def answer(posted: Posted) -> Reply:
        if next(count) == 1:
            spoil(path)
        return answered(**lies)(posted)

    return answer


@pytest.mark.parametrize("spoil", BREAKING)
def test_answer_whose_record_cannot_be_written_is_withheld(
    face: Face, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / HERE
    server = wired(breaking(spoil, path))
    chat = face.chat(server, policy=policy_path(tmp_path), archive=path)
    face.ask(chat)

    with pytest.raises(EvidenceWriteError) as caught:
        face.ask(chat)

    assert type(caught.value) is EvidenceWriteError
    assert (caught.value.path, bool(caught.value.fault)) == (os.fspath(path), True)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    assert len(server.posts) == 2


@pytest.mark.parametrize("spoil", BREAKING)
def test_refusal_whose_record_cannot_be_written_is_still_a_refusal_with_a_note(
    face: Face, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder" / HERE
    server = wired(answered(), breaking(spoil, path, **FORGED), breaking(spoil, path, **FORGED))
    chat = face.chat(server, policy=policy_path(tmp_path), archive=path)
    face.ask(chat)
    spoil(path)

    with pytest.raises(AttestationRefused) as caught:
        face.ask(chat)

    (note,) = caught.value.__notes__
    assert note.startswith(f"the refusal is not in the archive: {path}: ")
    assert len(server.posts) == 2


def test_archive_that_cannot_be_opened_makes_no_client(face: Face, tmp_path: Path) -> None:
    with pytest.raises(EvidenceWriteError):
        face.chat(wired(), policy=policy_path(tmp_path), archive=tmp_path / "no" / "folder")
    with pytest.raises(EvidenceWriteError):
        face.chat(wired(), policy=policy_path(tmp_path), archive="/dev/full")


def test_policy_is_kept_beside_the_archive_before_anything_is_sent(
    face: Face, tmp_path: Path
) -> None:
    server = wired()
    face.chat(server, **archived(tmp_path))

    assert len(list((tmp_path / f"{HERE}.policies").iterdir())) == 1
    assert (server.fetches, server.posts) == (0, [])


def test_fault_of_ours_refuses_and_keeps_nothing_of_the_answer(tmp_path: Path) -> None:
    archive = Archive(tmp_path / HERE, durable=False)
    gate = Gate(policy_path(tmp_path), archive=archive)
    misdirected = Sent("ftp://server.example", build.PAYLOAD_ID, "maximum", making.KEY)

    outcome = gate.decide(making.response(), misdirected)

    assert type(outcome) is SecurityError
    assert str(outcome) == "response: could not be judged: ValueError"
    assert (outcome.__cause__, outcome.__context__, outcome.__traceback__) == (None, None, None)
    assert records_of(tmp_path / HERE) == []


def test_gate_decides_by_what_was_sent(tmp_path: Path) -> None:
    gate = Gate(policy_path(tmp_path))
    sent = Sent(URL, build.PAYLOAD_ID, "maximum", making.KEY)

    assert isinstance(gate.decide(making.response(), sent), AttestedResponse)
    assert isinstance(gate.decide(making.response(magic=0), sent), AttestationRefused)
    assert isinstance(gate.decide(b"[]", sent), SecurityError)


@pytest.mark.parametrize("spoil", [removed, replaced, cut])
def test_archive_that_was_exchanged_before_the_first_answer_is_not_begun_anew(
    face: Face, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    face.ask(face.chat(wired(), **archived(tmp_path)))
    chat = face.chat(wired(), **archived(tmp_path))
    spoil(tmp_path / HERE)

    with pytest.raises(EvidenceWriteError):
        face.ask(chat)
