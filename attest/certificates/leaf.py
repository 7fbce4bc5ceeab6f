"""What a leaf must be: the certificate of an attestation key, or of an endorsement key."""

from __future__ import annotations

from attest.certificates.certificate import Certificate
from attest.certificates.model import ChainError, ChainFault, Purpose
from attest.text import shown

AIK_USAGE = "2.23.133.8.3"
"""tcg-kp-AIKCertificate (TCG OID registry)."""
EK_USAGE = "2.23.133.8.1"
"""tcg-kp-EKCertificate (TCG OID registry)."""

_SIGNS = "digital_signature"
_SIGNS_CERTIFICATES = "key_cert_sign"
_TAKES_SECRETS = frozenset({"key_encipherment", "key_agreement"})


def check_leaf(leaf: Certificate, purpose: Purpose) -> None:
    """Refuse a leaf that is no certificate of an AK or an EK.

    Raises:
        ChainError: CA_AS_LEAF, WRONG_USAGE, NOT_AN_EK or WEAK.
    """
    _refuse_ca(leaf)
    if purpose is Purpose.AK:
        _check_ak(leaf)
    else:
        _check_ek(leaf)
    if leaf.key.weakness is not None:
        raise ChainError(leaf.place, ChainFault.WEAK, f"its key {leaf.key.weakness}")


def required_usage(leaf: Certificate) -> str | None:
    """Return the extended key usage by which a checked leaf stands; None where it has none."""
    if not leaf.usages:
        return None
    return AIK_USAGE if AIK_USAGE in leaf.usages else EK_USAGE


def _refuse_ca(leaf: Certificate) -> None:
    """Refuse CAs: those that issue EK certificates bear the usage of EKs themselves."""
    if leaf.ca is None:
        fault = "has no basicConstraints: a leaf must say that it is no CA"
        raise ChainError(leaf.place, ChainFault.CA_AS_LEAF, fault)
    if leaf.ca or _SIGNS_CERTIFICATES in (leaf.key_usage or ()):
        raise ChainError(leaf.place, ChainFault.CA_AS_LEAF, "is a CA certificate, expected a leaf")


def _check_ak(leaf: Certificate) -> None:
    """Want a key that signs, certified as an AK.

    Google certifies AKs under the usage of EKs, and later under none; what tells them from its EKs
    is digitalSignature, and what tells that they are a vTPM's is the extension.
    """
    signs = _SIGNS in (leaf.key_usage or ())
    if leaf.usages is None:
        accepted = signs and leaf.gce is not None
    elif AIK_USAGE in leaf.usages:
        accepted = signs or leaf.key_usage is None
    else:
        accepted = signs and EK_USAGE in leaf.usages
    if not accepted:
        wanted = f"{AIK_USAGE} (AIK), or {EK_USAGE} (EK) with digitalSignature"
        raise ChainError(leaf.place, ChainFault.WRONG_USAGE, f"{_told(leaf)}; expected {wanted}")


def _check_ek(leaf: Certificate) -> None:
    """Want a key that takes secrets, certified as an EK (TCG EK Credential Profile, 3.2)."""
    takes_secrets = bool(_TAKES_SECRETS & (leaf.key_usage or frozenset()))
    by_google = leaf.usages is None and leaf.gce is not None
    if not takes_secrets or not (by_google or EK_USAGE in (leaf.usages or ())):
        wanted = f"{EK_USAGE} (EK) with keyEncipherment or keyAgreement"
        raise ChainError(leaf.place, ChainFault.WRONG_USAGE, f"{_told(leaf)}; expected {wanted}")
    if leaf.tpm is None and not by_google:
        fault = "subjectAltName does not name the TPM's manufacturer, model and version"
        raise ChainError(leaf.place, ChainFault.NOT_AN_EK, fault)


def _told(leaf: Certificate) -> str:
    """Write the usages of a leaf for a reason."""
    usages = "none" if leaf.usages is None else " ".join(leaf.usages)
    keys = "none" if leaf.key_usage is None else " ".join(sorted(leaf.key_usage))
    return f"extended key usage {shown(usages)}, key usage {shown(keys)}"
