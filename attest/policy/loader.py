"""A policy file, or a directory of them, to frozen values; strict, each fault with its place."""

from __future__ import annotations

import hashlib
import os
import re
from itertools import combinations
from typing import NamedTuple

from attest.errors import PolicyError
from attest.policy import files
from attest.policy.aik import read_aik
from attest.policy.demonstration import refuse_golden_values
from attest.policy.golden import read_baselines, read_rules
from attest.policy.model import (
    ALWAYS,
    CURVES,
    DEFAULT_MIN_RSA_BITS,
    DEFAULT_SCHEMES,
    SCHEMES,
    TIERS,
    NonceMode,
    Policy,
    PolicySet,
)
from attest.policy.scalars import MAX_SERIAL, distinct, integer, matching, text, validity, word
from attest.policy.section import Document, Value, open_section

SCHEMA = "1"
MAX_RSA_BITS = 16384

_NAME = re.compile("[a-z0-9-]+")
_NONCES = tuple(str(mode) for mode in NonceMode)

Signature = tuple[tuple[str, ...], int, tuple[str, ...]]
_SIGNATURE: Signature = (DEFAULT_SCHEMES, DEFAULT_MIN_RSA_BITS, CURVES)
"""Schemes, bits and curves of a policy that says nothing of signatures."""


class Loaded(NamedTuple):
    """A policy, and where in its file everything stands."""

    policy: Policy
    document: Document


def load_policy(path: str | os.PathLike[str]) -> Policy | PolicySet:
    """Load a policy file, or every ``*.yaml`` directly in a directory as a policy set.

    Raises:
        PolicyError: A file cannot be read or breaks a rule, a directory holds no policy, or two
            policies of a set share a name while both are valid.
    """
    named = os.fspath(path)
    if files.is_folder(named):
        return PolicySet(tuple(loaded.policy for loaded in _load_set(named)), named)
    return parse_policy(files.read(named), named)


def parse_policy(octets: bytes, path: str) -> Policy:
    """Read the octets of a policy file.

    Args:
        octets: Content of the file.
        path: The file, as errors name it; root files are looked up beside it.

    Raises:
        PolicyError: The octets break a rule; no other error leaves here.
    """
    return parse_document(octets, path).policy


def load_documents(path: str | os.PathLike[str]) -> tuple[Loaded, ...]:
    """Load what ``load_policy`` loads, with the places."""
    named = os.fspath(path)
    if files.is_folder(named):
        return _load_set(named)
    return (parse_document(files.read(named), named),)


def parse_document(octets: bytes, path: str) -> Loaded:
    """Read what ``parse_policy`` reads, with the places."""
    document = Document(path)
    section = open_section(octets, document)
    schema = section.need("schema")
    if schema.text != SCHEMA or not schema.plain:
        raise schema.error(f"expected {SCHEMA}, not quoted: there is no other schema yet")
    schemes, min_rsa_bits, curves = section.given("signature", _signature, _SIGNATURE)
    policy = Policy(
        name=matching(section.need("name"), _NAME),
        description=section.given("description", _description, None),
        serial=section.given("serial", _serial, None),
        valid=section.given("valid", validity, ALWAYS),
        tiers=section.given("applies_to", _tiers, None),
        tpm_required=section.given("tpm", _tpm_required, True),
        nonce=section.given("nonce", _nonce, NonceMode.PAYLOAD_ID),
        schemes=frozenset(SCHEMES[name] for name in schemes),
        min_rsa_bits=min_rsa_bits,
        curves=frozenset(curves),
        aik=read_aik(section.need("aik")),
        clock_safe_required=section.given("clock", _clock_safe_required, False),
        rules=section.given("pcrs", read_rules, ()),
        baselines=section.given("baselines", read_baselines, ()),
        sha256=hashlib.sha256(octets).hexdigest(),
        path=path,
    )
    if not (policy.rules or policy.baselines):
        raise section.missing("pcrs", "a policy needs pcrs or baselines")
    section.finish()
    if not policy.tpm_required and policy.applies("maximum"):
        fault = "tpm: optional is refused where the policy can apply to tier maximum"
        raise PolicyError(path, fault, *document.values["tpm"])
    refuse_golden_values(policy, document)
    return Loaded(policy, document)


def _load_set(folder: str) -> tuple[Loaded, ...]:
    """Load the files of a policy set, of which no two may be meant by one name at one time."""
    members = files.members(folder)
    loaded = tuple(parse_document(files.read(member), member) for member in members)
    for later, earlier in combinations(reversed(loaded), 2):
        ours, theirs = later.policy, earlier.policy
        if ours.name == theirs.name and ours.valid.overlaps(theirs.valid):
            fault = f"name: {theirs.path} has this name too, and both are valid at some time"
            raise PolicyError(ours.path, fault, *later.document.values["name"])
    return loaded


def _description(value: Value) -> str:
    return text(value, lines=True)


def _serial(value: Value) -> int:
    return integer(value, 0, MAX_SERIAL)


def _tiers(value: Value) -> tuple[str, ...]:
    section = value.section()
    tiers = distinct(section.need("security_tier"), _tier)
    section.finish()
    return tiers


def _tier(value: Value) -> str:
    return word(value, TIERS)


def _tpm_required(value: Value) -> bool:
    return word(value, ("required", "optional")) == "required"


def _nonce(value: Value) -> NonceMode:
    return NonceMode(word(value, _NONCES))


def _signature(value: Value) -> Signature:
    """Read ``signature``; what it leaves out keeps its default."""
    section = value.section()
    signature = (
        section.given("schemes", _schemes, DEFAULT_SCHEMES),
        section.given("min_rsa_bits", _min_rsa_bits, DEFAULT_MIN_RSA_BITS),
        section.given("curves", _curves, CURVES),
    )
    section.finish()
    return signature


def _schemes(value: Value) -> tuple[str, ...]:
    return distinct(value, lambda item: word(item, SCHEMES))


def _curves(value: Value) -> tuple[str, ...]:
    return distinct(value, lambda item: word(item, CURVES))


def _min_rsa_bits(value: Value) -> int:
    """Read the smallest RSA modulus in bits."""
    why = ": a policy may ask for more than the default, never for less"
    return integer(value, DEFAULT_MIN_RSA_BITS, MAX_RSA_BITS, why)


def _clock_safe_required(value: Value) -> bool:
    section = value.section()
    required = word(section.need("safe"), ("required", "any")) == "required"
    section.finish()
    return required
