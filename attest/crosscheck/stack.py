"""What libtss2 reads in the octets of TPM structures, through tpm2-pytss, imported lazily."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from attest.crosscheck.reading import (
    ATTEST,
    CERTIFY,
    ECC,
    ECDSA,
    HASHED,
    PUBLIC,
    QUOTE,
    RSA,
    RSA_SCHEMES,
    SIGNATURE,
    Fields,
)

_LOG = "TSS2_LOG"
_SILENT = "all+none"
"""libtss2 logs each refusal to standard error, unless it is told not to."""
_MAGIC = b"\xffTCG"
_PCRS = 32


class Reading(Struct, frozen=True):
    """What libtss2 makes of octets.

    Attributes:
        fields: What stands there; empty where it refuses.
        fault: Why it refuses, or None.
        left: Octets that it leaves over.
    """

    fields: Fields
    fault: str | None = None
    left: int = 0


def load() -> Any:
    """Import tpm2-pytss.

    Raises:
        ImportError: It is not installed, or cannot load the system's libtss2.
    """
    os.environ.setdefault(_LOG, _SILENT)
    import tpm2_pytss  # noqa: PLC0415 - an extra, and heavy

    return tpm2_pytss


def read(kind: str, octets: bytes) -> Reading:
    """Read a structure.

    Args:
        kind: ``ATTEST``, ``SIGNATURE`` or ``PUBLIC``.
        octets: What its member carries.
    """
    stack = load()
    try:
        return _READERS[kind](stack, octets)
    except stack.TSS2_Exception as error:
        return Reading({}, fault=" ".join(str(error).split()))


def _read_attest(stack: Any, octets: bytes) -> Reading:
    """Read TPMS_ATTEST, without the size of a TPM2B_ATTEST: the wire allows both.

    From release 4.1 on, libtss2 refuses any magic but TPM_GENERATED. That is for ``quote.magic`` to
    say, and so that it reads all the rest, it is given the right one.
    """
    framed = octets[:4] != _MAGIC and int.from_bytes(octets[:2], "big") == len(octets) - 2
    bare = octets[2:] if framed else octets
    magic = bare[: len(_MAGIC)]
    attest, taken = stack.TPMS_ATTEST.unmarshal(_MAGIC[: len(magic)] + bare[len(magic) :])
    clock = attest.clockInfo
    fields = {
        "magic": int.from_bytes(magic, "big"),
        "type": int(attest.type),
        "qualifiedSigner": bytes(attest.qualifiedSigner),
        "extraData": bytes(attest.extraData),
        "clock": clock.clock,
        "resetCount": clock.resetCount,
        "restartCount": clock.restartCount,
        "safe": int(clock.safe),
        "firmwareVersion": attest.firmwareVersion,
    }
    if fields["type"] == QUOTE:
        quote = attest.attested.quote
        fields["pcrSelect"] = tuple(map(_selection, quote.pcrSelect))
        fields["pcrDigest"] = bytes(quote.pcrDigest)
    elif fields["type"] == CERTIFY:
        certify = attest.attested.certify
        fields["name"] = bytes(certify.name)
        fields["qualifiedName"] = bytes(certify.qualifiedName)
    return Reading(fields, left=len(bare) - taken)


def _selection(one: Any) -> tuple[int, tuple[int, ...]]:
    bits = int.from_bytes(bytes(one.pcrSelect)[: one.sizeofSelect], "little")
    return int(one.hash), tuple(index for index in range(_PCRS) if bits >> index & 1)


def _read_signature(stack: Any, octets: bytes) -> Reading:
    signature, taken = stack.TPMT_SIGNATURE.unmarshal(octets)
    scheme = int(signature.sigAlg)
    fields: dict[str, Any] = {"sigAlg": scheme}
    if scheme in RSA_SCHEMES:
        body = signature.signature.rsassa
        fields |= {"hash": int(body.hash), "sig": bytes(body.sig)}
    elif scheme == ECDSA:
        body = signature.signature.ecdsa
        parts = {"signatureR": bytes(body.signatureR), "signatureS": bytes(body.signatureS)}
        fields |= {"hash": int(body.hash), **parts}
    return Reading(fields, left=len(octets) - taken)


def _read_public(stack: Any, octets: bytes) -> Reading:
    framed, taken = stack.TPM2B_PUBLIC.unmarshal(octets)
    area = framed.publicArea
    kind = int(area.type)
    fields: dict[str, Any] = {
        "type": kind,
        "nameAlg": int(area.nameAlg),
        "objectAttributes": int(area.objectAttributes),
        "authPolicy": bytes(area.authPolicy),
        "name": _name(area),
    }
    if kind == RSA:
        details = area.parameters.rsaDetail
        modulus = bytes(area.unique.rsa)
        fields |= {
            "keyBits": details.keyBits,
            "exponent": details.exponent or 65537,  # Part 2, 12.2.3.5: what 0 stands for
            "modulus": int.from_bytes(modulus, "big"),
            "size": len(modulus),
        }
    elif kind == ECC:
        details, point = area.parameters.eccDetail, area.unique.ecc
        fields |= {"curveID": int(details.curveID), "x": bytes(point.x), "y": bytes(point.y)}
    else:
        return Reading(fields, left=len(octets) - taken)
    scheme = int(details.scheme.scheme)
    fields["scheme"] = scheme
    fields["hashAlg"] = int(details.scheme.details.anySig.hashAlg) if scheme in HASHED else None
    return Reading(fields, left=len(octets) - taken)


def _name(area: Any) -> bytes | None:
    """Return the Name as tpm2-pytss computes it; None where it knows no such nameAlg."""
    try:
        return bytes(area.get_name())
    except ValueError:
        return None


_READERS: dict[str, Callable[[Any, bytes], Reading]] = {
    ATTEST: _read_attest,
    SIGNATURE: _read_signature,
    PUBLIC: _read_public,
}
