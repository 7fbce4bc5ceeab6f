"""``aik.attributes``: the key only ever signs what its TPM made, and never leaves it."""

from __future__ import annotations

from attest.context import Context
from attest.evidence import Evidence
from attest.result import CheckResult, failed, passed, skipped
from attest.tpm.constants import RESERVED_ATTRIBUTES, Attributes

ID = "aik.attributes"
_REQUIRED = {
    "restricted": Attributes.RESTRICTED,
    "sign": Attributes.SIGN,
    "fixedTPM": Attributes.FIXED_TPM,
    "fixedParent": Attributes.FIXED_PARENT,
    "sensitiveDataOrigin": Attributes.SENSITIVE_DATA_ORIGIN,
}
_FORBIDDEN = {
    "decrypt": Attributes.DECRYPT,
    "encryptedDuplication": Attributes.ENCRYPTED_DUPLICATION,
}
_REQUIRED_MASK = sum(_REQUIRED.values())
_FORBIDDEN_MASK = sum(_FORBIDDEN.values()) | RESERVED_ATTRIBUTES
_ATTESTATION_KEY = passed(ID, "restricted signing key, fixed to its TPM and made there")


def judge(evidence: Evidence, context: Context) -> CheckResult:
    """Compare TPMA_OBJECT with what an attestation key has, by masks."""
    if evidence.public is None:
        return skipped(ID, "the AIK could not be read")
    seen = evidence.public.attributes
    if seen & _REQUIRED_MASK != _REQUIRED_MASK or seen & _FORBIDDEN_MASK:
        return failed(ID, f"objectAttributes is 0x{seen:08x}: {_faults(seen)}")
    return _ATTESTATION_KEY


def _faults(seen: int) -> str:
    """Name the attributes that are not as they must be."""
    faults = [f"{name} is clear" for name, bit in _REQUIRED.items() if not seen & bit]
    faults += [f"{name} is set" for name, bit in _FORBIDDEN.items() if seen & bit]
    if seen & RESERVED_ATTRIBUTES:
        faults.append(f"reserved bits 0x{seen & RESERVED_ATTRIBUTES:08x} are set")
    return ", ".join(faults)
