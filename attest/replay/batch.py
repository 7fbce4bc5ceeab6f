"""One Arrow batch of rows in, one of results out: the same function for every engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct

from attest.archive.record import DecisionRecord, read_record
from attest.context import Request
from attest.digests import sha256
from attest.document import read_document
from attest.errors import MalformedError
from attest.evidence import Evidence, evidence_of, read_evidence
from attest.policy.model import TIERS, Policy, PolicySet
from attest.replay.form import Writer, Written
from attest.replay.schema import RESULTS, Decision, Kind
from attest.result import AttestationResult
from attest.verify import appraise_together

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = 1_000_000
_TOGETHER = 128
"""Rows that take each step together, and become columns while the processor still holds them."""
_KEPT = frozenset({"source", "row", "entry", "gap"})
"""Columns that results have as the rows have them."""
_JUDGED = tuple(name for name in RESULTS.names if name not in _KEPT)
_TYPES = tuple(RESULTS.field(name).type for name in _JUDGED)
_DECIDED = {True: Decision.ACCEPTED.value, False: Decision.REFUSED.value}
_MALFORMED = Decision.MALFORMED.value
_RESPONSE, _RECORD, _ATTESTATION = Kind.RESPONSE.value, Kind.RECORD.value, Kind.ATTESTATION.value
_is_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Moment = datetime | None
"""The moment to judge at; None takes each row's own time."""


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


def verify_batch(
    batch: pa.RecordBatch, policy: Policy | PolicySet, at: Moment, *, timed: bool = True
) -> pa.RecordBatch:
    """Judge a batch of rows. Pure: the same batch gives the same results; no row raises.

    Args:
        batch: Rows, with the schema ``ROWS``.
        policy: What ``load_policy`` returned.
        at: The moment to judge at; None judges each row at its own time.
        timed: False leaves ``verified_at`` out of ``result_sha256``: the run's clock gave it.

    Returns:
        One result a row, in their order, with the schema ``RESULTS``.
    """
    writer = Writer(timed=timed)
    parts: list[list[pa.Array]] = []
    for start in range(0, batch.num_rows, _TOGETHER):
        rows = list(_rows(batch.slice(start, _TOGETHER)))
        columns = zip(*_judge(rows, policy, at, writer), strict=True)
        parts.append(list(map(pa.array, columns, _TYPES)))
    judged = dict(zip(_JUDGED, map(pa.concat_arrays, zip(*parts, strict=True)), strict=False))
    arrays = [_column(batch, judged, field) for field in RESULTS]
    return pa.RecordBatch.from_arrays(arrays, schema=RESULTS)


def _column(batch: pa.RecordBatch, judged: Mapping[str, pa.Array], field: pa.Field) -> pa.Array:
    """Return a column of the results: as it came, or as it was judged."""
    if field.name in _KEPT:
        return batch.column(field.name)
    return judged[field.name] if judged else pa.array([], field.type)


class _Row(Struct, frozen=True, gc=False):
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


def _rows(batch: pa.RecordBatch) -> Iterator[_Row]:
    """Take the rows apart; a column without any value takes no time."""
    columns = [
        [None] * len(column) if column.null_count == len(column) else column.to_pylist()
        for column in (batch.column(name) for name in _Row.__struct_fields__)
    ]
    return map(_Row, *columns)


def _judge(
    rows: list[_Row], policy: Policy | PolicySet, at: Moment, writer: Writer
) -> list[tuple[Any, ...]]:
    """Judge some rows step by step, so that the processor's caches keep the code of a step."""
    read = [_read(row) for row in rows]
    results = appraise_together(
        [
            (
                evidence,
                Request(
                    expected.payload_id,
                    None,
                    expected.requested_tier,
                    expected.moment if at is None else at,
                ),
            )
            for evidence, expected in read
        ],
        policy,
    )
    written = [
        writer.write(result, row.source, row.row) for row, result in zip(rows, results, strict=True)
    ]
    return [
        _columns(row, evidence, expected, result, parts)
        for row, (evidence, expected), result, parts in zip(
            rows, read, results, written, strict=True
        )
    ]


