"""TPMS_ATTEST: what a TPM signs when it attests to something."""

from __future__ import annotations

from struct import Struct as Layout

from msgspec import Struct

from attest.tpm.constants import TPM_GENERATED_VALUE, AttestType
from attest.tpm.pcr import TpmsPcrSelection, read_selection
from attest.tpm.reader import Reader, unframe

MAX_NAME = 68
"""sizeof(TPMU_NAME): nameAlg and the largest digest, rounded up by the reference code."""

MAX_DATA = 66
"""sizeof(TPMT_HA): the bound of TPM2B_DATA, and so of qualifyingData."""

MAX_DIGEST = 64
"""The largest digest, SHA-512."""

_NAME = "TPMS_ATTEST"
_MAGIC_OCTETS = TPM_GENERATED_VALUE.to_bytes(4, "big")
_QUOTE = AttestType.QUOTE
_HEADER = Layout(">IHH")
_CLOCK_AND_FIRMWARE = Layout(">QIIBQ")


class TpmsClockInfo(Struct, frozen=True, gc=False):
    """TPMS_CLOCK_INFO (TPM 2.0 Library Part 2, 10.11.1).

    Attributes:
        clock: Milliseconds that the TPM has been powered, since it was last cleared.
        reset_count: TPM resets since it was last cleared.
        restart_count: TPM restarts and resumes since the last reset.
        safe: False where a greater clock may have been reported before.
    """

    clock: int
    reset_count: int
    restart_count: int
    safe: bool


class TpmsQuoteInfo(Struct, frozen=True, gc=False):
    """TPMS_QUOTE_INFO (TPM 2.0 Library Part 2, 10.12.4).

    Attributes:
        pcr_select: Selections in the order in which the digest covers them.
        pcr_digest: Digest over the selected PCRs.
    """

    pcr_select: tuple[TpmsPcrSelection, ...]
    pcr_digest: bytes


class TpmsCertifyInfo(Struct, frozen=True, gc=False):
    """TPMS_CERTIFY_INFO (TPM 2.0 Library Part 2, 10.12.3).

    Attributes:
        name: Name of the certified object.
        qualified_name: Qualified Name of the certified object.
    """

    name: bytes
    qualified_name: bytes


class TpmsAttest(Struct, frozen=True, gc=False):
    """TPMS_ATTEST (TPM 2.0 Library Part 2, 10.12.8).

    Attributes:
        magic: TPM_GENERATED_VALUE where a TPM made the structure.
        type: TPM_ST of the body, known or not.
        qualified_signer: Qualified Name of the signing key.
        extra_data: qualifyingData of the caller.
        clock_info: Clock and counters of the TPM.
        firmware_version: Vendor's firmware version, 64 bits.
        attested: The body: parsed for quotes and certifications, octets for other types.
        signed: The octets that the signature covers.
    """

    magic: int
    type: int
    qualified_signer: bytes
    extra_data: bytes
    clock_info: TpmsClockInfo
    firmware_version: int
    attested: TpmsQuoteInfo | TpmsCertifyInfo | bytes
    signed: bytes


def parse_attest(data: bytes) -> TpmsAttest:
    """Parse TPMS_ATTEST, or TPM2B_ATTEST around it; the first octets tell which.

    Octets that begin with TPM_GENERATED are bare. Others are framed where their size fits or the
    magic follows it; what is neither is read bare, so that a foreign magic is seen as one.

    Raises:
        MalformedError: A size that does not fit, a count out of bounds, an octet too few or many.
    """
    if data[:4] == _MAGIC_OCTETS:
        return _parse_bare(data)
    framed = data[2:6] == _MAGIC_OCTETS or int.from_bytes(data[:2], "big") == len(data) - 2
    return _parse_bare(data[unframe("TPM2B_ATTEST", data) :] if framed else data)


def _parse_bare(data: bytes) -> TpmsAttest:
    """Parse TPMS_ATTEST; offsets in errors count from its first octet."""
    reader = Reader(_NAME, data)
    (magic, kind, _), signer = reader.unpack_sized(_HEADER, "magic", "qualifiedSigner", MAX_NAME)
    extra_data = reader.sized("extraData", MAX_DATA)
    clock, resets, restarts, safe, firmware = reader.unpack(_CLOCK_AND_FIRMWARE, "clockInfo")
    if safe > 1:
        reader.fail("clockInfo.safe", f"{safe} is neither 0 nor 1", back=9)
    attested: TpmsQuoteInfo | TpmsCertifyInfo | bytes
    if kind == _QUOTE:
        selection = read_selection(reader)
        attested = TpmsQuoteInfo(selection, reader.sized("pcrDigest", MAX_DIGEST))
    elif kind == AttestType.CERTIFY:
        name = reader.sized("attested.name", MAX_NAME)
        attested = TpmsCertifyInfo(name, reader.sized("attested.qualifiedName", MAX_NAME))
    else:
        attested = reader.rest()
    reader.finish()
    info = TpmsClockInfo(clock, resets, restarts, safe == 1)
    return TpmsAttest(magic, kind, signer, extra_data, info, firmware, attested, data)
