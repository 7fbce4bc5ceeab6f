"""Names, keys and nonces: each against a calculation that attest has no part in."""

from __future__ import annotations

import hashlib
import itertools
import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from attest import crypto
from attest.tpm.constants import Handle
from attest.tpm.public import parse_public
from tests.aik import ALG, HIERARCHY, Aik, Claims, ecc_aik, exponent_aik, rsa_aik
from tests.build import PAYLOAD_ID, nonce_of
from tests.faults import fault_of
from tests.recorded import GCE, structures_of

HASHES = ("sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")
CURVES = {"nist-p256": 32, "nist-p384": 48, "nist-p521": 66}
CURVE_TYPES: dict[str, type[ec.EllipticCurve]] = {
    "nist-p256": ec.SECP256R1,
    "nist-p384": ec.SECP384R1,
    "nist-p521": ec.SECP521R1,
}
LIBRARY_NAMES = {"nist-p256": "secp256r1", "nist-p384": "secp384r1", "nist-p521": "secp521r1"}


def built(octets: bytes) -> crypto.VerifyingKey | None:
    """Parse a public area and build its key."""
    return crypto.build_key(parse_public(octets))


@pytest.mark.parametrize("name", HASHES)
def test_digest_is_of_the_algorithm(name: str) -> None:
    assert crypto.digest(ALG[name], b"abc") == hashlib.new(name, b"abc").digest()


@pytest.mark.parametrize("number", [0, 0x0010, 0x0012, 0x0099])
def test_digest_of_an_unknown_algorithm_is_an_error_of_the_caller(number: int) -> None:
    with pytest.raises(KeyError):
        crypto.digest(number, b"abc")


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("aik", [rsa_aik(), ecc_aik()], ids=["rsa", "ecc"])
def test_name_is_name_alg_and_digest_of_the_public_area(aik: Aik, name: str) -> None:
    aik = aik.claiming(name_alg=name)

    assert crypto.compute_name(parse_public(aik.public())) == aik.name


def test_name_of_a_cloud_key_is_known() -> None:
    public = parse_public(structures_of(GCE + "sha256").public)

    assert crypto.compute_name(public).hex() == (
        "000bf175bdb57297b2b289973f819863d6c9d09c236725676914f4248c9a2404c2a4"
    )


@pytest.mark.parametrize("name", HASHES)
def test_qualified_name_is_over_parent_and_name(name: str) -> None:
    aik = rsa_aik().claiming(name_alg=name)
    parent = aik.qualified_name("owner")

    assert crypto.qualified_name(ALG[name], parent, aik.name) == aik.qualified_name(parent)


@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize(("hierarchy", "handle"), HIERARCHY.items())
def test_primary_is_found_under_its_hierarchy(name: str, hierarchy: str, handle: int) -> None:
    aik = rsa_aik().claiming(name_alg=name)

    found = crypto.primary_hierarchy(ALG[name], aik.name, aik.qualified_name(hierarchy))

    assert found is Handle(handle)


@pytest.mark.parametrize(
    "qualified",
    [
        b"",
        rsa_aik().name,
        rsa_aik().qualified_name()[:-1],
        rsa_aik().qualified_name() + b"\0",
        rsa_aik().qualified_name()[2:],
        rsa_aik().qualified_name(rsa_aik().qualified_name()),
        rsa_aik().qualified_name(struct.pack(">I", 0x4000000A)),
        rsa_aik().qualified_name(struct.pack("<I", 0x4000000B)),
        ecc_aik().qualified_name(),
    ],
)
def test_other_qualified_name_is_of_no_primary(qualified: bytes) -> None:
    assert crypto.primary_hierarchy(ALG["sha256"], rsa_aik().name, qualified) is None


