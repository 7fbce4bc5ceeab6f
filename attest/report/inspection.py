"""Evidence decoded for a person: every field of every structure, with what it means."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from attest import crypto
from attest.attesting import primary_of
from attest.endorsement import Endorsement
from attest.evidence import Evidence
from attest.policy.initial import is_initial
from attest.text import shown
from attest.tpm.attestation import TpmsAttest, TpmsCertifyInfo, TpmsQuoteInfo
from attest.tpm.constants import (
    HASH_SIZES,
    RESERVED_ATTRIBUTES,
    TPM_GENERATED_VALUE,
    Alg,
    AttestType,
    Attributes,
    Curve,
    alg_name,
)
from attest.tpm.public import RsaKey, TpmtPublic
from attest.tpm.signature import TpmtSignature

_MILLISECONDS_A_DAY = 86_400_000
_LONGEST_HEX = 64


class Field(Struct, frozen=True):
    """One decoded field.

    Attributes:
        name: Name in the specification, or of the response's member.
        value: The value, written.
        meaning: What it means, in plain words; may be empty.
    """

    name: str
    value: str
    meaning: str = ""


class Section(Struct, frozen=True):
    """The fields of one structure, under its name."""

    name: str
    fields: tuple[Field, ...]


def inspect_evidence(evidence: Evidence) -> tuple[Section, ...]:
    """Decode evidence; what could not be read stands under ``faults``."""
    sections = [Section("response", tuple(_response(evidence)))]
    if evidence.faults:
        faults = tuple(Field(str(n), fault) for n, fault in enumerate(evidence.faults, 1))
        sections.append(Section("faults", faults))
    if evidence.attest is not None:
        sections.append(Section("quote", tuple(_attest(evidence.attest, evidence.public))))
    if evidence.signature is not None:
        sections.append(Section("signature", tuple(_signature(evidence.signature))))
    if evidence.public is not None:
        sections.append(Section("aik", tuple(_public(evidence.public, evidence.key))))
    if evidence.endorsement is not None:
        sections += _endorsement(evidence.endorsement)
    for bank, values in (evidence.pcr_values or {}).items():
        fields = tuple(_pcr(index, value) for index, value in sorted(values.items()))
        sections.append(Section(f"pcr_values {shown(bank)}", fields))
    return tuple(sections)


def to_dict(sections: tuple[Section, ...]) -> dict[str, list[dict[str, str]]]:
    """Return the decoded fields as JSON has them: by section, in order, names may repeat."""
    return {
        section.name: [
            {"name": field.name, "value": field.value, "meaning": field.meaning}
            for field in section.fields
        ]
        for section in sections
    }


def render(sections: tuple[Section, ...]) -> str:
    """Return the decoded fields as aligned text."""
    return "\n\n".join("\n".join(_lines(section)) for section in sections)


def _lines(section: Section) -> Iterator[str]:
    """Write one section: a field a line, its meaning behind it or below."""
    yield section.name
    width = max((len(field.name) for field in section.fields), default=0)
    for field in section.fields:
        value = field.value if len(field.value) <= _LONGEST_HEX else _wrapped(field.value, width)
        meaning = f"  ({field.meaning})" if field.meaning else ""
        yield f"  {field.name:{width}}  {value}{meaning}"


def _wrapped(value: str, width: int) -> str:
    """Break a long value into lines under its beginning."""
    pieces = [value[i : i + _LONGEST_HEX] for i in range(0, len(value), _LONGEST_HEX)]
    return f"\n{' ' * (width + 4)}".join(pieces)


def _response(evidence: Evidence) -> Iterator[Field]:
    payload_id = evidence.payload_id
    yield Field("payload_id", shown(str(payload_id)), "stamped by the client that saved it")
    if type(payload_id) is str and payload_id:
        nonce = crypto.payload_nonce(payload_id.encode())
        yield Field("expected nonce", nonce.hex(), "SHA-256(payload_id), first 16 octets")
    yield Field("security_tier", shown(str(evidence.tier)), "as the server claims")
    yield Field("processed_at", str(evidence.processed_at), _claimed(evidence.claimed_at))
    yield Field("TPM evidence", "present" if evidence.present else "absent")
    yield Field("pcr_banks", shown(str(evidence.pcr_banks)), "as the server claims, unsigned")


def _claimed(moment: datetime | None) -> str:
    """Write a claimed time of the server."""
    return "no time" if moment is None else f"{moment.isoformat()}, as the server claims"


def _attest(attest: TpmsAttest, public: TpmtPublic | None, owner: str = "AIK") -> Iterator[Field]:
    """Decode TPMS_ATTEST."""
    generated = attest.magic == TPM_GENERATED_VALUE
    meaning = "TPM_GENERATED: said to be made by a TPM" if generated else "NOT TPM_GENERATED"
    yield Field("magic", f"0x{attest.magic:08x}", meaning)
    kinds = {int(kind): f"TPM_ST_ATTEST_{kind.name}" for kind in AttestType}
    yield Field("type", f"0x{attest.type:04x}", kinds.get(attest.type, "unknown"))
    yield Field("qualifiedSigner", attest.qualified_signer.hex(), _signer(attest, public, owner))
    yield Field("extraData", attest.extra_data.hex(), f"nonce, {len(attest.extra_data)} octets")
    clock = attest.clock_info
    days = clock.clock / _MILLISECONDS_A_DAY
    yield Field("clock", str(clock.clock), f"milliseconds powered, {days:.1f} days")
    yield Field(
        "resetCount",
        str(clock.reset_count),
        "TPM resets; obfuscated outside endorsement and platform",
    )
    yield Field("restartCount", str(clock.restart_count), "restarts and resumes since the reset")
    safe = "clock never reported later" if clock.safe else "a later clock may have been reported"
    yield Field("safe", str(int(clock.safe)), safe)
    yield Field(
        "firmwareVersion", f"0x{attest.firmware_version:016x}", "the vendor's own numbering"
    )
    if isinstance(attest.attested, TpmsQuoteInfo):
        for selection in attest.attested.pcr_select:
            indices = ",".join(map(str, selection.indices)) or "none"
            yield Field(f"pcrSelect {alg_name(selection.hash)}", indices, "signed selection")
        yield Field("pcrDigest", attest.attested.pcr_digest.hex(), "over the selected PCRs")
    elif isinstance(attest.attested, TpmsCertifyInfo):
        yield Field("certified name", attest.attested.name.hex())
        yield Field("certified qualifiedName", attest.attested.qualified_name.hex())
    else:
        yield Field("attested", attest.attested.hex(), "body of another type, not decoded")


def _signer(attest: TpmsAttest, public: TpmtPublic | None, owner: str) -> str:
    """Say whose qualified Name signed."""
    if public is None:
        return "qualified Name of the signing key"
    hierarchy = primary_of(public, crypto.compute_name(public), attest)
    if hierarchy is None:
        return f"not this {owner} as a primary: under another parent, or another key"
    return f"this {owner}, as a primary of {hierarchy}"


def _endorsement(endorsement: Endorsement) -> Iterator[Section]:
    """Decode what ties the AIK to a TPM; certificates by their digests."""
    if endorsement.certify is not None:
        fields = _attest(endorsement.certify, endorsement.ak_public, "AK")
        yield Section("certify", tuple(fields))
    if endorsement.signature is not None:
        yield Section("certify signature", tuple(_signature(endorsement.signature)))
    if endorsement.ak_public is not None:
        yield Section("ak", tuple(_public(endorsement.ak_public, endorsement.ak_key)))
    chains = (
        ("aik certificates", endorsement.aik_chain),
        ("ak certificates", endorsement.ak_chain),
    )
    for name, chain in chains:
        if chain:
            yield Section(name, tuple(_certificate(*one) for one in enumerate(chain)))


def _certificate(position: int, octets: bytes) -> Field:
    meaning = f"SHA-256, {len(octets)} octets" + ("" if position else ", the leaf")
    return Field(str(position), hashlib.sha256(octets).hexdigest(), meaning)


def _signature(signature: TpmtSignature) -> Iterator[Field]:
    """Decode TPMT_SIGNATURE."""
    yield Field("sigAlg", alg_name(signature.scheme))
    yield Field("hash", alg_name(signature.hash) if signature.hash is not None else "not read")
    if signature.rsa:
        yield Field("sig", signature.rsa.hex(), f"{len(signature.rsa)} octets")
    if signature.r or signature.s:
        yield Field("signatureR", signature.r.hex())
        yield Field("signatureS", signature.s.hex())


def _public(public: TpmtPublic, key: crypto.VerifyingKey | None) -> Iterator[Field]:
    """Decode TPMT_PUBLIC."""
    yield Field(
        "name", crypto.compute_name(public).hex(), "identifies the key, attributes included"
    )
    if key is not None:
        yield Field(
            "SPKI SHA-256", crypto.spki_sha256(key).hex(), "identifies the public key alone"
        )
    yield Field("nameAlg", alg_name(public.name_alg))
    names = [bit.name or "" for bit in Attributes if public.attributes & bit]
    reserved = public.attributes & RESERVED_ATTRIBUTES
    strange = [f"RESERVED 0x{reserved:08x}"] if reserved else []
    attributes = ", ".join([name.lower() for name in names] + strange)
    yield Field("objectAttributes", f"0x{public.attributes:08x}", attributes)
    yield Field("authPolicy", public.auth_policy.hex() or "none")
    digest = public.scheme_hash
    scheme = alg_name(public.scheme) + (f"-{alg_name(digest)}" if digest is not None else "")
    only = public.scheme != Alg.NULL
    meaning = "the only one that the key signs with" if only else "any scheme"
    yield Field("scheme", scheme, meaning)
    if isinstance(public.key, RsaKey):
        yield Field("keyBits", str(public.key.bits), "RSA")
        yield Field("exponent", str(public.key.exponent))
        yield Field("modulus", f"{public.key.modulus:0{2 * public.key.size}x}")
    else:
        curves = {int(curve): curve.name.lower().replace("_", "-") for curve in Curve}
        curve = public.key.curve
        yield Field("curveID", f"0x{curve:04x}", curves.get(curve, "unknown"))
        yield Field("x", public.key.x.hex())
        yield Field("y", public.key.y.hex())


def _pcr(index: int, value: bytes) -> Field:
    """Decode one reported PCR."""
    if not value:
        return Field(str(index), "unreadable")
    known = len(value) in HASH_SIZES.values()
    initial = "initial: nothing was measured" if known and is_initial(index, value) else ""
    return Field(str(index), value.hex(), initial)
