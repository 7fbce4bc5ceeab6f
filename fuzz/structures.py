"""Structures back to octets, written on their own: whatever parses must come back as it was."""

from __future__ import annotations

import struct

from attest.crypto import RsaVerifyingKey, VerifyingKey
from attest.tpm.attestation import TpmsAttest, TpmsCertifyInfo, TpmsQuoteInfo
from attest.tpm.constants import Alg
from attest.tpm.pcr import TpmsPcrSelection
from attest.tpm.public import DEFAULT_EXPONENT, EccKey, TpmtPublic
from attest.tpm.signature import TpmtSignature
from fuzz.properties import require

_NULL = struct.pack(">H", Alg.NULL)
_RSA_PARAMETERS = struct.Struct(">HIH")
"""keyBits, exponent, and the size of the modulus that follows."""


def require_attest(attest: TpmsAttest) -> None:
    """Hold a TPMS_ATTEST to the octets that it says were signed."""
    signed, info, attested = attest.signed, attest.clock_info, attest.attested
    head = (
        struct.pack(">IH", attest.magic, attest.type)
        + _sized(attest.qualified_signer)
        + _sized(attest.extra_data)
        + struct.pack(">QIIB", info.clock, info.reset_count, info.restart_count, info.safe)
        + struct.pack(">Q", attest.firmware_version)
    )
    require(signed.startswith(head), "the header is not what was signed")
    body = signed[len(head) :]
    if isinstance(attested, TpmsQuoteInfo):
        digest = _sized(attested.pcr_digest)
        require(body.endswith(digest), "pcrDigest is not what was signed")
        _require_selection(attested.pcr_select, body[: len(body) - len(digest)])
    elif isinstance(attested, TpmsCertifyInfo):
        require(body == _sized(attested.name) + _sized(attested.qualified_name), "another name")
    else:
        require(body == attested, "another body")


def _require_selection(selections: tuple[TpmsPcrSelection, ...], octets: bytes) -> None:
    """Hold a TPML_PCR_SELECTION to its octets; the size of a bitmap stands only in these."""
    require(octets[:4] == struct.pack(">I", len(selections)), "another number of banks")
    offset = 4
    for selection in selections:
        bank, size = struct.unpack_from(">HB", octets, offset)
        bits = int.from_bytes(octets[offset + 3 : offset + 3 + size], "little")
        require(bank == selection.hash, "another bank")
        require(bits == sum(1 << index for index in selection.indices), "other PCRs")
        offset += 3 + size
    require(offset == len(octets), "octets beside the selection")


def require_signature(signature: TpmtSignature, octets: bytes) -> None:
    """Hold a TPMT_SIGNATURE to its octets; of a scheme that is not read, to its number."""
    written = struct.pack(">H", signature.scheme)
    if signature.hash is None:
        require(octets.startswith(written), "another scheme")
        return
    written += struct.pack(">H", signature.hash)
    if signature.scheme == Alg.ECDSA:
        written += _sized(signature.r) + _sized(signature.s)
    else:
        written += _sized(signature.rsa)
    require(octets == written, "another signature")


def require_public(public: TpmtPublic) -> None:
    """Hold a TPMT_PUBLIC to its octets; an exponent of 0 stands for 65537."""
    key = public.key
    kind = Alg.ECC if isinstance(key, EccKey) else Alg.RSA
    head = struct.pack(">HHI", kind, public.name_alg, public.attributes)
    head += _sized(public.auth_policy) + _NULL + struct.pack(">H", public.scheme)
    head += b"" if public.scheme_hash is None else struct.pack(">H", public.scheme_hash)
    rest = public.octets[len(head) :]
    require(public.octets.startswith(head), "the header is not that of the area")
    if public.scheme == Alg.ECDAA:
        rest = rest[2:]
    if isinstance(key, EccKey):
        written = struct.pack(">H", key.curve) + _NULL + _sized(key.x) + _sized(key.y)
        require(rest == written, "another point")
        return
    bits, exponent, size = _RSA_PARAMETERS.unpack_from(rest)
    require(key.bits == bits, "another keyBits")
    require(key.exponent == (exponent or DEFAULT_EXPONENT), "another exponent")
    require(size == len(rest) - _RSA_PARAMETERS.size, "octets beside the modulus")


def require_key(public: TpmtPublic, key: VerifyingKey) -> None:
    """Hold a key that was built to the numbers that stand in the area."""
    if isinstance(key, RsaVerifyingKey):
        modulus = key.key.public_numbers().n
        octets = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
        require(public.octets.endswith(octets), "another modulus")
    elif isinstance(public.key, EccKey):
        point = key.key.public_numbers()
        x, y = int.from_bytes(public.key.x, "big"), int.from_bytes(public.key.y, "big")
        require((point.x, point.y) == (x, y), "another point")


def _sized(octets: bytes) -> bytes:
    """Write a TPM2B."""
    return struct.pack(">H", len(octets)) + octets
