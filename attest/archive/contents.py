"""What a record must say of itself, beyond its form: members that stand for each other agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attest.archive.address import address_fault
from attest.archive.record import DecisionRecord, Record
from attest.digests import evidence_sha256
from attest.document import read_document
from attest.errors import MalformedError
from attest.result import timestamp


def content_faults(record: Record) -> Iterator[str]:
    """Name each member of a record that no appender would have written so."""
    if not _is_moment(record.recorded_at):
        yield "recorded_at is no moment"
    if not isinstance(record, DecisionRecord):
        return
    address = address_fault(record.base_url)
    if address is not None:
        yield address
    result = record.result
    if result.get("decision") not in ("accepted", "refused"):
        yield "result.decision is neither accepted nor refused"
    for name, value, told in (
        ("payload_id", record.payload_id, result.get("payload_id")),
        ("reported_tier", record.reported_tier, result.get("tier")),
        ("policy_sha256", record.policy_sha256, _policy_sha256(record)),
    ):
        if value != told:
            yield f"{name} is not what the result says"
    try:
        seen = _attestation_sha256(record.attestation)
    except MalformedError as error:
        yield f"attestation: {error}"
    else:
        if seen != result.get("evidence_sha256"):
            yield "attestation does not hash to result.evidence_sha256"


def _policy_sha256(record: DecisionRecord) -> object:
    policy = record.result.get("policy")
    return policy.get("sha256") if isinstance(policy, dict) else policy


def _attestation_sha256(attestation: str | None) -> str | None:
    return None if attestation is None else evidence_sha256(read_document(attestation.encode()))


def _is_moment(text: str) -> bool:
    try:
        return timestamp(datetime.fromisoformat(text)) == text
    except ValueError:
        return False
