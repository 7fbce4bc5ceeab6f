"""How a gate is set up: enforce or audit, by which policy, and by another one while it runs."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import attest
from attest import PolicyError
from client import AttestationRefused, EvidenceWriteError, Gate, SecureChatCompletion
from client.completion import Conversation
from client.protocol import Protocol
from tests import build
from tests.client.gating import FORGED, URL, Face, edited, policy_path, records_of, wired
from tests.client.serving import answered, sealed
from tests.judging import policy_of, refusing

OTHER = {"sha256": {0: b"\1" * 32, 7: b"\2" * 32, 10: b"\3" * 32}}


def audited(folder: Path, **members: object) -> dict[str, Any]:
    """Arguments of a client that audits."""
    archive = folder / "evidence.jsonl"
    return {"policy": policy_path(folder, **members), "archive": archive, "mode": "audit"}


def test_audit_releases_what_it_would_refuse_and_records_that(face: Face, tmp_path: Path) -> None:
    chat = face.chat(wired(answered(**FORGED)), **audited(tmp_path))

    response = face.ask(chat)

    assert response["choices"]
    assert not response.attestation.accepted
    (record,) = records_of(tmp_path / "evidence.jsonl")
    assert (record["mode"], record["released"]) == ("audit", True)
    assert record["result"]["decision"] == "refused"


def test_audit_releases_what_it_accepts(face: Face, tmp_path: Path) -> None:
    assert face.ask(face.chat(wired(), **audited(tmp_path))).attestation.accepted
    assert records_of(tmp_path / "evidence.jsonl")[0]["released"] is True


def test_audit_releases_nothing_that_was_not_read_strictly(face: Face, tmp_path: Path) -> None:
    twice = edited(lambda octets: octets.replace(b'"object":', b'"model": "x", "object":'))

    with pytest.raises(AttestationRefused):
        face.ask(face.chat(wired(twice), **audited(tmp_path)))

    (record,) = records_of(tmp_path / "evidence.jsonl")
    assert (record["mode"], record["released"]) == ("audit", False)


def test_audit_releases_nothing_that_it_cannot_record(face: Face, tmp_path: Path) -> None:
    chat = face.chat(wired(answered(**FORGED)), **audited(tmp_path))
    face.ask(chat)
    (tmp_path / "evidence.jsonl").unlink()

    with pytest.raises(EvidenceWriteError):
        face.ask(chat)


def test_audit_releases_an_answer_without_metadata(face: Face, tmp_path: Path) -> None:
    response = face.ask(face.chat(wired(sealed(b'{"choices": []}')), **audited(tmp_path)))

    assert response == {"choices": []}
    assert not response.attestation.accepted
    assert records_of(tmp_path / "evidence.jsonl")[0]["attestation"] is None


def test_audit_without_an_archive_is_refused_at_construction(face: Face) -> None:
    with pytest.raises(ValueError, match=r"mode is audit.*needs an archive"):
        face.chat(wired(), mode="audit")


@pytest.mark.parametrize("mode", ["", "off", "ENFORCE", "Audit", None, True, ["enforce"]])
def test_unknown_mode_is_refused_at_construction(face: Face, mode: Any) -> None:
    with pytest.raises(ValueError, match=r"^mode is .*, expected one of enforce, audit$"):
        face.chat(wired(), mode=mode)


def test_there_is_no_client_without_a_policy() -> None:
    with pytest.raises(TypeError, match="policy"):
        SecureChatCompletion(URL)  # type: ignore[call-arg] # the claim

    with pytest.raises(PolicyError):
        SecureChatCompletion(URL, policy="no-such-file.yaml")


@pytest.mark.parametrize("nonce", ["given", "none"])
def test_policy_that_compares_no_payload_id_is_refused(
    face: Face, tmp_path: Path, nonce: str
) -> None:
    fault = f"nonce: {nonce} compares no payload id"
    with pytest.raises(PolicyError, match=fault):
        face.chat(wired(), policy=policy_of(nonce=nonce))
    with pytest.raises(PolicyError, match=fault):
        face.chat(wired(), policy=policy_path(tmp_path, nonce=nonce))


def policy_set(folder: Path, **maximum: object) -> Path:
    """A set of a policy for ``standard`` and one for ``maximum``."""
    folder.mkdir(exist_ok=True)
    for tier in ("standard", "maximum"):
        members = {"name": tier, "applies_to": {"security_tier": [tier]}}
        told = {**members, **(maximum if tier == "maximum" else {})}
        (folder / f"{tier}.yaml").write_text(build.policy_text(build.VALUES, **told))
    return folder


def test_policy_set_judges_each_answer_by_the_one_that_applies(face: Face, tmp_path: Path) -> None:
    chat = face.chat(wired(), policy=policy_set(tmp_path / "set"))

    by_tier = {tier: face.ask(chat, security_tier=tier) for tier in ("standard", "maximum")}

    named = {tier: one.attestation.policy.name for tier, one in by_tier.items()}
    assert named == {"standard": "standard", "maximum": "maximum"}
    with pytest.raises(AttestationRefused) as caught:
        face.ask(chat, security_tier="high")
    assert "policy.scope" in refusing(caught.value.result)


def test_set_with_one_policy_that_compares_no_payload_id_is_refused(
    face: Face, tmp_path: Path
) -> None:
    folder = policy_set(tmp_path / "set", nonce="none")

    with pytest.raises(PolicyError, match=r"maximum\.yaml: nonce: none"):
        face.chat(wired(), policy=folder)


def test_expired_policy_refuses(face: Face) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    expired = policy_of(valid={"until": past.isoformat()})

    with pytest.raises(AttestationRefused) as caught:
        face.ask(face.chat(wired(), policy=expired))

    assert refusing(caught.value.result) == {"policy.validity"}


def test_reload_reads_the_file_anew(face: Face, tmp_path: Path) -> None:
    path = policy_path(tmp_path)
    chat = face.chat(wired(), policy=path)
    face.ask(chat)

    path.write_text(build.policy_text(OTHER, name="other"))
    assert face.ask(chat).attestation.policy.name == "golden"
    chat.reload_policy()

    assert chat.policy.name == "other"
    with pytest.raises(AttestationRefused) as caught:
        face.ask(chat)
    assert refusing(caught.value.result) == {"pcr.baseline"}


def test_reload_reads_a_directory_anew(tmp_path: Path) -> None:
    gate = Gate(policy_set(tmp_path / "set"))
    (tmp_path / "set" / "maximum.yaml").unlink()

    gate.reload_policy()

    assert isinstance(gate.policy, attest.PolicySet)
    assert [one.name for one in gate.policy.policies] == ["standard"]


def test_reload_takes_another_object_or_path(face: Face, tmp_path: Path) -> None:
    chat = face.chat(wired())
    other = policy_of(name="another")

    chat.reload_policy(other)
    assert chat.policy is other
    chat.reload_policy(policy_path(tmp_path, name="by-path"))

    assert face.ask(chat).attestation.policy.name == "by-path"


@pytest.mark.parametrize("text", ["", "schema: 2\n", build.policy_text(nonce="none")])
def test_failing_reload_keeps_the_old_policy(face: Face, tmp_path: Path, text: str) -> None:
    path = policy_path(tmp_path)
    chat = face.chat(wired(), policy=path)
    before = chat.policy
    path.write_text(text)

    with pytest.raises(PolicyError):
        chat.reload_policy()

    assert chat.policy is before
    assert face.ask(chat).attestation.accepted


def test_reload_that_the_archive_cannot_keep_keeps_the_old_policy(
    face: Face, tmp_path: Path
) -> None:
    chat = face.chat(wired(), policy=policy_path(tmp_path), archive=tmp_path / "evidence.jsonl")
    before = chat.policy

    with pytest.raises(EvidenceWriteError):
        chat.reload_policy(policy_of(name="of-no-file"))

    assert chat.policy is before


def test_reload_while_others_ask_judges_each_answer_by_one_policy_whole(tmp_path: Path) -> None:
    face = Face("sync")
    good, bad = policy_of(name="good"), policy_of(OTHER, name="bad")
    chat = face.chat(wired(), policy=good)
    seen: list[tuple[str, bool]] = []

    def ask() -> None:
        for _ in range(15):
            try:
                result = face.ask(chat).attestation
            except AttestationRefused as refusal:
                result = refusal.result
            seen.append((result.policy.name, result.accepted))

    askers = [threading.Thread(target=ask) for _ in range(4)]
    for one in askers:
        one.start()
    while any(one.is_alive() for one in askers):
        chat.reload_policy(bad)
        chat.reload_policy(good)
    for one in askers:
        one.join()

    assert len(seen) == 60
    assert set(seen) <= {("good", True), ("bad", False)}


@pytest.mark.parametrize("kind", [Conversation, Protocol])
def test_what_both_faces_share_is_no_client_itself(kind: Any) -> None:
    told = {"policy": policy_of()} if kind is Conversation else {}

    with pytest.raises(NotImplementedError):
        kind(URL, **told)