def _columns(
    row: _Row, evidence: Evidence, expected: Expected, result: AttestationResult, parts: Written
) -> tuple[Any, ...]:
    """Return a row's results in the order of ``_JUDGED``."""
    reason = None
    if evidence.member is None and evidence.faults:
        reason = _malformed(row, evidence)
    attest, policy = result.attest, result.policy
    verdict, pcrs = parts.verdict, parts.pcrs
    clock = None if attest is None else attest.clock_info
    moment = expected.microseconds
    return (
        _DECIDED[verdict.accepted] if reason is None else _MALFORMED,
        reason,
        verdict.refused_by,
        verdict.outcomes,
        verdict.assurance,
        parts.anchor,
        None if result.anchor is None else result.anchor.key.hex(),
        result.baseline,
        result.closest_baseline,
        parts.differences,
        result.tier,
        expected.requested_tier,
        result.payload_id,
        parts.checks,
        pcrs.values,
        pcrs.platform,
        pcrs.selection,
        parts.aik_name,
        result.aik_hierarchy,
        parts.clock,
        None if clock is None else clock.reset_count,
        None if clock is None else clock.restart_count,
        None if clock is None else clock.safe,
        parts.firmware_version,
        None if attest is None else attest.extra_data,
        None if attest is None else sha256(attest.signed).digest(),
        parts.evidence_sha256,
        None if policy is None else policy.name,
        None if policy is None else policy.serial,
        None if policy is None else policy.sha256,
        expected.released,
        moment,
        expected.moment_source,
        moment if result.verified_at is expected.moment else _microseconds(result.verified_at),
        parts.result_sha256,
    )


def _read(row: _Row) -> tuple[Evidence, Expected]:
    """Read a row's evidence, and what is known beside it."""
    if row.kind == _RESPONSE:
        evidence = read_evidence(row.octets)
        return evidence, _claimed(evidence, row.requested_tier)
    if row.kind == _RECORD:
        return _read_record(row.octets or b"")
    if row.kind == _ATTESTATION:
        evidence = _read_member(
            row.octets,
            {
                "payload_id": row.payload_id,
                "security_tier": row.security_tier,
                "processed_at": row.processed_at,
            },
        )
        return evidence, _claimed(evidence, row.requested_tier)
    return Evidence(faults=(row.fault or "the row holds nothing",)), Expected()


def _claimed(evidence: Evidence, requested_tier: str | None) -> Expected:
    """Take the time from what the server claims."""
    tier = requested_tier if requested_tier in TIERS else None
    claimed = evidence.processed_at
    if claimed is None:
        return Expected(requested_tier=tier)
    try:
        moment = datetime.fromtimestamp(claimed, UTC)
    except (ValueError, OverflowError, OSError):
        return Expected(requested_tier=tier)
    return Expected(None, tier, moment, claimed * _MICROSECONDS, "claimed")


def _read_record(octets: bytes) -> tuple[Evidence, Expected]:
    """Read a gate's record: its own time, id and requested tier win over what the server says.

    What is no record is judged as the response that somebody put there.
    """
    try:
        record = read_record(octets)
        if not isinstance(record, DecisionRecord):
            raise MalformedError("record", "tells of a torn line")
        moment = datetime.fromisoformat(record.recorded_at)
    except (MalformedError, ValueError):
        evidence = read_evidence(octets)
        return evidence, _claimed(evidence, None)
    metadata = {"payload_id": record.payload_id, "security_tier": record.reported_tier}
    attestation = None if record.attestation is None else record.attestation.encode()
    expected = Expected(
        record.payload_id,
        record.requested_tier,
        moment,
        _microseconds(moment),
        "gate",
        record.released,
    )
    return _read_member(attestation, metadata), expected


def _read_member(octets: bytes | None, metadata: Mapping[str, Any]) -> Evidence:
    """Read the evidence of a ``tpm_attestation`` member that was kept alone."""
    if octets is None:
        return evidence_of({"_metadata": dict(metadata)})
    try:
        member = read_document(octets)
    except MalformedError as error:
        return Evidence(faults=(f"tpm_attestation: {error.fault}",))
    return evidence_of({"_metadata": {**metadata, "tpm_attestation": member}})


def _malformed(row: _Row, evidence: Evidence) -> str | None:
    """Return why a row is no JSON object; None where it is one."""
    if row.kind != Kind.FAULT:
        try:
            _is_object(row.octets or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return evidence.faults[0]
        return None
    return evidence.faults[0]


def _microseconds(moment: datetime | None) -> int | None:
    """Count from the epoch; a moment is exact to the microsecond."""
    if moment is None:
        return None
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * _MICROSECONDS + span.microseconds
