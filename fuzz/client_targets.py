"""What the client reads of a server: sealed answers, and what the gate makes of opened ones."""

from __future__ import annotations

import json
import logging
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa

from attest.evidence import read_evidence
from attest.policy.model import TIERS, NonceMode, Policy, PolicySet, policies_of
from client.envelope import open_response
from client.errors import AttestationRefused, SecurityError
from client.exchange import Sent
from client.gate import Gate
from client.response import AttestedResponse
from fuzz import properties, seeds
from fuzz.properties import require, require_one_line

_SEALED: dict[str, object] = {
    "version": "1.0",
    "algorithm": "hybrid-aes256-rsa4096",
    "encrypted_payload": {"ciphertext": "AAAA", "nonce": "A" * 16, "tag": "A" * 22 + "=="},
    "encrypted_aes_key": "A" * 342 + "==",
    "key_algorithm": "RSA-OAEP-SHA256",
    "payload_algorithm": "AES-256-GCM",
    "processed_at": 1795500001,
}
_OTHERS: tuple[object, ...] = (None, 0, "", [], {})


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def envelopes() -> list[bytes]:
    """Return an envelope in its form, and each that lacks a member or has another value there."""
    made = [_SEALED]
    for name in _SEALED:
        made.append({other: value for other, value in _SEALED.items() if other != name})
        made += [{**_SEALED, name: other} for other in _OTHERS]
    return [json.dumps(one).encode() for one in made]


def judge_envelope(data: bytes) -> None:
    """Open an envelope that nobody sealed: refused in one line, whatever it is."""
    try:
        open_response(data, _key())
    except SecurityError as error:
        require_one_line(str(error))
        return
    require(holds=False, says="opened, and nobody sealed it")


@cache
def _gates() -> tuple[Gate | None, ...]:
    """Return the gate of each case; None where its policy compares no payload id."""
    logging.getLogger("tpm_attest.gate").setLevel(logging.CRITICAL)
    return tuple(Gate(case.policy) if _can_gate(case.policy) else None for case in seeds.cases())


def _can_gate(policy: Policy | PolicySet) -> bool:
    return all(one.nonce is NonceMode.PAYLOAD_ID for one in policies_of(policy))


def judge_gate(data: bytes) -> None:
    """Decide on an opened answer: released whole and as it came, or refused by name."""
    if not data:
        return
    place = data[0] % len(seeds.cases())
    gate, octets, twin = _gates()[place], data[1:], properties.twin_of(data[1:])
    if gate is None:
        return
    arguments = seeds.cases()[place].arguments
    claimed = _metadata(twin.value)
    sent = Sent(
        "https://server.example",
        arguments.get("payload_id", claimed.get("payload_id")) or "",
        arguments.get("security_tier", claimed.get("security_tier")),
        "0" * 64,
    )
    match gate.decide(octets, sent):
        case AttestedResponse() as released:
            require(released.attestation.accepted, "released, and not accepted")
            require(not twin.duplicate, "released, and a member stood twice")
            require(dict(released) == twin.value, "released is not what came")
        case AttestationRefused() as refusal:
            require(not refusal.result.accepted, "refused, and accepted")
            require_one_line(str(refusal))
        case SecurityError() as error:
            require_one_line(str(error))
            require("could not be judged" not in str(error), str(error))
            require(read_evidence(octets).faults != (), "an object is said to be none")
        case other:
            require(holds=False, says=f"decided {type(other).__name__}")


def _metadata(response: object) -> dict[str, str]:
    """Return what a response says of its request, as if that had been sent."""
    metadata = response.get("_metadata") if isinstance(response, dict) else None
    claims = metadata if isinstance(metadata, dict) else {}
    named, tier = claims.get("payload_id"), claims.get("security_tier")
    said = {"payload_id": named} if isinstance(named, str) else {}
    return said | ({"security_tier": tier} if tier in TIERS else {})
