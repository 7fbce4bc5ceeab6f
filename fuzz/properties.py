"""What must hold of every answer of attest, whatever octets it was given."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from attest.crypto import VerifyingKey
from attest.endorsement import Endorsement
from attest.evidence import Evidence
from attest.policy.document import LOADER
from attest.policy.model import NonceMode, Policy
from attest.result import Anchor, AttestationResult
from attest.tpm.attestation import TpmsAttest, TpmsCertifyInfo, TpmsQuoteInfo
from attest.tpm.constants import BANKS
from attest.tpm.public import TpmtPublic
from attest.tpm.signature import TpmtSignature

_LONGEST_LINE = 20_000
_BANK_NAMES = {int(alg): name for name, alg in BANKS.items()}

Meaning = tuple[bytes, tuple[object, ...], object]
"""Signed octets, the signature's numbers and the key's numbers, however they are written.

The key's other fields are not among them: without an anchor, nothing vouches for these.
"""


class BrokenPropertyError(Exception):
    """A property that does not hold: the input that shows it is a finding."""


def require(holds: bool, says: str) -> None:
    """Raise unless a property holds; unlike ``assert``, under ``-O`` too."""
    if not holds:
        raise BrokenPropertyError(says)


def require_one_line(text: str) -> None:
    """Hold words that repeat untrusted text to one printable line of bounded length."""
    require(text.isprintable(), f"not printable: {text[:300]!r}")
    require(0 < len(text) <= _LONGEST_LINE, f"{len(text)} characters")


def require_clean(report: str) -> None:
    """Hold a report to printable lines: nothing that a terminal acts on."""
    require(report.replace("\n", "").isprintable(), f"not printable: {report[:300]!r}")


class Twin(NamedTuple):
    """A document as Python's own JSON reader sees it.

    Attributes:
        value: What it holds; None where it is no JSON in UTF-8.
        duplicate: Whether a member stands twice in an object.
    """

    value: Any
    duplicate: bool


def twin_of(octets: bytes) -> Twin:
    """Read octets with the standard library."""
    duplicates: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        taken = dict(pairs)
        if len(taken) < len(pairs):
            duplicates.append("one")
        return taken

    try:
        value = json.loads(octets.decode("utf-8"), object_pairs_hook=members)
    except (ValueError, RecursionError):
        return Twin(None, duplicate=False)
    return Twin(value, bool(duplicates))


def meaning_of(evidence: Evidence) -> Meaning | None:
    """Return what was signed, how and by which key; None where any of it could not be read."""
    if evidence.attest is None or evidence.signature is None or evidence.key is None:
        return None
    return meaning_of_signature(evidence.attest, evidence.signature, evidence.key)


def meaning_of_signature(
    attest: TpmsAttest, signature: TpmtSignature, key: VerifyingKey
) -> Meaning:
    """Return what was signed, how and by which key."""
    return attest.signed, _numbers(signature), meaning_of_key(key)


def meaning_of_key(key: VerifyingKey) -> object:
    """Return the numbers of a key."""
    return key.key.public_numbers()


def _numbers(signature: TpmtSignature) -> tuple[object, ...]:
    """Return the numbers of a signature; of ECDSA only r, for s and its negative both verify."""
    r = int.from_bytes(signature.r, "big")
    return signature.scheme, signature.hash, signature.rsa, r


def require_canonical(evidence: Evidence) -> None:
    """Hold what was read of quote and key to the one text that base64 has for these octets."""
    parts = []
    if evidence.attest is not None:
        parts.append(("quote_b64", evidence.attest.signed))
    if evidence.public is not None:
        parts.append(("aik_pubkey_b64", evidence.public.octets))
    for name, octets in parts:
        framed = len(octets).to_bytes(2, "big") + octets
        texts = [base64.b64encode(form).decode() for form in (octets, framed)]
        require((evidence.member or {}).get(name) in texts, f"{name} has another text")


def require_sound(result: AttestationResult) -> None:
    """Hold a result to what every result promises: no surprise, clean words, plain JSON."""
    for check in result.checks:
        require_one_line(check.reason)
        surprise = check.reason.startswith("unexpected")
        require(not surprise, f"{check.id}: {check.reason}")
    json.dumps(result.to_dict(), ensure_ascii=False, allow_nan=False).encode()
    refused = {check.id for check in result.checks if check.outcome == "fail"}
    require(not (result.accepted and refused), f"accepted in spite of {refused}")


def verdict_of(result: AttestationResult) -> dict[str, Any]:
    """Return all that a result says but the words of its reasons."""
    document = result.to_dict()
    document["checks"] = [(check.id, str(check.outcome)) for check in result.checks]
    return document


def require_vouched(
    document: Mapping[str, Any], policy: Policy, payload_id: str | None, evidence: Evidence
) -> None:
    """Recompute nonce and PCR digest of an accepted response from its JSON, in plain steps.

    Args:
        document: The response.
        policy: What it was accepted by.
        payload_id: The caller's own id; None leaves the saved one.
        evidence: What attest read of the response.
    """
    require(evidence.attest is not None and not evidence.faults, "accepted, and not read whole")
    if evidence.attest is None or evidence.signature is None:
        return
    metadata = document["_metadata"]
    if policy.nonce is NonceMode.PAYLOAD_ID:
        sent = metadata["payload_id"] if payload_id is None else payload_id
        nonce = hashlib.sha256(sent.encode()).digest()[:16]
        require(evidence.attest.extra_data == nonce, "accepted with another nonce")
    info = evidence.attest.attested
    require(isinstance(info, TpmsQuoteInfo), "accepted, and no quote")
    if isinstance(info, TpmsQuoteInfo):
        member = metadata["tpm_attestation"]
        seen = _digest(evidence.signature.hash, info, member["pcr_values"])
        require(info.pcr_digest == seen, "accepted with PCR values that were not quoted")
        _require_selection(info, member["pcr_values"], member["pcr_banks"])


def _require_selection(info: TpmsQuoteInfo, values: Mapping[str, Any], banks: str) -> None:
    """Hold both reported selections to the signed one, each PCR once."""
    signed = sorted(
        (_BANK_NAMES[selection.hash], str(index))
        for selection in info.pcr_select
        for index in selection.indices
    )
    parts = [item.partition(":") for item in banks.split("+")]
    listed = sorted((bank, index) for bank, _, rest in parts for index in rest.split(","))
    require(listed == signed, "accepted with another pcr_banks")
    reported = sorted((bank, index) for bank, pcrs in values.items() for index in pcrs)
    require(reported == signed, "accepted with other pcr_values")


def require_plain_yaml(octets: bytes) -> None:
    """Hold a policy that loads to one reading: no key twice, no alias, anchor or tag."""
    levels: list[list[str] | None] = []
    for event in yaml.parse(octets, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            require(holds=False, says="an alias loads")
        elif isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)):
            require(event.anchor is None and event.tag is None, "an anchor or tag loads")
            if levels and levels[-1] is not None:
                levels[-1].append(event.value if isinstance(event, yaml.ScalarEvent) else "")
        if isinstance(event, yaml.CollectionStartEvent):
            levels.append([] if isinstance(event, yaml.MappingStartEvent) else None)
        elif isinstance(event, yaml.CollectionEndEvent):
            keys = (levels.pop() or [])[::2]
            require(len(set(keys)) == len(keys), "a duplicate key loads")


def _digest(alg: int | None, info: TpmsQuoteInfo, values: Mapping[str, Any]) -> bytes:
    """Digest reported PCR values as a TPM digests its own."""
    digest = hashlib.new(_BANK_NAMES[alg or 0])
    for selection in info.pcr_select:
        for index in selection.indices:
            digest.update(bytes.fromhex(values[_BANK_NAMES[selection.hash]][str(index)]))
    return digest.digest()


def require_anchor(anchor: Anchor | None, evidence: Evidence) -> None:
    """Hold an anchor by Name to the whole public area of its key, and an AK's to what it says."""
    if anchor is None or anchor.kind != "name":
        return
    aik = _name(evidence.public)
    if anchor.via is None:
        require(anchor.key == aik, "anchored by the Name of another key")
        return
    endorsement = evidence.endorsement or Endorsement()
    certify = endorsement.certify
    require(anchor.key == _name(endorsement.ak_public), "anchored by the Name of another AK")
    info = None if certify is None else certify.attested
    certified = info.name if isinstance(info, TpmsCertifyInfo) else None
    require(aik is not None and certified == aik, "anchored by an AK that certifies another key")


def _name(public: TpmtPublic | None) -> bytes | None:
    """Compute the Name of a key anew."""
    if public is None:
        return None
    area = public.octets
    return area[2:4] + hashlib.new(_BANK_NAMES[public.name_alg], area).digest()
