"""``quote.digest``: the reported PCR values are the ones that the quote was made over."""

from __future__ import annotations

from collections.abc import Mapping

from attest import crypto
from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.attestation import TpmsQuoteInfo
from attest.tpm.constants import HASH_SIZES, alg_name
from attest.tpm.pcr import TpmsPcrSelection

ID = "quote.digest"
_NOTHING: Mapping[int, bytes] = {}
_EQUAL = passed(ID, "pcrDigest is the digest of the reported values")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Digest the values in the order of the selection, with the hash of the signing scheme."""
    if evidence.attest is None:
        return skipped(ID, "the quote could not be read")
    info = evidence.attest.attested
    if not isinstance(info, TpmsQuoteInfo):
        return skipped(ID, "the signed structure is no quote")
    if context.quoted is None:
        return skipped(ID, "the PCR values could not be read")
    scheme_hash = _scheme_hash(evidence)
    if scheme_hash not in HASH_SIZES:
        return skipped(ID, "the hash of the signing scheme is unknown")
    values: list[bytes] = []
    for selection in info.pcr_select:
        bank = context.quoted.get(selection.hash, _NOTHING)
        if len(bank) < len(selection.indices) or b"" in bank.values():
            return failed(ID, f"there is no readable value of {_missing(selection, bank)}")
        values += bank.values()
    seen, wanted = info.pcr_digest, crypto.digest(scheme_hash, b"".join(values))
    if seen != wanted:
        reported = f"the reported values have {alg_name(scheme_hash)} {wanted.hex()}"
        return failed(ID, f"pcrDigest is {seen.hex() or 'empty'}, {reported}")
    return _EQUAL


def _scheme_hash(evidence: Evidence) -> int:
    """Return the hash of the signature, or of the key's own scheme without one; 0 is no hash."""
    signature, public = evidence.signature, evidence.public
    if signature is not None and signature.hash is not None:
        return signature.hash
    return (public.scheme_hash if public is not None else None) or 0


def _missing(selection: TpmsPcrSelection, bank: Mapping[int, bytes]) -> str:
    """Name the selected PCRs that have no value to digest."""
    missing = [str(index) for index in selection.indices if not bank.get(index)]
    return f"{selection.bank}:{','.join(missing)}"