@pytest.mark.parametrize(
    ("payload_id", "nonce"),
    [
        (b"", "e3b0c44298fc1c149afbf4c8996fb924"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223"),
        (PAYLOAD_ID.encode(), nonce_of(PAYLOAD_ID).hex()),
    ],
)
def test_nonce_is_the_first_16_octets_of_sha256(payload_id: bytes, nonce: str) -> None:
    assert crypto.payload_nonce(payload_id).hex() == nonce


@pytest.mark.parametrize("bits", [1024, 2048, 3072])
def test_rsa_key_is_built(bits: int) -> None:
    key = built(rsa_aik(bits).public())

    assert isinstance(key, crypto.RsaVerifyingKey)
    assert (key.size, key.bits) == (bits // 8, bits)
    assert crypto.spki_sha256(key) == hashlib.sha256(rsa_aik(bits).spki).digest()


@pytest.mark.parametrize(
    ("curve", "bits"), [("nist-p256", 256), ("nist-p384", 384), ("nist-p521", 521)]
)
def test_ecc_key_is_built(curve: str, bits: int) -> None:
    key = built(ecc_aik(curve).public())

    assert isinstance(key, crypto.EccVerifyingKey)
    assert (key.size, key.bits) == (CURVES[curve], bits)
    assert crypto.spki_sha256(key) == hashlib.sha256(ecc_aik(curve).spki).digest()


def test_key_with_exponent_3_is_built_for_a_check_to_judge() -> None:
    aik = exponent_aik(3)

    key = built(aik.public())

    assert key is not None
    assert crypto.spki_sha256(key) == hashlib.sha256(aik.spki).digest()


@pytest.mark.parametrize(
    "lies",
    [
        {"exponent": 1},
        {"exponent": 2},
        {"exponent": 4},
        {"exponent": 65536},
        {"exponent": 0xFFFFFFFE},
        {"modulus": b"\x03"},
        {"modulus": b"\x01\x00\x01"},
        {"modulus": b"\x01"},
    ],
)
def test_numbers_that_no_rsa_key_has_build_no_key(lies: Claims) -> None:
    assert built(rsa_aik().public(**lies)) is None


@pytest.mark.parametrize("modulus", [b"", b"\0", b"\xff" * 255 + b"\xfe", b"\x80" + bytes(255)])
def test_even_modulus_cannot_be_a_key(modulus: bytes) -> None:
    assert fault_of(built, rsa_aik().public(modulus=modulus)) == (
        "TPMT_PUBLIC.unique: an even modulus is no RSA key"
    )


@pytest.mark.parametrize("curve", [0x0000, 0x0001, 0x0002, 0x0010, 0x0011, 0x0020, 0x0099])
def test_unknown_curve_builds_no_key(curve: int) -> None:
    assert built(ecc_aik().public(curve=curve)) is None


@pytest.mark.parametrize("field", ["x", "y"])
@pytest.mark.parametrize(("curve", "size"), CURVES.items())
@pytest.mark.parametrize("off", ["none", "one more"])
def test_coordinate_has_1_to_field_size_octets(field: str, curve: str, size: int, off: str) -> None:
    part = b"" if off == "none" else bytes(size + 1)
    lies: Claims = {"x": part} if field == "x" else {"y": part}

    assert fault_of(built, ecc_aik(curve).public(**lies)) == (
        f"TPMT_PUBLIC.unique.{field}: {len(part)} octets are no coordinate"
        f" on {LIBRARY_NAMES[curve]}"
    )


@pytest.mark.parametrize(("curve", "size"), CURVES.items())
@pytest.mark.parametrize("lie", ["zero", "ones", "swapped", "x again", "y again"])
def test_point_off_its_curve_cannot_be_a_key(curve: str, size: int, lie: str) -> None:
    octets = ecc_aik(curve).public()
    x, y = octets[-2 * size - 2 : -size - 2], octets[-size:]
    lies: dict[str, Claims] = {
        "zero": {"x": bytes(size), "y": bytes(size)},
        "ones": {"x": b"\xff" * size},
        "swapped": {"x": y, "y": x},
        "x again": {"y": x},
        "y again": {"x": y},
    }

    assert fault_of(built, ecc_aik(curve).public(**lies[lie])) == (
        f"TPMT_PUBLIC.unique: the point does not lie on {LIBRARY_NAMES[curve]}"
    )


def test_point_of_another_curve_of_the_same_size_cannot_be_a_key() -> None:
    private = ec.generate_private_key(ec.SECP256K1())
    octets = Aik(private, "ecdsa").public(curve="nist-p256")

    assert fault_of(built, octets) == "TPMT_PUBLIC.unique: the point does not lie on secp256r1"


@pytest.mark.parametrize(("curve", "size"), CURVES.items())
def test_coordinate_of_one_octet_is_one(curve: str, size: int) -> None:
    x = b"\x0d"
    point = ec.EllipticCurvePublicKey.from_encoded_point(
        CURVE_TYPES[curve](), b"\x02" + x.rjust(size, b"\0")
    )

    key = built(ecc_aik(curve).public(x=x, y=point.public_numbers().y.to_bytes(size)))

    assert isinstance(key, crypto.EccVerifyingKey)
    assert key.key == point


@pytest.mark.parametrize("field", ["x", "y"])
@pytest.mark.parametrize("curve", CURVES)
def test_coordinate_may_lose_its_leading_zeros(curve: str, field: str) -> None:
    size = CURVES[curve]
    aik = next(
        aik
        for scalar in itertools.count(1)
        if not (aik := _derived(curve, scalar)).public()[-(2 * size + 2 if field == "x" else size)]
    )
    octets = aik.public()
    x, y = octets[-2 * size - 2 : -size - 2], octets[-size:]
    lies: Claims = {"x": x.lstrip(b"\0")} if field == "x" else {"y": y.lstrip(b"\0")}

    key = built(aik.public(**lies))

    assert key is not None
    assert crypto.spki_sha256(key) == hashlib.sha256(aik.spki).digest()


def _derived(curve: str, scalar: int) -> Aik:
    return Aik(ec.derive_private_key(scalar, CURVE_TYPES[curve]()), "ecdsa")
