"""What a certificate chain is worth, as the checks see it; judging one stands in ``chaining``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from attest.certificates.model import Chain
    from attest.policy.anchoring import Identity


class Chained(Struct, frozen=True, gc=False):
    """What a chain is worth; exactly one of the three texts is set.

    Attributes:
        unasked: Why there is nothing to judge.
        fault: What is wrong with it.
        told: What it says, where it holds and names a machine of the policy.
        chain: The chain, where it does.
        identity: The identity that it matches.
        is_aks: Whether it is the AK's, which certifies the AIK, and not the AIK's own.
    """

    unasked: str | None = None
    fault: str | None = None
    told: str | None = None
    chain: Chain | None = None
    identity: Identity | None = None
    is_aks: bool = False


NOTHING_CHAINED = Chained(unasked="the evidence has no certificate chain")
