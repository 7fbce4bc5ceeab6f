"""The two Arrow schemas of replay: rows as they are read, and results as they are kept.

No column is unsigned, since Spark refuses those, and no type is one that a Parquet reader may lack.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import pyarrow as pa

SCHEMA: Final = 1
"""Version of both schemas; it stands in their metadata. Columns may be added, never renamed."""

MOMENT: Final = pa.timestamp("us", tz="UTC")
_METADATA: Final = {"tpm-attest.schema": str(SCHEMA)}


class Kind(StrEnum):
    """What the octets of a row are."""

    RESPONSE = "response"
    """A whole response, as JSON."""
    ATTESTATION = "attestation"
    """A ``tpm_attestation`` member alone; other columns say what stood beside it."""
    RECORD = "record"
    """A line of a gate's evidence archive."""
    FAULT = "fault"
    """Nothing: the row says why it could not be read."""


class Decision(StrEnum):
    """How a row ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    MALFORMED = "malformed"
    """It is no JSON object."""


ROWS: Final = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("entry", pa.string()),  # the file inside an archive
        pa.field("kind", pa.string(), nullable=False),
        pa.field("octets", pa.binary()),
        pa.field("payload_id", pa.string()),
        pa.field("security_tier", pa.string()),
        pa.field("requested_tier", pa.string()),
        pa.field("processed_at", pa.int64()),
        pa.field("gap", pa.bool_()),
        pa.field("fault", pa.string()),
    ],
    metadata=_METADATA,
)
"""A batch of rows to be judged: what ``verify_batch`` takes."""

RESULTS: Final = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("entry", pa.string()),
        pa.field("decision", pa.string(), nullable=False),
        pa.field("reason", pa.string()),  # why a malformed row is none
        pa.field("refused_by", pa.string()),  # ids of checks, joined with commas
        pa.field(
            "outcomes", pa.string(), nullable=False
        ),  # of all checks in order, joined with commas
        pa.field("assurance", pa.string(), nullable=False),
        pa.field("anchor", pa.string()),  # JSON
        pa.field("machine", pa.string()),  # the anchor's key in hex
        pa.field("baseline", pa.string()),
        pa.field("closest_baseline", pa.string()),
        pa.field("differences", pa.string()),  # JSON
        pa.field("tier", pa.string()),
        pa.field("requested_tier", pa.string()),
        pa.field("payload_id", pa.string()),
        pa.field("checks", pa.string(), nullable=False),  # JSON
        pa.field("pcrs", pa.string()),  # JSON
        pa.field("platform_pcrs", pa.string()),  # the same without PCR 10
        pa.field("selection", pa.string()),
        pa.field("aik_name", pa.string()),
        pa.field("aik_hierarchy", pa.string()),
        pa.field("clock", pa.string()),
        pa.field("reset_count", pa.int64()),
        pa.field("restart_count", pa.int64()),
        pa.field("clock_safe", pa.bool_()),
        pa.field("firmware_version", pa.string()),
        pa.field("nonce", pa.binary()),
        pa.field("quote_sha256", pa.binary()),
        pa.field("evidence_sha256", pa.string()),
        pa.field("policy_name", pa.string()),
        pa.field("policy_serial", pa.int64()),
        pa.field("policy_sha256", pa.string()),
        pa.field("released", pa.bool_()),  # by the gate; null where no gate says
        pa.field("gap", pa.bool_()),  # the record before it is missing; null outside gate archives
        pa.field("moment", MOMENT),  # when the response was made
        pa.field("moment_source", pa.string()),  # "gate", or "claimed" by the server
        pa.field("verified_at", MOMENT),
        pa.field("result_sha256", pa.binary(), nullable=False),
    ],
    metadata=_METADATA,
)
"""A batch of results: what ``verify_batch`` returns, and what lies in ``OUT/results/``."""

OWN: Final = frozenset(
    {
        *("row", "payload_id", "aik_name", "clock", "nonce", "quote_sha256"),
        *("evidence_sha256", "moment", "verified_at", "result_sha256"),
    }
)
"""Columns of results in which nearly every row has a value of its own."""
