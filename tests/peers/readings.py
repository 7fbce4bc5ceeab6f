"""The same octets read twice: by attest.tpm, and by the TCG stack through tpm2-pytss."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from attest import MalformedError, crypto
from attest.tpm.attestation import TpmsCertifyInfo, TpmsQuoteInfo, parse_attest
from attest.tpm.public import RsaKey, parse_public
from attest.tpm.signature import parse_signature
from tests.peers import needs

os.environ.setdefault("TSS2_LOG", "all+none")  # libtss2 logs each refusal
stack: Final = needs.module("tpm2_pytss.types", "tpm2-pytss")
stack_error: Final = needs.module("tpm2_pytss", "tpm2-pytss").TSS2_Exception

MAGIC: Final = b"\xffTCG"
QUOTE, CERTIFY = 0x8018, 0x8017
RSASSA, RSAPSS, ECDSA = 0x0014, 0x0016, 0x0018
RSA, ECC, NULL = 0x0001, 0x0023, 0x0010
HASHED: Final = frozenset({0x14, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1D})
"""Schemes that carry a hash."""


@dataclass(frozen=True)
class Reading:
    """What a reader makes of octets.

    Attributes:
        fields: What stands there; None where it refuses.
        fault: Why it refuses.
        left: Octets that it leaves to its caller.
    """

    fields: Mapping[str, Any] | None
    fault: str = ""
    left: int = 0


def ours(kind: str, octets: bytes) -> Reading:
    """Read with attest.tpm."""
    try:
        return Reading(_OURS[kind](octets))
    except MalformedError as error:
        return Reading(None, str(error))


def theirs(kind: str, octets: bytes) -> Reading:
    """Read with tpm2-pytss."""
    try:
        return _THEIRS[kind](octets)
    except stack_error as error:
        return Reading(None, str(error))


def unframed(octets: bytes) -> bytes:
    """Leave off the size of a TPM2B_ATTEST: our wire allows both forms, and none marks itself."""
    sized = int.from_bytes(octets[:2], "big") == len(octets) - 2
    if octets[:4] != MAGIC and (sized or octets[2:6] == MAGIC):
        return octets[2:] if sized else b""
    return octets


def _our_quote(octets: bytes) -> dict[str, Any]:
    attest = parse_attest(octets)
    clock, body = attest.clock_info, attest.attested
    attested: object = None
    if isinstance(body, TpmsQuoteInfo):
        selections = tuple((int(one.hash), one.indices) for one in body.pcr_select)
        attested = (selections, body.pcr_digest)
    elif isinstance(body, TpmsCertifyInfo):
        attested = (body.name, body.qualified_name)
    return {
        "magic": attest.magic,
        "type": attest.type,
        "signer": attest.qualified_signer,
        "extra_data": attest.extra_data,
        "clock": (clock.clock, clock.reset_count, clock.restart_count, int(clock.safe)),
        "firmware": attest.firmware_version,
        "attested": attested,
    }


def _their_quote(octets: bytes) -> Reading:
    bare = unframed(octets)
    magic = bare[:4]  # from 4.1 on, libtss2 reads no other than the right one
    attest, taken = stack.TPMS_ATTEST.unmarshal(MAGIC[: len(magic)] + bare[4:])
    clock, kind = attest.clockInfo, int(attest.type)
    attested: object = None
    sizes: tuple[int, ...] = ()
    if kind == QUOTE:
        quote = attest.attested.quote
        sizes = tuple(one.sizeofSelect for one in quote.pcrSelect)
        attested = (tuple(map(_selection, quote.pcrSelect)), bytes(quote.pcrDigest))
    elif kind == CERTIFY:
        certify = attest.attested.certify
        attested = (bytes(certify.name), bytes(certify.qualifiedName))
    counts = (clock.clock, clock.resetCount, clock.restartCount, int(clock.safe))
    fields = {
        "magic": int.from_bytes(magic, "big"),
        "type": kind,
        "signer": bytes(attest.qualifiedSigner),
        "extra_data": bytes(attest.extraData),
        "clock": counts,
        "firmware": attest.firmwareVersion,
        "attested": attested,
        "sizes": sizes,
    }
    return Reading(fields, left=len(bare) - taken)


def _selection(one: Any) -> tuple[int, tuple[int, ...]]:
    bits = int.from_bytes(bytes(one.pcrSelect)[: one.sizeofSelect], "little")
    return int(one.hash), tuple(index for index in range(32) if bits >> index & 1)


def _our_signature(octets: bytes) -> dict[str, Any]:
    signature = parse_signature(octets)
    parts = (signature.rsa,) if signature.scheme in (RSASSA, RSAPSS) else (signature.r, signature.s)
    read = signature.hash is not None
    return {
        "scheme": int(signature.scheme),
        "hash": int(signature.hash) if signature.hash is not None else None,
        "octets": parts if read else (),
    }


def _their_signature(octets: bytes) -> Reading:
    signature, taken = stack.TPMT_SIGNATURE.unmarshal(octets)
    scheme = int(signature.sigAlg)
    hash_alg: int | None = None
    parts: tuple[bytes, ...] = ()
    if scheme in (RSASSA, RSAPSS):
        body = signature.signature.rsassa
        hash_alg, parts = int(body.hash), (bytes(body.sig),)
    elif scheme == ECDSA:
        body = signature.signature.ecdsa
        hash_alg, parts = int(body.hash), (bytes(body.signatureR), bytes(body.signatureS))
    fields = {"scheme": scheme, "hash": hash_alg, "octets": parts}
    return Reading(fields, left=len(octets) - taken)


def _our_public(octets: bytes) -> dict[str, Any]:
    public = parse_public(octets)
    key = public.key
    numbers: tuple[int | bytes, ...]
    if isinstance(key, RsaKey):
        kind, numbers = RSA, (key.bits, key.exponent, key.size, key.modulus)
    else:
        kind, numbers = ECC, (int(key.curve), key.x, key.y)
    return {
        "type": kind,
        "name_alg": int(public.name_alg),
        "attributes": public.attributes,
        "auth_policy": public.auth_policy,
        "scheme": int(public.scheme),
        "scheme_hash": None if public.scheme_hash is None else int(public.scheme_hash),
        "key": numbers,
        "name": crypto.compute_name(public),
    }


def _their_public(octets: bytes) -> Reading:
    size = int.from_bytes(octets[:2], "big")
    area, taken = stack.TPMT_PUBLIC.unmarshal(octets[2:])
    kind, kdf = int(area.type), NULL
    numbers: tuple[int | bytes, ...] = ()
    details: Any = None
    if kind == RSA:
        details = area.parameters.rsaDetail
        exponent = details.exponent or 65537  # Part 2, 12.2.3.5: zero stands for the default
        modulus = bytes(area.unique.rsa)
        size, value = len(modulus), int.from_bytes(modulus, "big")
        numbers = (details.keyBits, exponent, size, value)
    elif kind == ECC:
        details, point = area.parameters.eccDetail, area.unique.ecc
        numbers = (int(details.curveID), bytes(point.x), bytes(point.y))
        kdf = int(details.kdf.scheme)
    scheme = int(details.scheme.scheme) if details is not None else NULL
    hashed = details is not None and scheme in HASHED
    fields = {
        "type": kind,
        "name_alg": int(area.nameAlg),
        "attributes": int(area.objectAttributes),
        "auth_policy": bytes(area.authPolicy),
        "scheme": scheme,
        "scheme_hash": int(details.scheme.details.anySig.hashAlg) if hashed else None,
        "key": numbers,
        "name": _name(area),
        "symmetric": int(details.symmetric.algorithm) if details is not None else NULL,
        "kdf": kdf,
        "frame": size - (len(octets) - 2),
    }
    return Reading(fields, left=len(octets) - 2 - taken)


def _name(area: Any) -> bytes | None:
    """The Name as the peer computes it; None where it knows no such nameAlg."""
    try:
        return bytes(area.get_name())
    except ValueError:
        return None


_OURS: Final[dict[str, Callable[[bytes], dict[str, Any]]]] = {
    "quote": _our_quote,
    "signature": _our_signature,
    "public": _our_public,
}
_THEIRS: Final[dict[str, Callable[[bytes], Reading]]] = {
    "quote": _their_quote,
    "signature": _their_signature,
    "public": _their_public,
}
