"""What a block says, what ``attest.verify`` says of it, and what is left in the TPM."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

import attest
from tests import build
from tests.judging import octets_of, policy_of
from tests.swtpm import Swtpm


class Chosen(TypedDict):
    """A kind of key, and what it signs by."""

    key: str
    scheme: str


SELECTION: Final = "sha256:0,7,10"
PAYLOAD_ID: Final = build.PAYLOAD_ID
ALL: Final = ",".join(map(str, range(24)))
"""Every PCR of a bank."""
FAST: Final[Chosen] = {"key": "ecc-nist-p256", "scheme": "ecdsa-sha256"}
"""The key that is made fastest."""


def loaded(tpm: Swtpm) -> str:
    """Handles of the transient objects that the TPM holds."""
    return tpm.tool("tpm2_getcap", "handles-transient")


def values_of(block: Mapping[str, Any]) -> dict[str, dict[int, bytes]]:
    """The values that a block reports."""
    return {
        bank: {int(index): bytes.fromhex(value) for index, value in pcrs.items()}
        for bank, pcrs in block["pcr_values"].items()
    }


def judged(
    block: Mapping[str, object],
    values: build.Values,
    payload_id: str = PAYLOAD_ID,
    hierarchy: str = "endorsement",
) -> attest.AttestationResult:
    """Verify a response with this block under a policy made of values that were read before."""
    members = {"aik": {"trust": "unanchored", "hierarchy": [hierarchy]}}
    response = octets_of(build.completion(block, payload_id=payload_id))
    return attest.verify(response, policy_of(values, **members), payload_id=payload_id)
