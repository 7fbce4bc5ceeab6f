"""Honest endorsements with software keys: an AK that certifies an AIK, chains of certificates.

As in ``tests.build`` every maker tells the truth unless a keyword says otherwise.
"""

from collections.abc import Sequence
from typing import Any, Final, Unpack

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests import build
from tests.aik import Aik, ecc_aik, sized
from tests.certificates import making
from tests.certificates.making import Issued

AK: Final = ecc_aik("nist-p384", "sha384")
"""The long-lived AK of most tests: a primary of the owner hierarchy."""
EXTRA: Final = b"enrolled"
"""Its extraData, which nobody compares."""


def certify(aik: Aik, ak: Aik = AK, **lies: Unpack[build.QuoteLies]) -> bytes:
    """TPMS_ATTEST of type certify: the AK's TPM says that the AIK lives in it."""
    told: build.QuoteLies = {"signer": ak.qualified_name("owner"), "extra_data": EXTRA, **lies}
    return build.attestation("certify", ak, sized(aik.name) + sized(aik.qualified_name()), told)


def certified(aik: Aik, ak: Aik = AK, **members: Any) -> dict[str, Any]:
    """The member ``endorsement``: a certification; keywords replace members, octets or lists.

    ``statement`` is what the AK signs, with its own scheme unless ``signature`` is given.
    """
    statement = members.pop("statement", None) or certify(aik, ak)
    whole = {
        "ak_pubkey_b64": ak.public(),
        "certify_b64": statement,
        "certify_signature_b64": members.pop("signature", None) or ak.sign(statement),
        **members,
    }
    return {name: _text(value) for name, value in whole.items() if value is not None}


def chained(*certificates: Issued | bytes) -> list[str]:
    """A chain, the leaf first."""
    ders = (one.der if isinstance(one, Issued) else one for one in certificates)
    return [build.base64_of(der) for der in ders]


def leaf_of(key: Aik, by: Issued, **lies: Any) -> Issued:
    """An AK certificate of this key."""
    private = key.private
    assert isinstance(private, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey))
    extensions = lies.pop("extensions", None) or making.ak((making.tpm_name(), True))
    return making.issue("host-17", by, extensions, own=private, **lies)


def _text(value: bytes | Sequence[str]) -> object:
    return build.base64_of(value) if isinstance(value, bytes) else value
