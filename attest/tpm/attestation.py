"""TPMS_ATTEST: what a TPM signs when it attests to something."""

from __future__ import annotations

from struct import Struct as Layout
from struct import error as StructError  # noqa: N812 - it is a class

from msgspec import Struct

from attest.tpm.constants import TPM_GENERATED_VALUE, AttestType
from attest.tpm.pcr import (
    MAX_BANKS,
    SELECTION_OCTETS,
    TpmsPcrSelection,
    read_selection,
    selections_of_24,
)
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
_HEADER_END = _HEADER.size
_CLOCK_AND_FIRMWARE = Layout(">QIIBQ")
_CLOCK_TO_COUNT = Layout(">QIIBQI")
_CLOCK_TO_COUNT_OCTETS = _CLOCK_TO_COUNT.size
_SIZE = Layout(">H")


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

    The usual quote is read at a glance, all else field by field.

    Octets that begin with TPM_GENERATED are bare. Others are framed where their size fits or the
    magic follows it; what is neither is read bare, so that a foreign magic is seen as one.

    Raises:
        MalformedError: A size that does not fit, a count out of bounds, an octet too few or many.
    """
    quote = quote_at_a_glance(data)
    if quote is not None:
        return quote
    if data[:4] == _MAGIC_OCTETS:
        return attest_field_by_field(data)
    framed = data[2:6] == _MAGIC_OCTETS or int.from_bytes(data[:2], "big") == len(data) - 2
    return attest_field_by_field(data[unframe("TPM2B_ATTEST", data) :] if framed else data)


def quote_at_a_glance(data: bytes) -> TpmsAttest | None:
    """Read a bare quote over banks of 24 PCRs; None for whatever else, also with a fault.

    Each place follows from the size before it, and the last part must be as long as its size says:
    then no part before it was cut.
    """
    try:
        magic, kind, signer_size = _HEADER.unpack_from(data)
        signer_end = _HEADER_END + signer_size
        (extra_size,) = _SIZE.unpack_from(data, signer_end)
        clock_start = signer_end + 2 + extra_size
        clock, resets, restarts, safe, firmware, count = _CLOCK_TO_COUNT.unpack_from(
            data, clock_start
        )
        if count > MAX_BANKS:
            return None
        select_start = clock_start + _CLOCK_TO_COUNT_OCTETS
        select_end = select_start + count * SELECTION_OCTETS
        (digest_size,) = _SIZE.unpack_from(data, select_end)
    except StructError:
        return None
    if magic != TPM_GENERATED_VALUE or kind != _QUOTE or safe > 1:
        return None
    if signer_size > MAX_NAME or extra_size > MAX_DATA or digest_size > MAX_DIGEST:
        return None
    selection = selections_of_24(data[select_start:select_end])
    if selection is None or select_end + 2 + digest_size != len(data):
        return None
    signer, extra_data = data[_HEADER_END:signer_end], data[signer_end + 2 : clock_start]
    info = TpmsClockInfo(clock, resets, restarts, safe == 1)
    body = TpmsQuoteInfo(selection, data[select_end + 2 :])
    return TpmsAttest(magic, kind, signer, extra_data, info, firmware, body, data)


def attest_field_by_field(data: bytes) -> TpmsAttest:
    """Read a bare TPMS_ATTEST; offsets in errors count from its first octet.

    Raises:
        MalformedError: A size that does not fit, a count out of bounds, an octet too few or many.
    """
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
