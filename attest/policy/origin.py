"""Where a policy comes from: what it says of its values, and what was demanded of its file."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

LEARNT = ("self-consistent", "anchored")
"""What evidence can prove that golden values are learnt from (``provenance.assurance``)."""


class Provenance(Struct, frozen=True):
    """Where a policy or a baseline comes from; it says so, and decides nothing.

    Attributes:
        source: What the values were taken from, such as a file's name.
        sha256: SHA-256 of the source's octets.
        date: When they were taken, with time zone.
        tool: What took them.
        assurance: What the evidence proved that they were learnt from; None where they were not.
    """

    source: str
    sha256: bytes | None = None
    date: datetime | None = None
    tool: str | None = None
    assurance: str | None = None


class Demands(Struct, frozen=True):
    """What the caller demanded of a policy's file, so that a reload demands no less.

    Attributes:
        verify_key: Public key in PEM that must have signed it; None: it is not signed.
        min_serial: Least serial that is accepted; None: any, and none.
    """

    verify_key: bytes | None = None
    min_serial: int | None = None


NO_DEMANDS = Demands()
