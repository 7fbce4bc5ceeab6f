"""What the pages show, gathered and unformatted; text in it is not yet safe to show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Reason(Struct, frozen=True):
    """A check and what it said."""

    check: str
    reason: str


class Difference(Struct, frozen=True):
    """A PCR that is not as the policy wants it; golden values in hex, or the word of a rule."""

    bank: str
    pcr: int
    quoted: str | None
    golden: tuple[str, ...]


class Row(Struct, frozen=True):
    """A row in the table.

    Attributes:
        source: Where the response came from.
        row: Its number there.
        entry: The file inside an archive.
        decision: ``accepted``, ``refused`` or ``malformed``.
        payload_id: Id of the request.
        assurance: What was proven.
        baseline: Baseline that matched.
        moment: When it was made, or None.
        claimed: Whether only the server says so.
        machine: The anchor's key in hex, or None.
        reasons: What refuses it.
    """

    source: str
    row: int
    entry: str | None
    decision: str
    payload_id: str | None
    assurance: str
    baseline: str | None
    moment: str | None
    claimed: bool
    machine: str | None
    reasons: tuple[Reason, ...]


class Group(Struct, frozen=True):
    """Refused rows that the same checks refuse, and the same PCRs differ in; the first of them.

    Attributes:
        count: How many rows.
        source: Where the first is.
        row: Its number.
        closest: The baseline that it comes closest to, or None.
        reasons: What refuses the first.
        differences: Its PCRs that are not as wanted.
    """

    count: int
    source: str
    row: int
    closest: str | None
    reasons: tuple[Reason, ...]
    differences: tuple[Difference, ...]


class Cell(Struct, frozen=True):
    """A piece of a lane: from ``start``, ``width`` bins wide; the shares of its kinds add to 1."""

    start: int
    width: int
    shares: tuple[tuple[str, float], ...]
    rows: int


class Mark(Struct, frozen=True):
    """A change at a bin of a lane."""

    bin: int
    said: str


class Lane(Struct, frozen=True):
    """One line of a picture.

    Attributes:
        name: What the line is about, short.
        note: What else is to be known of it.
        cells: Its pieces, in time.
        marks: Changes on it.
    """

    name: str
    note: str
    cells: tuple[Cell, ...]
    marks: tuple[Mark, ...] = ()


class Timeline(Struct, frozen=True):
    """Rows over time.

    Attributes:
        first: Earliest moment.
        last: Latest moment.
        bins: How many pieces the time is cut into.
        kinds: Baselines and other kinds of rows by the class that draws them, in order.
        states: A lane for each set of PCR values.
        states_left_out: Sets without a lane.
        machines: A lane for each machine.
        machines_left_out: Machines without a lane.
    """

    first: str
    last: str
    bins: int
    kinds: Mapping[str, str]
    states: tuple[Lane, ...]
    states_left_out: int
    machines: tuple[Lane, ...]
    machines_left_out: int


class Change(Struct, frozen=True):
    """A machine that is not as in its row before.

    Attributes:
        moment: When.
        machine: Which, in hex.
        source: The row that differs.
        row: Its number.
        said: What changed.
    """

    moment: str
    machine: str
    source: str
    row: int
    said: tuple[str, ...]


class Listed(Struct, frozen=True):
    """Some of many: what is listed, and how many are left out."""

    items: tuple[Any, ...]
    left_out: int


class Command(Struct, frozen=True):
    """A command, and what it is for."""

    purpose: str
    line: str


class Report(Struct, frozen=True):
    """A whole run.

    Attributes:
        verifier: Who judged.
        archives: What was read.
        inputs: How many files.
        policies: Name, serial and SHA-256 of each policy.
        at: At which moment, in words.
        counts: Rows, accepted, refused, malformed.
        digest: Digest of the results.
        assurances: Accepted rows by assurance.
        by_check: Refused rows by check.
        by_baseline: Accepted rows by baseline.
        findings: Answers of the questions, as ``findings.json`` has them.
        timeline: The picture; None where no row has a time.
        changes: Of machines, in time.
        groups: Refusals explained.
        rows: Rows of the table.
        not_judged: What was not judged.
        commands: How to do it again.
        drift: What changed since another run, as ``drift.json`` has it; None where it is not asked.
    """

    verifier: str
    archives: tuple[str, ...]
    inputs: int
    policies: tuple[Mapping[str, Any], ...]
    at: str
    counts: Mapping[str, int]
    digest: str
    assurances: Mapping[str, int]
    by_check: Mapping[str, int]
    by_baseline: Mapping[str, int]
    findings: tuple[Any, ...]
    timeline: Timeline | None
    changes: Listed
    groups: Listed
    rows: Listed
    not_judged: tuple[str, ...]
    commands: tuple[Command, ...]
    drift: Mapping[str, Any] | None = None


class Case(Struct, frozen=True):
    """One response of a run, for a third party.

    Attributes:
        result: Its result in the published shape.
        reason: Why the row is malformed, or None.
        refused_by: Checks that refuse it.
        entry: The file inside an archive, or None.
        moment: When it was made, or None.
        moment_source: Who says so, or None.
        input_sha256: SHA-256 of the file that it stands in, or None.
        input_octets: Size of that file, or None.
        result_sha256: SHA-256 of the result's RFC 8785 form, as the run's digest counts it.
        without: Members of the result that are not hashed.
        digest: Digest of the run.
        policy_text: The policy that judged, where its file is still the same; else None.
        commands: How to check it.
    """

    result: Mapping[str, Any]
    reason: str | None
    refused_by: tuple[str, ...]
    entry: str | None
    moment: str | None
    moment_source: str | None
    input_sha256: str | None
    input_octets: int | None
    result_sha256: str
    without: tuple[str, ...]
    digest: str
    policy_text: str | None
    commands: tuple[Command, ...]
