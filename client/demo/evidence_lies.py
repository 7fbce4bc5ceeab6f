"""Misbehaviour in the evidence: each function returns the attestation with one lie in it.

What the source itself would never sign is signed by the software signer, whatever the source is.
"""

from __future__ import annotations

from base64 import b64decode, b64encode

from client.demo.evidence import Attestation, EvidenceSource, Simulated

_OTHER_ID = "00000000-0000-4000-8000-000000000000"
_RESETTABLE = (16, 23)
"""PCRs that any program may reset, and then extend to what it likes."""


def wrong_pcr(payload_id: str, _source: EvidenceSource, forger: Simulated) -> Attestation:
    """Quote, rightly signed, a machine whose PCR 7 has a value that is not golden."""
    return forger.signed(forger.quoted(payload_id, pcrs={**forger.pcrs, 7: bytes(32)}))


def wrong_nonce(payload_id: str, _source: EvidenceSource, forger: Simulated) -> Attestation:
    """Sign qualifying data that is no digest of any id."""
    return forger.signed(forger.quoted(payload_id, extra_data=bytes(16)))


def other_payload(_payload_id: str, source: EvidenceSource, _forger: Simulated) -> Attestation:
    """Quote for another payload id."""
    return source.attestation(_OTHER_ID)


def no_tpm(_payload_id: str, _source: EvidenceSource, _forger: Simulated) -> Attestation:
    """Say that there is no TPM, whatever the tier."""
    return {"is_available": False}


def forged_signature(payload_id: str, source: EvidenceSource, _forger: Simulated) -> Attestation:
    """Turn one bit in the last octet of the signature."""
    attestation = source.attestation(payload_id)
    if "signature_b64" not in attestation:
        return attestation
    signature = bytearray(b64decode(attestation["signature_b64"]))
    signature[-1] ^= 1
    return {**attestation, "signature_b64": b64encode(signature).decode("ascii")}


def foreign_key(payload_id: str, source: EvidenceSource, forger: Simulated) -> Attestation:
    """Show another key than the one that signed."""
    other = forger.attestation(payload_id)["aik_pubkey_b64"]
    attestation = source.attestation(payload_id)
    return {**attestation, "aik_pubkey_b64": other} if "quote_b64" in attestation else attestation


def relabelled_pcrs(payload_id: str, _source: EvidenceSource, forger: Simulated) -> Attestation:
    """Quote PCR 16 and 23, which anyone can set, and show them as 0 and 7.

    The digest is right for both readings: values stand in the order of the quoted numbers.
    """
    quoted = sorted((*_RESETTABLE, 10))
    golden = [forger.pcrs[index] for index in sorted(forger.pcrs)]
    signed = forger.quoted(payload_id, pcrs=dict(zip(quoted, golden, strict=True)))
    return forger.signed(signed, shown=forger.pcrs)


def unsafe_clock(payload_id: str, _source: EvidenceSource, forger: Simulated) -> Attestation:
    """Quote with a clock that may have gone back."""
    return forger.signed(forger.quoted(payload_id, safe=False))


def stripped_quote(payload_id: str, source: EvidenceSource, _forger: Simulated) -> Attestation:
    """Leave the quote out and all else in."""
    attestation = source.attestation(payload_id)
    return {name: value for name, value in attestation.items() if name != "quote_b64"}
