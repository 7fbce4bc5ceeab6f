"""Recorded responses under fixtures/, as the octets of their structures."""

import base64
import json
from pathlib import Path
from typing import Any, Final, NamedTuple

FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
GCE: Final = "gce-cos-85-nonce9009-"
REAL: Final = sorted(
    path.parent.name
    for kind in ("gce-*", "swtpm-*")
    for path in FIXTURES.glob(f"{kind}/response.json")
)
"""Cases whose octets a TPM made."""


class Structures(NamedTuple):
    """What the three members of an attestation carry."""

    quote: bytes
    signature: bytes
    public: bytes


def response_of(case: str) -> dict[str, Any]:
    """Read the response of a case."""
    document: dict[str, Any] = json.loads((FIXTURES / case / "response.json").read_bytes())
    return document


def structures_of(case: str) -> Structures:
    """Decode the structures of a case."""
    member = response_of(case)["_metadata"]["tpm_attestation"]
    names = ("quote_b64", "signature_b64", "aik_pubkey_b64")
    return Structures(*(base64.b64decode(member[name]) for name in names))
