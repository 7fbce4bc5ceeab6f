"""Signatures: every scheme, hash and curve verifies, and nothing beside them does."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from attest import crypto
from attest.tpm.constants import Alg
from attest.tpm.public import parse_public
from attest.tpm.signature import TpmtSignature, parse_signature
from tests.aik import Aik, ecc_aik, rsa_aik
from tests.faults import truncations
from tests.recorded import REAL, structures_of

SIGNED = b"what is signed"
HASHES = ("sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")
CURVES = {"nist-p256": 32, "nist-p384": 48, "nist-p521": 66}
ORDERS = {
    "nist-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "nist-p384": (1 << 384) - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D,
    "nist-p521": (1 << 521) - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
}
"""Orders of the base points (SEC 2, 2.4.2, 2.5.1 and 2.6.1)."""

FORGED = "the signature does not verify with the AIK"
TOO_SMALL = "the AIK is too small for the hash of the signature"
UNKNOWN_HASH = "the hash of the signature is none that can be computed"


def fault(aik: Aik, signature: bytes | TpmtSignature, signed: bytes = SIGNED) -> str | None:
    """Verify with the key that the public area of an AIK tells."""
    key = crypto.build_key(parse_public(aik.public()))
    assert key is not None
    parsed = parse_signature(signature) if isinstance(signature, bytes) else signature
    return crypto.signature_fault(key, parsed, signed)


def ecdsa(aik: Aik) -> tuple[bytes, bytes]:
    """Sign, and return r and s at full width."""
    signature = parse_signature(aik.sign(SIGNED))
    return signature.r, signature.s


def ecdsa_of(r: bytes, s: bytes) -> TpmtSignature:
    """An ECDSA-SHA256 signature of these parts."""
    return TpmtSignature(Alg.ECDSA, Alg.SHA256, r=r, s=s)


@pytest.mark.parametrize("hash_alg", HASHES)
@pytest.mark.parametrize("scheme", ["rsassa", "rsapss"])
@pytest.mark.parametrize("bits", [1043, 2048])
def test_rsa_signature_verifies(bits: int, scheme: str, hash_alg: str) -> None:
    aik = rsa_aik(bits, scheme, hash_alg)

    assert fault(aik, aik.sign(SIGNED)) is None


@pytest.mark.parametrize("hash_alg", HASHES)
@pytest.mark.parametrize("curve", CURVES)
def test_ecdsa_signature_verifies(curve: str, hash_alg: str) -> None:
    aik = ecc_aik(curve, hash_alg)

    assert fault(aik, aik.sign(SIGNED)) is None


@pytest.mark.parametrize("case", REAL)
def test_real_signature_verifies(case: str) -> None:
    real = structures_of(case)
    key = crypto.build_key(parse_public(real.public))
    signed = real.quote if real.quote.startswith(b"\xffTCG") else real.quote[2:]
    assert key is not None

    assert crypto.signature_fault(key, parse_signature(real.signature), signed) is None


@pytest.mark.parametrize("salt", [0, 1, 20, 31, 32, 33, 64, 256 - 32 - 2])
def test_rsapss_verifies_with_any_length_of_salt(salt: int) -> None:
    aik = rsa_aik(scheme="rsapss")

    assert fault(aik, aik.sign(SIGNED, salt=salt)) is None


def test_rsapss_with_another_hash_in_its_mask_is_refused() -> None:
    aik = rsa_aik(scheme="rsapss")
    assert isinstance(aik.private, rsa.RSAPrivateKey)
    mixed = padding.PSS(padding.MGF1(hashes.SHA512()), 32)

    signature = aik.private.sign(SIGNED, mixed, hashes.SHA256())

    assert fault(aik, TpmtSignature(Alg.RSAPSS, Alg.SHA256, rsa=signature)) == FORGED


@pytest.mark.parametrize(
    "aik",
    [rsa_aik(), rsa_aik(scheme="rsapss"), *map(ecc_aik, CURVES)],
    ids=["rsassa", "rsapss", *CURVES],
)
@pytest.mark.parametrize("signed", [b"", b"what is signeD", SIGNED + b"\0", SIGNED[:-1]])
def test_signature_over_other_octets_is_refused(aik: Aik, signed: bytes) -> None:
    assert fault(aik, aik.sign(SIGNED), signed) == FORGED


@pytest.mark.parametrize(
    ("aik", "other"),
    [
        (rsa_aik(), rsa_aik(fresh=True)),
        (rsa_aik(scheme="rsapss"), rsa_aik(scheme="rsapss", fresh=True)),
        (ecc_aik(), ecc_aik(fresh=True)),
    ],
    ids=["rsassa", "rsapss", "ecdsa"],
)
def test_signature_by_another_key_is_refused(aik: Aik, other: Aik) -> None:
    assert fault(aik, other.sign(SIGNED)) == FORGED


@pytest.mark.parametrize("told", ["sha1", "sha384", "sha3_256"])
@pytest.mark.parametrize(
    "aik",
    [rsa_aik(), rsa_aik(scheme="rsapss"), ecc_aik()],
    ids=["rsassa", "rsapss", "ecdsa"],
)
def test_signature_that_names_another_hash_is_refused(aik: Aik, told: str) -> None:
    signature = aik.sign(SIGNED)
    number = parse_signature(aik.sign(SIGNED, hash_alg=told)).hash or 0

    assert fault(aik, signature[:2] + number.to_bytes(2) + signature[4:]) == FORGED


@pytest.mark.parametrize(("scheme", "told"), [("rsassa", 0x0016), ("rsapss", 0x0014)])
def test_signature_that_names_the_other_rsa_scheme_is_refused(scheme: str, told: int) -> None:
    aik = rsa_aik(scheme=scheme)

    assert fault(aik, told.to_bytes(2) + aik.sign(SIGNED)[2:]) == FORGED


@pytest.mark.parametrize("number", [None, 0, 0x0010, 0x0012, 0x0099])
@pytest.mark.parametrize("aik", [rsa_aik(), ecc_aik()], ids=["rsa", "ecc"])
def test_signature_with_an_unknown_hash_is_refused(aik: Aik, number: int | None) -> None:
    signature = parse_signature(aik.sign(SIGNED))
    told = TpmtSignature(signature.scheme, number, signature.rsa, signature.r, signature.s)

    assert fault(aik, told) == UNKNOWN_HASH


@pytest.mark.parametrize("number", [0x0010, 0x001A, 0x001B, 0x001C, 0x0099])
@pytest.mark.parametrize("aik", [rsa_aik(), ecc_aik()], ids=["rsa", "ecc"])
def test_signature_of_an_unsupported_scheme_is_refused(aik: Aik, number: int) -> None:
    assert fault(aik, number.to_bytes(2) + aik.sign(SIGNED)[2:]) == UNKNOWN_HASH


@pytest.mark.parametrize("scheme", [Alg.ECDSA, Alg.ECDAA, Alg.NULL])
def test_rsa_key_verifies_rsa_schemes_only(scheme: int) -> None:
    signature = TpmtSignature(scheme, Alg.SHA256, bytes(256), b"r", b"s")

    assert fault(rsa_aik(), signature) == "the AIK is an RSA key, and this is no RSA signature"


@pytest.mark.parametrize("scheme", [Alg.RSASSA, Alg.RSAPSS, Alg.ECDAA, Alg.SM2, Alg.NULL])
def test_ecc_key_verifies_ecdsa_only(scheme: int) -> None:
    r, s = ecdsa(ecc_aik())

    told = TpmtSignature(scheme, Alg.SHA256, bytes(64), r, s)

    assert fault(ecc_aik(), told) == "the AIK is an ECC key, and this is no ECDSA signature"


@pytest.mark.parametrize("scheme", [Alg.RSASSA, Alg.RSAPSS])
@pytest.mark.parametrize("length", [0, 1, 128, 255, 257, 512])
def test_rsa_signature_is_as_long_as_the_modulus(scheme: int, length: int) -> None:
    assert fault(rsa_aik(), TpmtSignature(scheme, Alg.SHA256, rsa=bytes(length))) == (
        f"{length} octets, the modulus has 256"
    )


@pytest.mark.parametrize("length", [130, 132])
def test_length_of_an_odd_modulus_is_rounded_up(length: int) -> None:
    assert fault(rsa_aik(1043), TpmtSignature(Alg.RSASSA, Alg.SHA256, rsa=bytes(length))) == (
        f"{length} octets, the modulus has 131"
    )


def test_true_rsa_signature_with_a_zero_before_it_is_refused() -> None:
    signature = parse_signature(rsa_aik().sign(SIGNED))

    padded = TpmtSignature(signature.scheme, signature.hash, rsa=b"\0" + signature.rsa)

    assert fault(rsa_aik(), padded) == "257 octets, the modulus has 256"


@pytest.mark.parametrize("octet", [b"\0", b"\1", b"\xff"])
@pytest.mark.parametrize("scheme", [Alg.RSASSA, Alg.RSAPSS])
def test_constant_rsa_signature_is_refused(scheme: int, octet: bytes) -> None:
    assert fault(rsa_aik(), TpmtSignature(scheme, Alg.SHA256, rsa=octet * 256)) == FORGED


@pytest.mark.parametrize("hash_alg", [Alg.SHA256, Alg.SHA512, Alg.SHA3_512])
@pytest.mark.parametrize("octets", [8, 32, 64])
@pytest.mark.parametrize("scheme", [Alg.RSASSA, Alg.RSAPSS])
def test_key_too_small_for_its_hash_verifies_nothing(
    scheme: int, octets: int, hash_alg: int
) -> None:
    public = parse_public(rsa_aik().public(modulus=b"\xff" * octets))
    signature = TpmtSignature(scheme, hash_alg, rsa=b"\1" * octets)

    key = crypto.build_key(public)

    assert key is None or crypto.signature_fault(key, signature, SIGNED) in {FORGED, TOO_SMALL}


@pytest.mark.parametrize(("curve", "size"), CURVES.items())
@pytest.mark.parametrize("field", ["r", "s"])
@pytest.mark.parametrize("count", ["none", "one more", "bound of the parser"])
def test_r_and_s_have_1_to_field_size_octets(curve: str, size: int, field: str, count: str) -> None:
    parts = dict(zip("rs", ecdsa(ecc_aik(curve)), strict=True))
    width = {"none": 0, "one more": size + 1, "bound of the parser": 128}[count]
    parts[field] = parts[field].rjust(width, b"\0") if width else b""

    assert fault(ecc_aik(curve), ecdsa_of(**parts)) == (
        f"{field} has {width} octets, expected 1 to {size}"
    )


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("field", ["r", "s", "both"])
@pytest.mark.parametrize("width", ["one", "full"])
def test_r_and_s_are_not_zero(curve: str, field: str, width: str) -> None:
    r, s = ecdsa(ecc_aik(curve))
    zero = bytes(1 if width == "one" else CURVES[curve])

    told = ecdsa_of(r if field == "s" else zero, s if field == "r" else zero)

    assert fault(ecc_aik(curve), told) == "r or s is zero"


@pytest.mark.parametrize(("curve", "size"), CURVES.items())
@pytest.mark.parametrize("field", ["r", "s"])
@pytest.mark.parametrize("beyond", ["order", "order and one", "all ones"])
def test_r_and_s_stay_below_the_order(curve: str, size: int, field: str, beyond: str) -> None:
    parts = dict(zip("rs", ecdsa(ecc_aik(curve)), strict=True))
    number = {
        "order": ORDERS[curve],
        "order and one": ORDERS[curve] + 1,
        "all ones": (1 << 8 * size) - 1,
    }[beyond]
    parts[field] = number.to_bytes(size)

    assert fault(ecc_aik(curve), ecdsa_of(**parts)) == FORGED


@pytest.mark.parametrize("field", ["r", "s"])
def test_true_part_with_the_order_added_is_refused(field: str) -> None:
    parts = dict(zip("rs", ecdsa(ecc_aik("nist-p521")), strict=True))
    parts[field] = (int.from_bytes(parts[field]) + ORDERS["nist-p521"]).to_bytes(66)

    assert fault(ecc_aik("nist-p521"), ecdsa_of(**parts)) == FORGED


@pytest.mark.parametrize("field", [0, 1])
def test_leading_zeros_may_be_kept_or_stripped(field: int) -> None:
    aik = ecc_aik("nist-p521")
    parts = next(parts for parts in iter(lambda: ecdsa(aik), None) if not parts[field][0])
    r, s = (part.lstrip(b"\0") for part in parts)

    seen = [fault(aik, ecdsa_of(*parts)), fault(aik, ecdsa_of(r, s))]

    assert seen == [None, None]


def test_r_and_s_are_not_exchanged() -> None:
    r, s = ecdsa(ecc_aik())

    assert fault(ecc_aik(), ecdsa_of(s, r)) == FORGED


@pytest.mark.parametrize("field", ["r", "s"])
def test_truncated_part_of_ecdsa_is_refused(field: str) -> None:
    parts = dict(zip("rs", ecdsa(ecc_aik()), strict=True))
    cut = [ecdsa_of(**parts | {field: part}) for part in truncations(parts[field])[1:]]

    assert {fault(ecc_aik(), signature) for signature in cut} <= {FORGED, "r or s is zero"}
