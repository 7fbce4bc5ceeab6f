"""Sources of saved responses judged row by row, for commands that need no more than results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from attest.cli.rows import Row, ignore, read_rows
from attest.cli.terminal import complain, unreadable
from attest.context import Request
from attest.evidence import Evidence, read_evidence
from attest.policy.model import Policy, PolicySet
from attest.result import AttestationResult
from attest.verify import appraise


class Rows:
    """The rows of all sources in order, each read as evidence once.

    Attributes:
        unreadable: Sources that could not be read.
        count: Rows that were read.
    """

    def __init__(self, sources: Iterable[str]) -> None:
        """Take the sources, which are read as they are asked for."""
        self._sources = sources
        self.unreadable = 0
        self.count = 0

    def __iter__(self) -> Iterator[tuple[Row, Evidence]]:
        """Read row by row; name the sources that cannot be read, and go on."""
        for source in self._sources:
            try:
                for row in read_rows(source, lines=False, progress=ignore):
                    self.count += 1
                    yield row, read_evidence(row.octets)
            except OSError as error:
                self.unreadable += 1
                complain(unreadable(source, error))


class Verdict(Struct, frozen=True):
    """What was decided of one row.

    Attributes:
        source: The file, as it was named.
        row: Row in the source, from 0.
        result: The result.
    """

    source: str
    row: int
    result: AttestationResult

    def __str__(self) -> str:
        """Name the row, with what refuses it."""
        said = "; ".join(f"{check.id}: {check.reason}" for check in self.result.refusals)
        return f"{self.source} row {self.row}" + (f": {said}" if said else "")


def judge(row: Row, evidence: Evidence, policy: Policy | PolicySet, request: Request) -> Verdict:
    """Judge one row."""
    return Verdict(row.source, row.number, appraise(evidence, policy, request))
