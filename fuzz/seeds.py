"""What fuzzing starts from: the octets, policies and genuine signatures of the fixtures."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import attest
from attest.crypto import signature_fault
from attest.evidence import Evidence, evidence_of, read_evidence
from attest.policy.model import Policy, PolicySet
from fuzz.properties import Meaning, meaning_of_key, meaning_of_signature

FOLDER = Path(__file__).parent
FIXTURES = FOLDER.parent / "fixtures"
POLICIES = FOLDER.parent / "policies"
STRUCTURES = ("quote_b64", "signature_b64", "aik_pubkey_b64")
"""Members of ``tpm_attestation`` that hold TPM structures."""

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
"""The moment of every appraisal that names no other."""

_PINNED = FOLDER / "dictionary.txt"
"""Stands in for a root file in a policy of trust ``certified``: any octets will load."""


class Case(NamedTuple):
    """What a response is judged by.

    Attributes:
        policy: The policy, or the set.
        arguments: Keyword arguments of ``attest.verify``.
    """

    policy: Policy | PolicySet
    arguments: dict[str, Any]


class Fixture(NamedTuple):
    """A recorded or forged response.

    Attributes:
        name: Its folder.
        octets: The response.
        case: Index of its own case among ``cases()``.
    """

    name: str
    octets: bytes
    case: int


@cache
def _loaded() -> tuple[tuple[Fixture, ...], tuple[Case, ...]]:
    """Read every fixture, and load each policy once."""
    places: dict[tuple[bytes, str], int] = {}
    fixtures: list[Fixture] = []
    cases: list[Case] = []
    for folder in sorted(path.parent for path in FIXTURES.glob("*/expected.json")):
        said = json.loads((folder / "expected.json").read_bytes())["arguments"]
        judged_by = (folder / "policy.yaml").read_bytes(), json.dumps(said, sort_keys=True)
        if judged_by not in places:
            places[judged_by] = len(cases)
            policy = attest.load_policy(folder / "policy.yaml")
            cases.append(Case(policy, _arguments(said)))
        octets = (folder / "response.json").read_bytes()
        fixtures.append(Fixture(folder.name, octets, places[judged_by]))
    cases.append(Case(attest.load_policy(POLICIES), {"at": AT}))
    return tuple(fixtures), tuple(cases)


def _arguments(said: dict[str, str]) -> dict[str, Any]:
    """Return the keyword arguments of ``attest.verify`` from a fixture's words."""
    given: dict[str, Any] = {"at": AT, **said}
    if "nonce" in said:
        given["nonce"] = bytes.fromhex(said["nonce"])
    if "at" in said:
        given["at"] = datetime.fromisoformat(said["at"])
    return given


def fixtures() -> tuple[Fixture, ...]:
    """Return every fixture, by name."""
    return _loaded()[0]


def cases() -> tuple[Case, ...]:
    """Return each pair of policy and arguments of the fixtures once, and a policy set."""
    return _loaded()[1]


def responses() -> list[bytes]:
    """Return the responses of the fixtures."""
    return [fixture.octets for fixture in fixtures()]


def appraisals() -> list[bytes]:
    """Return responses behind the octet that chooses their case."""
    return [bytes([fixture.case]) + fixture.octets for fixture in fixtures()]


def structures(member: str) -> list[bytes]:
    """Return the octets of one member of ``tpm_attestation``, wherever it is base64."""
    found = []
    for octets in responses():
        try:
            text = json.loads(octets)["_metadata"]["tpm_attestation"][member]
            found.append(base64.b64decode(text))
        except (ValueError, LookupError, TypeError):
            continue
    return sorted(set(found))


def policies() -> list[bytes]:
    """Return policy files: of fixtures, the examples, and one that pins a root file."""
    files = [*FIXTURES.glob("*/policy.yaml"), *POLICIES.glob("*.yaml")]
    pin = hashlib.sha256(_PINNED.read_bytes()).hexdigest()
    certified = (
        "schema: 1\nname: certified\nserial: 7\nclock: {safe: required}\nnonce: none\naik:\n"
        f'  trust: certified\n  roots: [{{file: {_PINNED.name}, sha256: "{pin}"}}]\n'
        '  identity: [{gce: {project: p, instance: i}}, {subject: "CN=a"}]\n'
        "  hierarchy: [endorsement, null-hierarchy]\n"
        "signature: {schemes: [ecdsa-sha256], min_rsa_bits: 3072, curves: [nist-p256]}\n"
        "valid: {from: 2026-11-01T00:00:00Z, until: 2027-02-01T00:00:00+01:00}\n"
        "pcrs: {sha1: {0: initial, 1: any}, sha3_256: {'10': extended}}\n"
    )
    return sorted({certified.encode(), *(file.read_bytes() for file in files)})


@cache
def genuine() -> frozenset[Meaning]:
    """Return what keys of the fixtures did sign; nobody can sign more without these keys.

    A lie about a key or around the evidence leaves a genuine signature genuine: a mutation may take
    the lie back, so each signature is tried with every key.
    """
    evidences = [_whatever_is_read(octets) for octets in responses()]
    keys = {
        meaning_of_key(evidence.key): evidence.key
        for evidence in evidences
        if evidence.key is not None
    }
    return frozenset(
        meaning_of_signature(evidence.attest, evidence.signature, key)
        for evidence in evidences
        for key in keys.values()
        if evidence.attest is not None
        and evidence.signature is not None
        and signature_fault(key, evidence.signature, evidence.attest.signed) is None
    )


def _whatever_is_read(octets: bytes) -> Evidence:
    """Read the evidence of a fixture, of one too whose JSON is refused as a whole."""
    evidence = read_evidence(octets)
    if evidence.member is not None:
        return evidence
    try:
        return evidence_of(json.loads(octets))
    except (ValueError, AttributeError):
        return evidence
