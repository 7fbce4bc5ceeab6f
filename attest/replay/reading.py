"""A row of a batch, read: its evidence, and what is known beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from msgspec import Struct

from attest.archive.record import DecisionRecord, read_record
from attest.document import read_document
from attest.errors import MalformedError
from attest.evidence import Evidence, Known, ReadKey, evidence_of, read_evidence
from attest.policy.anchoring import Trust
from attest.policy.model import TIERS
from attest.replay.schema import Kind
from attest.result import AttestationResult

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = 1_000_000
_ENROLLED = Trust.ENROLLED.value
_RESPONSE, _RECORD, _ATTESTATION = Kind.RESPONSE.value, Kind.RECORD.value, Kind.ATTESTATION.value


class Expected(Struct, frozen=True, gc=False):
    """What is known of a row beside its evidence.

    Attributes:
        payload_id: Id that a gate sent, or None.
        requested_tier: Tier that was asked for, or None.
        moment: When the response was made, or None.
        microseconds: The same, from the epoch.
        moment_source: ``gate``, ``claimed`` by the server, or None.
        released: Whether a gate released the content; None where no gate says.
    """

    payload_id: str | None = None
    requested_tier: str | None = None
    moment: datetime | None = None
    microseconds: int | None = None
    moment_source: str | None = None
    released: bool | None = None


class Enrolled:
    """AIKs that policies enrol, each read once, however often it signs.

    One public area is kept for each key, so that there are at most as many as the policies list.
    Keys that are new for each request are never kept.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.known: dict[bytes, ReadKey] = {}
        self._kept: set[bytes] = set()

    def keep(self, evidence: Evidence, result: AttestationResult) -> None:
        """Keep the AIK of a result whose policy enrols it."""
        anchor, public, name = result.anchor, evidence.public, evidence.name
        if anchor is None or public is None or name is None or anchor.key in self._kept:
            return
        if anchor.trust == _ENROLLED and anchor.via is None:
            self._kept.add(anchor.key)
            octets = public.octets
            self.known[len(octets).to_bytes(2, "big") + octets] = (public, evidence.key, name)


class Row(Struct, frozen=True, gc=False):
    """A row of a batch; its members are the columns of ``ROWS``."""

    source: str
    row: int
    entry: str | None
    kind: str
    octets: bytes | None
    payload_id: str | None
    security_tier: str | None
    requested_tier: str | None
    processed_at: int | None
    gap: bool | None
    fault: str | None


def rows_of(batch: pa.RecordBatch) -> Iterator[Row]:
    """Take the rows apart; a column without any value takes no time."""
    columns = [
        [None] * len(column) if column.null_count == len(column) else column.to_pylist()
        for column in (batch.column(name) for name in Row.__struct_fields__)
    ]
    return map(Row, *columns)


def read(row: Row, known: Known) -> tuple[Evidence, Expected]:
    """Read a row's evidence, and what is known beside it."""
    if row.kind == _RESPONSE:
        evidence = read_evidence(row.octets, known)
        return evidence, _claimed(evidence, row.requested_tier)
    if row.kind == _RECORD:
        return _read_record(row.octets or b"", known)
    if row.kind == _ATTESTATION:
        evidence = _read_member(
            row.octets,
            {
                "payload_id": row.payload_id,
                "security_tier": row.security_tier,
                "processed_at": row.processed_at,
            },
            known,
        )
        return evidence, _claimed(evidence, row.requested_tier)
    return Evidence(faults=(row.fault or "the row holds nothing",)), Expected()


def _claimed(evidence: Evidence, requested_tier: str | None) -> Expected:
    """Take the time from what the server claims."""
    tier = requested_tier if requested_tier in TIERS else None
    moment = evidence.claimed_at
    if moment is None:
        return Expected(requested_tier=tier)
    return Expected(None, tier, moment, microseconds(moment), "claimed")


def _read_record(octets: bytes, known: Known) -> tuple[Evidence, Expected]:
    """Read a gate's record: its own time, id and requested tier win over what the server says.

    What is no record is judged as the response that somebody put there.
    """
    try:
        record = read_record(octets)
        if not isinstance(record, DecisionRecord):
            raise MalformedError("record", "tells of a torn line")
        moment = datetime.fromisoformat(record.recorded_at)
    except (MalformedError, ValueError):
        evidence = read_evidence(octets, known)
        return evidence, _claimed(evidence, None)
    metadata = {"payload_id": record.payload_id, "security_tier": record.reported_tier}
    attestation = None if record.attestation is None else record.attestation.encode()
    expected = Expected(
        record.payload_id,
        record.requested_tier,
        moment,
        microseconds(moment),
        "gate",
        record.released,
    )
    return _read_member(attestation, metadata, known), expected


def _read_member(octets: bytes | None, metadata: Mapping[str, Any], known: Known) -> Evidence:
    """Read the evidence of a ``tpm_attestation`` member that was kept alone."""
    if octets is None:
        return evidence_of({"_metadata": dict(metadata)}, known)
    try:
        member = read_document(octets)
    except MalformedError as error:
        return Evidence(faults=(f"tpm_attestation: {error.fault}",))
    return evidence_of({"_metadata": {**metadata, "tpm_attestation": member}}, known)


def microseconds(moment: datetime | None) -> int | None:
    """Count from the epoch; a moment is exact to the microsecond."""
    if moment is None:
        return None
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * _MICROSECONDS + span.microseconds
