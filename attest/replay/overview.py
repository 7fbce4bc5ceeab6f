"""What a report of a run shows, gathered: counts, explained refusals, rows, what was not judged."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from typing import Final

from attest.replay import manifest
from attest.replay.findings import Ask, count
from attest.replay.picture import changes, timeline
from attest.replay.pool import ReplayError
from attest.replay.published import NAMES, SELECTED, Ended, Head, Judged, moment_of, published
from attest.replay.questions import VIEW
from attest.replay.tables import views_of
from attest.report.contents import Command, Difference, Group, Listed, Reason, Report, Row
from attest.report.published import QUESTIONS
from attest.text import counted

MOST_ROWS: Final = 1000
MOST_GROUPS: Final = 40
MOST_TEXT: Final = 350_000
"""Characters of the rows' own text, from which on rows are left out."""
_MOST_INPUTS: Final = 20

_ROWS: Final = f"""
{SELECTED} ORDER BY CASE decision WHEN 'refused' THEN 0 WHEN 'malformed' THEN 1 ELSE 2 END,
    source, row
LIMIT {MOST_ROWS}"""

_PLACE: Final = "source || chr(0) || LPAD(CAST(row AS VARCHAR), 19, '0')"
GROUPS: Final = f"""
SELECT COUNT(*) AS alike, arg_min(source, {_PLACE}), arg_min(row, {_PLACE}),
    arg_min(checks, {_PLACE}), arg_min(COALESCE(closest_baseline, ''), {_PLACE}), refused_by,
    differences
FROM results WHERE decision = 'refused'
GROUP BY refused_by, differences ORDER BY alike DESC, MIN({_PLACE}) LIMIT {MOST_GROUPS}"""  # noqa: S608 - our own text
"""Refused rows that are alike, with what the first of them is."""
_OUTCOMES: Final = """
SELECT outcomes, COUNT(*) FROM results WHERE decision <> 'malformed' GROUP BY outcomes"""


def report_of(run: Ended) -> Report:
    """Gather what a report shows.

    Args:
        run: A run that ended.

    Raises:
        ReplayError: The parts are not what the run's summary says, or not what was hashed.
    """
    with views_of({VIEW: run.out}) as ask:
        _held_together(run, ask)
        summary, head = run.summary, run.head
        return Report(
            verifier=head.verifier,
            archives=head.archives,
            inputs=sum(1 for _ in manifest.inputs(run.out / manifest.NAME)),
            policies=tuple(
                {"name": one.name, "serial": one.serial, "sha256": one.sha256}
                for one in head.policies
            ),
            at=_at(head),
            counts={"rows": summary.rows, **summary.by_decision},
            digest=summary.digest,
            assurances=_assurances(ask),
            by_check=dict(sorted(summary.by_check.items(), key=lambda item: -item[1])),
            by_baseline=summary.by_baseline,
            findings=run.findings,
            timeline=timeline(ask),
            changes=changes(ask),
            groups=_groups(ask, summary.refused),
            rows=_rows(run, ask),
            not_judged=(*_unanswered(ask), *_not_judged(run, ask)),
            commands=commands(run),
        )


def _held_together(run: Ended, ask: Ask) -> None:
    """Refuse parts whose counts are not those of the summary."""
    counts, summary = count(ask), run.summary
    decisions = summary.by_decision
    if (counts.by_decision, counts.by_check, counts.by_baseline, sum(decisions.values())) != (
        decisions,
        summary.by_check,
        summary.by_baseline,
        summary.rows,
    ):
        raise ReplayError(f"{run.out}: the counts of the parts are not those of the summary")


def _at(head: Head) -> str:
    """Say at which moment rows were judged."""
    if head.at.mode == "evidence":
        return "each response's own time"
    whose = "the clock of the run" if head.at.mode == "now" else "one moment for all"
    return f"{head.at.moment} ({whose})"


def _assurances(ask: Ask) -> dict[str, int]:
    rows = ask(
        "SELECT assurance, COUNT(*) FROM results WHERE decision = 'accepted' "
        "GROUP BY assurance ORDER BY assurance"
    )
    return {str(assurance): int(accepted) for assurance, accepted in rows}


def reasons_of(judged: Judged) -> tuple[Reason, ...]:
    """Return what refuses a row, in the order of results; of a malformed row why it is one."""
    if judged.columns["decision"] == "malformed":
        return (Reason("malformed", judged.columns["reason"] or "cannot be read"),)
    return _reasons(judged.columns["refused_by"], judged.result["checks"])


def _reasons(refused_by: str | None, checks: Sequence[dict[str, str]]) -> tuple[Reason, ...]:
    refusing = (refused_by or "").split(",")
    return tuple(Reason(one["id"], one["reason"]) for one in checks if one["id"] in refusing)


def _groups(ask: Ask, refused: int) -> Listed:
    """Explain refusals that are alike by the first of them."""
    groups = tuple(
        Group(
            alike,
            source,
            row,
            closest or None,
            _reasons(refused_by, json.loads(checks)),
            tuple(Difference(**{**one, "golden": tuple(one["golden"])})
                  for one in json.loads(differences or "[]")),
        )
        for alike, source, row, checks, closest, refused_by, differences in ask(GROUPS)
    )  # fmt: skip
    return Listed(groups, refused - sum(group.count for group in groups))


