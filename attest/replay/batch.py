"""One Arrow batch of rows in, one of results out: the same function for every engine."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa

from attest.context import Request
from attest.digests import sha256
from attest.evidence import Evidence
from attest.policy.model import Policy, PolicySet
from attest.replay.form import Writer, Written
from attest.replay.reading import Enrolled, Expected, Row, microseconds, read, rows_of
from attest.replay.schema import RESULTS, Decision, Kind
from attest.result import AttestationResult
from attest.verify import appraise_together

_TOGETHER = 128
"""Rows that take each step together, and become columns while the processor still holds them."""
_REPEATED = 64
"""Arrays of one value that are kept: about two for each column that has few values."""
_SHORT = 4096
"""Octets, or characters, of such a value at most."""
_KEPT = frozenset({"source", "row", "entry", "gap"})
"""Columns that results have as the rows have them."""
_JUDGED = tuple(name for name in RESULTS.names if name not in _KEPT)
_TYPES = tuple(RESULTS.field(name).type for name in _JUDGED)
_DECIDED = {True: Decision.ACCEPTED.value, False: Decision.REFUSED.value}
_MALFORMED = Decision.MALFORMED.value
_is_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

Moment = datetime | None
"""The moment to judge at; None takes each row's own time."""


def verify_batch(
    batch: pa.RecordBatch,
    policy: Policy | PolicySet,
    at: Moment,
    *,
    timed: bool = True,
    enrolled: Enrolled | None = None,
) -> pa.RecordBatch:
    """Judge a batch of rows. Pure: the same batch gives the same results; no row raises.

    Args:
        batch: Rows, with the schema ``ROWS``.
        policy: What ``load_policy`` returned.
        at: The moment to judge at; None judges each row at its own time.
        timed: False leaves ``verified_at`` out of ``result_sha256``: the run's clock gave it.
        enrolled: AIKs of batches before, by the same policy; they change no result.

    Returns:
        One result a row, in their order, with the schema ``RESULTS``.
    """
    writer = Writer(timed=timed)
    enrolled = enrolled or Enrolled()
    parts: list[list[pa.Array]] = []
    for start in range(0, batch.num_rows, _TOGETHER):
        rows = list(rows_of(batch.slice(start, _TOGETHER)))
        columns = zip(*_judge(rows, policy, at, writer, enrolled), strict=True)
        parts.append(list(map(_array, columns, _TYPES)))
    judged = dict(zip(_JUDGED, map(pa.concat_arrays, zip(*parts, strict=True)), strict=False))
    arrays = [_column(batch, judged, field) for field in RESULTS]
    return pa.RecordBatch.from_arrays(arrays, schema=RESULTS)


def _array(column: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    """Return values as an array; where all are the same, as one that was made before."""
    first = column[0]
    long = isinstance(first, (str, bytes)) and len(first) > _SHORT  # a response may hold any text
    if not long and first == column[-1] and column.count(first) == len(column):
        return _repeated(first, kind, len(column))
    return pa.array(column, kind)


@lru_cache(_REPEATED)
def _repeated(value: Any, kind: pa.DataType, times: int) -> pa.Array:
    return pa.array([value] * times, kind)


def _column(batch: pa.RecordBatch, judged: Mapping[str, pa.Array], field: pa.Field) -> pa.Array:
    """Return a column of the results: as it came, or as it was judged."""
    if field.name in _KEPT:
        return batch.column(field.name)
    return judged[field.name] if judged else pa.array([], field.type)


def _judge(
    rows: list[Row], policy: Policy | PolicySet, at: Moment, writer: Writer, enrolled: Enrolled
) -> list[tuple[Any, ...]]:
    """Judge some rows step by step, so that the processor's caches keep the code of a step."""
    found = [read(row, enrolled.known) for row in rows]
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
            for evidence, expected in found
        ],
        policy,
    )
    for (evidence, _), result in zip(found, results, strict=True):
        enrolled.keep(evidence, result)
    written = [
        writer.write(result, row.source, row.row) for row, result in zip(rows, results, strict=True)
    ]
    return [
        _columns(row, evidence, expected, result, parts)
        for row, (evidence, expected), result, parts in zip(
            rows, found, results, written, strict=True
        )
    ]


def _columns(
    row: Row, evidence: Evidence, expected: Expected, result: AttestationResult, parts: Written
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
        moment if result.verified_at is expected.moment else microseconds(result.verified_at),
        parts.result_sha256,
    )


def _malformed(row: Row, evidence: Evidence) -> str | None:
    """Return why a row is no JSON object; None where it is one."""
    if row.kind != Kind.FAULT:
        try:
            _is_object(row.octets or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return evidence.faults[0]
        return None
    return evidence.faults[0]
