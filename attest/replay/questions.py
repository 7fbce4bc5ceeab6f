"""The questions asked of all results, in SQL that DuckDB and Spark both take, each explained.

Every question reads one view, ``results``, with the columns of ``attest.replay.schema.RESULTS``,
and returns ``source`` and ``row`` of the rows involved. Nothing of a response gets into the text of
a query.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

VIEW: Final = "results"
"""The view that every question reads: all results of a run."""
PARSED: Final = "decision <> 'malformed'"
"""Rows that are asked about: all that parse, refused ones too."""
ANCHORED: Final = "assurance = 'anchored'"
"""Rows that a known key vouches for: only there is a machine, the anchor's key."""
RECORDED: Final = "released IS NOT NULL"
"""Rows of a gate's archive."""


class Question(Struct, frozen=True):
    """One question.

    Attributes:
        id: Dotted id, as the contract names it.
        asks: The question, for a person.
        meaning: What rows that are found mean, and what they do not.
        judged: Condition of the rows that the question can be asked about.
        needs: What is missing where there are none of these.
        sql: Query of the rows involved.
    """

    id: str
    asks: str
    meaning: str
    judged: str
    needs: str
    sql: str


def _shared(column: str, extra: str = "") -> str:
    """Query rows that have a value in common with another row."""
    return f"""
SELECT r.source, r.row
FROM results r JOIN (
    SELECT {column} FROM results
    WHERE {PARSED} AND {column} IS NOT NULL{extra}
    GROUP BY {column} HAVING COUNT(*) > 1
) s ON r.{column} = s.{column}
WHERE {PARSED}{extra}"""  # noqa: S608 - columns are named here, and only here


def differing(asked: str, columns: tuple[str, ...]) -> str:
    """Join rows ``r`` with the machines of which any two rows differ in one of some columns.

    Only these need to be put in order: for nearly all machines nearly everything stays as it is,
    and to see that takes no order.

    Args:
        asked: Condition of the rows that are looked at.
        columns: The columns.
    """
    differs = " OR ".join(f"MIN({one}) <> MAX({one})" for one in columns)
    return f"""JOIN (
        SELECT machine AS differing FROM results
        WHERE {asked} GROUP BY machine HAVING {differs}
    ) m ON r.machine = m.differing"""  # noqa: S608 - columns are named in the code alone


def _changed(
    columns: str, before: str, differs: str, ever: tuple[str, ...] = (), extra: str = ""
) -> str:
    """Query rows of a machine that differ from its row before, by the time of the rows.

    Rows of one second are ordered by the TPM's own counters, so that none of them seems to go back.
    Without a change of a column of ``ever`` there is none.
    """
    asked = f"{PARSED} AND {ANCHORED} AND moment IS NOT NULL{extra}"
    return f"""
SELECT o.source, o.row
FROM (
    SELECT source, row, {columns}, {before}
    FROM results r {differing(asked, ever) if ever else ""}
    WHERE {asked}
) o
WHERE {differs}"""  # noqa: S608 - columns are named here, and only here


def lag(value: str, *, within: str = "machine") -> str:
    """Ask for a value of the row before, among the rows that share a value of ``within``."""
    order = "moment, reset_count, restart_count, CAST(clock AS DECIMAL(20, 0)), source, row"
    return f"LAG({value}) OVER (PARTITION BY {within} ORDER BY {order})"


_COMPARABLE: Final = (
    "machine, CASE WHEN aik_hierarchy IN ('endorsement', 'platform') THEN '' ELSE aik_name END"
)
"""Elsewhere a TPM obfuscates its counters and firmware version with each key."""
_FRESH: Final = """(anchor IS NULL OR anchor LIKE '%"via":"certify"}')"""
"""Rows whose AIK is in nobody's list: it has no anchor, or that of the AK that certifies it.

An anchor's members are sorted, and ``via`` is the last of them.
"""
_MACHINE: Final = "no row has an anchor that the policy enrols: which machine made it is unknown"
_GATE: Final = "no row comes from a gate's archive"