def _rows(run: Ended, ask: Ask) -> Listed:
    """List rows, refused ones first, until there are enough."""
    listed: list[Row] = []
    text = 0
    for values in ask(_ROWS):
        row = _row(published(run, dict(zip(NAMES, values, strict=True))))
        text += sum(len(reason.reason) for reason in row.reasons[:3])
        text += len(row.source) + len(row.payload_id or "") + len(row.entry or "")
        if text > MOST_TEXT:
            break
        listed.append(row)
    return Listed(tuple(listed), run.summary.rows - len(listed))


def _row(judged: Judged) -> Row:
    columns = judged.columns
    return Row(
        source=columns["source"],
        row=columns["row"],
        entry=columns["entry"],
        decision=columns["decision"],
        payload_id=columns["payload_id"],
        assurance=columns["assurance"],
        baseline=columns["baseline"],
        moment=moment_of(columns["moment"]),
        claimed=columns["moment_source"] == "claimed",
        machine=columns["machine"] if columns["assurance"] == "anchored" else None,
        reasons=reasons_of(judged),
    )


def _unanswered(ask: Ask) -> list[str]:
    """Say which checks had no clear answer, and how often."""
    counts: Counter[tuple[str, str]] = Counter()
    for outcomes, rows in ask(_OUTCOMES):
        for one in zip(QUESTIONS, outcomes.split(","), strict=False):  # a later version asks more
            counts[one] += rows
    said = {
        "skip": "was not asked, or could not be",
        "warn": "was answered with a reservation only",
    }
    return [
        f"{check} ({question}) {said[outcome]}: {counted(counts[check, outcome], 'response')}."
        for check, question in QUESTIONS.items()
        for outcome in said
        if counts[check, outcome]
    ]


def _not_judged(run: Ended, ask: Ask) -> list[str]:
    """Say which questions, rows, times and inputs were not judged."""
    lines = []
    for one in run.findings:
        if one.answer == "not judged":
            lines.append(f"{one.id} ({one.asks}) of all rows: {one.reason}.")
        elif one.not_judged:
            lines.append(f"{one.id} ({one.asks}) of {counted(one.not_judged, 'row')}.")
    if run.summary.malformed:
        lines.append(f"{counted(run.summary.malformed, 'row')} that could not be read.")
    ((untimed, claimed),) = ask(
        "SELECT COALESCE(SUM(CASE WHEN moment IS NULL THEN 1 ELSE 0 END), 0), "
        "COALESCE(SUM(CASE WHEN moment_source = 'claimed' THEN 1 ELSE 0 END), 0) FROM results"
    )
    if untimed:
        lines.append(
            f"When a row was made: {counted(untimed, 'row')} without a time that can be read."
        )
    if claimed:
        lines.append(
            f"Whether the time is right of {counted(claimed, 'row')}: the server alone claims it."
        )
    return lines + _unread(run)


def _unread(run: Ended) -> list[str]:
    """Name the inputs that could not be read."""
    faults = 0
    lines = []
    for one in manifest.inputs(run.out / manifest.NAME):
        if one.fault is not None:
            faults += 1
            if faults <= _MOST_INPUTS:
                lines.append(f"The input {one.source}: {one.fault}.")
    if faults > _MOST_INPUTS:
        lines.append(f"{counted(faults - _MOST_INPUTS, 'further input')} that could not be read.")
    return lines


def demanded(head: Head) -> tuple[list[str], list[str]]:
    """Return the options that demand of the policies what the run did: of the key, of the serial.

    A run keeps no key, so that whoever repeats it brings it along, as KEY.pem.
    """
    key, least = head.policy_key_sha256, head.policy_min_serial
    return (
        [] if key is None else ["--policy-key", "KEY.pem"],
        [] if least is None else ["--min-serial", str(least)],
    )


def key_named(head: Head) -> str:
    """Say which key KEY.pem stands for, where one is demanded."""
    if head.policy_key_sha256 is None:
        return ""
    return (
        " KEY.pem is the public key that signed the policies: its SubjectPublicKeyInfo in DER has "
        f"the SHA-256 {head.policy_key_sha256}."
    )


def installing(verifier: str) -> Command:
    """Return the command that brings the verifier of a run."""
    return Command(
        f"Install the same verifier ({verifier}).",
        f"pip install 'tpm-attest[replay]=={verifier.partition(' ')[2]}'",
    )


def commands(run: Ended) -> tuple[Command, ...]:
    """Return the commands that repeat a run."""
    out, head = str(run.out), run.head
    at = head.at.moment if head.at.mode != "evidence" and head.at.moment else "evidence"
    policies = "; ".join(f"{one.name} {one.sha256}" for one in head.policies)
    key, least = demanded(head)
    return (
        installing(head.verifier),
        Command(
            f"Repeat the run and compare manifest, digest, summary and findings.{key_named(head)}",
            shlex.join(["attest", "replay", "--check", out, *key]),
        ),
        Command(
            "Or judge the same archives into a folder of your own, and compare the digests. "
            f"SHA-256 of the policies: {policies}. SHA-256 of each input: manifest.json.",
            shlex.join(
                ["attest", "replay", *head.archives, "-p", head.policy, *key, *least, "--at", at]
            )
            + " -o again/",
        ),
        Command(
            "Write one response's case file for somebody else.",
            f"attest report {shlex.quote(out)} --case SOURCE:ROW -o case.html",
        ),
    )
