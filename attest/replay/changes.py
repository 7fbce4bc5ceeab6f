"""The kinds of change between two runs, in SQL that DuckDB and Spark both take, each explained.

The SQL reads two views, ``results_then`` and ``results_now``, with the columns of
``attest.replay.schema.RESULTS``. Rows belong together that have the same source and number. What
judged (policy, verifier, moment) is the cause only where the same response was judged in both runs.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

THEN: Final = "results_then"
NOW: Final = "results_now"
_JUDGED: Final = ("evidence_sha256", "payload_id", "tier", "requested_tier", "moment", "reason")
"""What is judged: rows that differ in it are other responses, and not judged otherwise. Only a
malformed row has a reason of its own."""
_PAIRED: Final = ("decision", "refused_by", "baseline", "assurance", "policy_sha256")
_SAME: Final = " AND ".join(f"t.{one} IS NOT DISTINCT FROM n.{one}" for one in _JUDGED)
_COLUMNS: Final = ", ".join(f"t.{one} AS {one}_then, n.{one} AS {one}_now" for one in _PAIRED)
ROWS: Final = f"""
SELECT COALESCE(t.source, n.source) AS source, COALESCE(t.row, n.row) AS number,
    {_SAME} AS same, {_COLUMNS}
FROM {THEN} t FULL OUTER JOIN {NOW} n ON t.source = n.source AND t.row = n.row"""  # noqa: S608 - our own text
"""Rows of both runs, side by side; a decision is null where a run has no such row."""


class Kind(Struct, frozen=True):
    """One kind of change.

    Attributes:
        kind: Its name.
        asks: The question that it answers, for a person.
        meaning: What rows of this kind mean, and what they do not.
        rows: Condition of its rows, over ``ROWS``.
        of: The column whose values then and now are counted in pairs.
        ends: Whether such a row ended otherwise; another policy alone ends nothing otherwise.
    """

    kind: str
    asks: str
    meaning: str
    rows: str
    of: str
    ends: bool = True


_BOTH: Final = "decision_then IS NOT NULL AND decision_now IS NOT NULL"
KINDS: Final = (
    Kind(
        "newly-refused",
        "Which responses were accepted then, and are refused now?",
        "The same response was judged in both runs, so what judged it decided otherwise: the "
        "policy, the verifier or the moment.",
        "same AND decision_then = 'accepted' AND decision_now = 'refused'",
        "refused_by",
    ),
    Kind(
        "newly-accepted",
        "Which responses were refused then, and are accepted now?",
        "The same response was judged in both runs. What refused it then does not refuse it now.",
        "same AND decision_then = 'refused' AND decision_now = 'accepted'",
        "refused_by",
    ),
    Kind(
        "refused-otherwise",
        "Which responses are refused in both runs, but by other checks?",
        "The same response is refused as before, and for another reason.",
        "same AND decision_then = 'refused' AND decision_now = 'refused' "
        "AND refused_by_then <> refused_by_now",
        "refused_by",
    ),
    Kind(
        "other-baseline",
        "Which responses are accepted in both runs, but match another baseline?",
        "The golden values of the release that was matched were renamed, moved or changed: the "
        "response itself is the same.",
        "same AND decision_then = 'accepted' AND decision_now = 'accepted' "
        "AND baseline_then IS DISTINCT FROM baseline_now",
        "baseline",
    ),
    Kind(
        "other-assurance",
        "For which responses was more or less proven than then?",
        "The policy came to know a key, or forgot it. An acceptance that is not anchored is worth "
        "less than one that is.",
        f"same AND {_BOTH} AND assurance_then <> assurance_now",
        "assurance",
    ),
    Kind(
        "other-evidence",
        "In which rows does another response stand?",
        "Evidence, payload id, tier or time are not those of the other run, or the row could be "
        "read in one run only. Whatever changed there says nothing of the policies, and is counted "
        "in no other change.",
        f"NOT same AND {_BOTH}",
        "decision",
    ),
    Kind(
        "other-policy",
        "Which responses did another policy judge?",
        "Another policy file was in force, by its SHA-256. That alone is no change of the "
        "decision.",
        f"same AND {_BOTH} AND decision_then <> 'malformed' "
        "AND policy_sha256_then IS DISTINCT FROM policy_sha256_now",
        "policy_sha256",
        ends=False,
    ),
    Kind(
        "only-then",
        "Which rows stand in the run then alone?",
        "The run now read no file of this name, or fewer rows in it.",
        "decision_now IS NULL",
        "decision",
    ),
    Kind(
        "only-now",
        "Which rows stand in the run now alone?",
        "The run then read no file of this name, or fewer rows in it.",
        "decision_then IS NULL",
        "decision",
    ),
)

_COUNTED: Final = ", ".join(f"SUM(CASE WHEN {one.rows} THEN 1 ELSE 0 END)" for one in KINDS)
COUNTS: Final = f"""
SELECT decision_then, decision_now, COUNT(*), {_COUNTED}
FROM ({ROWS}) o GROUP BY decision_then, decision_now"""  # noqa: S608 - our own text
"""Rows by how they ended in both runs, and how many of them are of each kind."""
