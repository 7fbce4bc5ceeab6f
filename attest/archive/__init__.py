"""Evidence archives: one JSON line a decision, hash-chained, durable before content is released.

``Archive`` appends, ``verify_archive`` finds what was changed, ``head`` gives what to keep
elsewhere. docs/archive.md says what an archive proves, and what it does not.
"""

from attest.archive.decision import Decision
from attest.archive.record import GENESIS, Mode, Phase
from attest.archive.tail import head
from attest.archive.verification import Fault, Verification, verify_archive
from attest.archive.writer import Archive, Receipt

__all__ = [
    "GENESIS",
    "Archive",
    "Decision",
    "Fault",
    "Mode",
    "Phase",
    "Receipt",
    "Verification",
    "head",
    "verify_archive",
]