QUESTIONS: Final = (
    Question(
        "nonce.reused",
        "Was a nonce answered more than once?",
        "A nonce is made for one request. Rows that share one are the same quote saved again, "
        "answers to a request that was sent again, or a server that answers from a store.",
        "nonce IS NOT NULL",
        "no row has a quote",
        _shared("nonce"),
    ),
    Question(
        "quote.replayed",
        "Does the very same quote stand in several rows?",
        "One statement of a TPM was used several times: a response saved twice, or a quote that "
        "was replayed.",
        "quote_sha256 IS NOT NULL",
        "no row has a quote",
        _shared("quote_sha256"),
    ),
    Question(
        "payload-id.reused",
        "Do several rows bear one payload id?",
        "An id belongs to one request. A client that sends a request again without a new id gives "
        "several rows, and so does a response that was saved twice.",
        "payload_id IS NOT NULL",
        "no row has a payload id",
        _shared("payload_id"),
    ),
    Question(
        "aik.reused",
        "Did one AIK sign several rows?",
        "Servers make an AIK for each request. One that signs again is kept somewhere. AIKs that "
        "the policy itself enrols, or that have a certificate, are meant to sign again: they "
        "are not asked about.",
        f"aik_name IS NOT NULL AND {_FRESH}",
        "no row has an AIK that the policy does not enrol",
        _shared("aik_name", f" AND {_FRESH}"),
    ),
    Question(
        "clock.backwards",
        "Did the clock of a machine's TPM go back?",
        "A TPM's clock only goes forward until the TPM is cleared. One that shows less than in an "
        "earlier row was cleared, is another TPM, or the times of the rows are wrong.",
        ANCHORED,
        _MACHINE,
        _changed(
            "CAST(clock AS DECIMAL(20, 0)) AS ticks",
            lag("CAST(clock AS DECIMAL(20, 0))") + " AS before",
            "ticks < before",
        ),
    ),
    Question(
        "counters.reset",
        "Did a machine's count of resets or restarts go back?",
        "resetCount counts up with each boot, and restartCount with each resume between two boots, "
        "until the TPM is cleared. Keys outside the endorsement and platform hierarchies show "
        "counts of their own, and are compared with themselves only.",
        ANCHORED,
        _MACHINE,
        _changed(
            "reset_count, restart_count",
            f"{lag('reset_count', within=_COMPARABLE)} AS resets, "
            f"{lag('restart_count', within=_COMPARABLE)} AS restarts",
            "reset_count < resets OR (reset_count = resets AND restart_count < restarts)",
            ("reset_count", "restart_count"),
        ),
    ),
    Question(
        "pcr.changed",
        "Did the PCRs of a machine change?",
        "Its firmware, its boot loader or its settings are not those of the row before. PCR 10 "
        "grows while a machine runs and is left out; rows are compared that quote the same PCRs.",
        f"{ANCHORED} AND platform_pcrs IS NOT NULL",
        _MACHINE,
        _changed(
            "platform_pcrs",
            lag("platform_pcrs", within="machine, selection") + " AS before",
            "platform_pcrs <> before",
            ("platform_pcrs",),
            " AND platform_pcrs IS NOT NULL",
        ),
    ),
    Question(
        "baseline.changed",
        "Did a machine match another baseline than before?",
        "The machine was updated or set back to another release. Rows that match no baseline are "
        "passed over.",
        f"{ANCHORED} AND baseline IS NOT NULL",
        _MACHINE,
        _changed(
            "baseline",
            lag("baseline") + " AS before",
            "baseline <> before",
            ("baseline",),
            " AND baseline IS NOT NULL",
        ),
    ),
    Question(
        "firmware.changed",
        "Did the firmware version of a machine's TPM change?",
        "The TPM was updated, or is another one. Keys outside the endorsement and platform "
        "hierarchies show numbers of their own, and are compared with themselves only.",
        ANCHORED,
        _MACHINE,
        _changed(
            "firmware_version",
            lag("firmware_version", within=_COMPARABLE) + " AS before",
            "firmware_version <> before",
            ("firmware_version",),
        ),
    ),
    Question(
        "archive.gap",
        "Is a record missing before a row of a gate's archive?",
        "The record names another one as the one before it than the one that stands there: records "
        "were cut out, changed or moved. attest archive verify says more.",
        "gap IS NOT NULL",
        _GATE,
        "SELECT r.source, r.row FROM results r WHERE r.gap",
    ),
    Question(
        "refused.used",
        "Did a gate release a response that is refused here?",
        "Content reached the caller though its evidence does not stand up to this policy: the gate "
        "audited only, or judged by another policy.",
        RECORDED,
        _GATE,
        "SELECT r.source, r.row FROM results r WHERE r.released AND r.decision = 'refused'",
    ),
)

COUNTS: Final = """
SELECT decision, baseline, refused_by, COUNT(*)
FROM results GROUP BY decision, baseline, refused_by"""
"""How many rows ended how: what the summary is made of."""

_JUDGED: Final = ", ".join(
    f"COALESCE(SUM(CASE WHEN {PARSED} AND {question.judged} THEN 1 ELSE 0 END), 0)"
    for question in QUESTIONS
)
JUDGED: Final = f"""
SELECT {_JUDGED}, COALESCE(SUM(CASE WHEN {PARSED} THEN 1 ELSE 0 END), 0)
FROM results"""  # noqa: S608 - our own text
"""How many rows each question can be asked about, and how many rows parse."""
