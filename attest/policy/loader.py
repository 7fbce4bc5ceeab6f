"""A policy file, or a directory of them, to frozen values; strict, each fault with its place."""

from __future__ import annotations

import hashlib
import os
import re
from itertools import combinations
from typing import NamedTuple

from msgspec.structs import replace

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
    policies_of,
)
from attest.policy.origin import NO_DEMANDS, Demands
from attest.policy.provenance import read_provenance
from attest.policy.scalars import MAX_SERIAL, distinct, integer, matching, text, validity, word
from attest.policy.section import Document, Value, open_section
from attest.policy.signed import policy_octets, read_key

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


def load_policy(
    path: str | os.PathLike[str],
    *,
    verify_key: str | os.PathLike[str] | bytes | None = None,
    min_serial: int | None = None,
) -> Policy | PolicySet:
    """Load a policy file, or every ``*.yaml`` directly in a directory as a policy set.

    Args:
        path: The file or the directory.
        verify_key: Public key that must have signed each file: the path of a PEM file, or its
            octets. Each file is then a DSSE envelope, ``*.yaml`` or ``*.dsse``, and the policy is
            what it holds. None: no file may be signed, since nobody would verify it.
        min_serial: Least serial of each policy: an older edition is refused, and one without.

    Raises:
        PolicyError: A file cannot be read, is not signed as demanded, is older, or breaks a rule; a
            directory holds no policy, or two policies of a set share a name while both are valid.
        ValueError: ``min_serial`` is no serial.
    """
    if min_serial is not None and not (type(min_serial) is int and 0 <= min_serial <= MAX_SERIAL):
        raise ValueError(
            f"min_serial is {min_serial!r}, expected an integer from 0 to {MAX_SERIAL}"
        )
    return _load(os.fspath(path), _demands(verify_key, min_serial))


def reload_policy(
    policy: Policy | PolicySet, path: str | os.PathLike[str] | None = None
) -> Policy | PolicySet:
    """Load a policy anew, by the demands that it was loaded with; a signed one never goes back.

    Args:
        policy: The policy in force.
        path: Another file or directory in its place; None: its own.

    Raises:
        PolicyError: As ``load_policy``; or a signed policy is older than the one of its name.
    """
    demands = policy.demands
    loaded = _load(policy.path if path is None else os.fspath(path), demands)
    if demands.verify_key is not None:
        for one in policies_of(loaded):
            serials = [old.serial or 0 for old in policies_of(policy) if old.name == one.name]
            if serials and (one.serial or 0) < min(serials):
                raise PolicyError(one.path, f"serial: older than {min(serials)}, which is in force")
    return loaded


def _demands(verify_key: str | os.PathLike[str] | bytes | None, least: int | None) -> Demands:
    return Demands(None if verify_key is None else read_key(verify_key), least)


def _load(path: str, demands: Demands) -> Policy | PolicySet:
    """Load a file, or a directory as a set."""
    if files.is_folder(path):
        loaded = _load_set(path, demands)
        return PolicySet(tuple(one.policy for one in loaded), path, demands)
    return _load_file(path, demands).policy


def _load_file(path: str, demands: Demands) -> Loaded:
    """Load a file, and hold it against what is demanded of it."""
    octets = policy_octets(files.read(path), path, demands.verify_key)
    policy, document = parse_document(octets, path)
    least, serial = demands.min_serial, policy.serial
    if least is not None and serial is None:
        raise PolicyError(path, f"serial: missing, expected at least {least}", 1, 1)
    if least is not None and serial is not None and serial < least:
        fault = f"serial: {serial} is an older edition, expected at least {least}"
        raise PolicyError(path, fault, *document.values["serial"])
    return Loaded(replace(policy, demands=demands), document)


def parse_policy(octets: bytes, path: str) -> Policy:
    """Read the octets of a policy file.

    Args:
        octets: Content of the file.
        path: The file, as errors name it; root files are looked up beside it.

    Raises:
        PolicyError: The octets break a rule; no other error leaves here.
    """
    return parse_document(octets, path).policy


def load_documents(
    path: str | os.PathLike[str], demands: Demands = NO_DEMANDS
) -> tuple[Loaded, ...]:
    """Load what ``load_policy`` loads, with the places."""
    named = os.fspath(path)
    if files.is_folder(named):
        return _load_set(named, demands)
    return (_load_file(named, demands),)


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
        provenance=section.given("provenance", read_provenance, None),
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


def _load_set(folder: str, demands: Demands) -> tuple[Loaded, ...]:
    """Load the files of a policy set, of which no two may be meant by one name at one time."""
    members = files.members(folder, signed=demands.verify_key is not None)
    loaded = tuple(_load_file(member, demands) for member in members)
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
