"""Collects evidence from a live TPM, through tpm2-pytss (extra ``tpm``); judging never needs it.

``quote`` is one fresh attestation key and one quote by it, as the ``tpm_attestation`` member of a
response; ``Collector`` makes several over one connection. docs/collecting.md says what they need,
and what they do not prove.
"""

from attest.collect.collector import Collector, quote
from attest.collect.errors import CollectError, UnreachableError

__all__ = ["CollectError", "Collector", "UnreachableError", "quote"]
