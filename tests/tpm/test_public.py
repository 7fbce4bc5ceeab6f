"""TPM2B_PUBLIC: every field of RSA and ECC keys, every bound, every place of a fault."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from attest.tpm.constants import Alg
from attest.tpm.public import (
    EccKey,
    RsaKey,
    parse_public,
    public_field_by_field,
    rsa_key_at_a_glance,
)
from tests.aik import ALG, ATTRIBUTES, CURVE, Aik, Claims, ecc_aik, rsa_aik, sized
from tests.faults import accepted_of, differing, fault_of, one_octet_changed, truncations
from tests.recorded import GCE, REAL, structures_of

RSA, ECC = rsa_aik(), ecc_aik()
HASHES = {
    "sha1": 20,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3_256": 32,
    "sha3_384": 48,
    "sha3_512": 64,
}
RSA_FIELDS = (
    (0, 8, "type"),
    (8, 2, "authPolicy.size"),
    (10, 4, "symmetric"),
    (14, 2, "scheme.hashAlg"),
    (16, 6, "parameters"),
    (22, 2, "unique.size"),
    (24, 256, "unique"),
)
ECC_FIELDS = (
    *RSA_FIELDS[:4],
    (16, 2, "curveID"),
    (18, 2, "kdf"),
    (20, 2, "unique.x.size"),
    (22, 32, "unique.x"),
    (54, 2, "unique.y.size"),
    (56, 32, "unique.y"),
)
"""Where each field begins in a public area, how many octets it takes, what faults call it."""


def rsa_key(octets: bytes) -> RsaKey:
    """Parse, and return the RSA key."""
    key = parse_public(octets).key
    assert isinstance(key, RsaKey)
    return key


def ecc_key(octets: bytes) -> EccKey:
    """Parse, and return the ECC key."""
    key = parse_public(octets).key
    assert isinstance(key, EccKey)
    return key


@pytest.mark.parametrize("bank", ["sha1", "sha256", "sha384"])
def test_key_of_a_cloud_tpm_is_read_whole(bank: str) -> None:
    octets = structures_of(GCE + bank).public

    public = parse_public(octets)

    assert (public.name_alg, public.attributes) == (0x000B, 0x00050072)
    assert (public.scheme, public.scheme_hash) == (0x0014, 0x000B)
    assert (public.auth_policy, public.octets) == (b"", octets[2:])
    assert public.key == RsaKey(2048, 65537, int.from_bytes(octets[-256:]), 256)
    assert octets[-256:-248].hex() == "cbad6f089c698224"


def test_rsa_key_is_read_whole() -> None:
    public = parse_public(RSA.public(auth_policy=bytes(range(32))))

    numbers = RSA.private.public_key().public_numbers()
    assert isinstance(numbers, RSAPublicNumbers)
    assert (public.name_alg, public.attributes) == (Alg.SHA256, ATTRIBUTES)
    assert public.auth_policy == bytes(range(32))
    assert (public.scheme, public.scheme_hash) == (Alg.RSASSA, Alg.SHA256)
    assert public.key == RsaKey(2048, 65537, numbers.n, 256)


@pytest.mark.parametrize(
    ("curve", "width"), [("nist-p256", 32), ("nist-p384", 48), ("nist-p521", 66)]
)
def test_ecc_key_is_read_whole(curve: str, width: int) -> None:
    octets = ecc_aik(curve).public()

    public = parse_public(octets)

    x, y = octets[-2 * width - 2 : -width - 2], octets[-width:]
    assert (public.scheme, public.scheme_hash) == (Alg.ECDSA, Alg.SHA256)
    assert public.key == EccKey(CURVE[curve], x, y)
    assert public.octets == octets[2:]


@pytest.mark.parametrize("curve", [0x0000, 0x0001, 0x0010, 0x0020, 0x0099, 0xFFFF])
def test_unknown_curve_is_read(curve: int) -> None:
    assert ecc_key(ECC.public(curve=curve)).curve == curve


@pytest.mark.parametrize(
    ("said", "read"), [(0, 65537), (1, 1), (3, 3), (65537, 65537), (0xFFFFFFFF, 0xFFFFFFFF)]
)
def test_exponent_0_stands_for_65537_and_no_other_does(said: int, read: int) -> None:
    assert rsa_key(RSA.public(exponent=said)).exponent == read


@pytest.mark.parametrize("bits", [0, 1024, 2048, 65535])
def test_key_bits_are_read_as_they_stand(bits: int) -> None:
    assert rsa_key(RSA.public(key_bits=bits)).bits == bits


@pytest.mark.parametrize("bit", range(32))
def test_every_attribute_bit_is_read(bit: int) -> None:
    assert parse_public(RSA.public(attributes=1 << bit)).attributes == 1 << bit


@pytest.mark.parametrize(("name", "size"), HASHES.items())
def test_name_alg_and_policy_are_read_for_every_hash(name: str, size: int) -> None:
    public = parse_public(RSA.public(name_alg=name, auth_policy=bytes(size), scheme_hash=name))

    assert (public.name_alg, public.scheme_hash) == (ALG[name], ALG[name])
    assert public.auth_policy == bytes(size)


@pytest.mark.parametrize(("name", "size"), HASHES.items())
@pytest.mark.parametrize("off", [-1, 1])
def test_policy_of_another_size_than_its_hash_is_refused(name: str, size: int, off: int) -> None:
    octets = RSA.public(name_alg=name, auth_policy=bytes(size + off))

    assert fault_of(parse_public, octets) == (
        "TPMT_PUBLIC.authPolicy.size at octet 8: 65 exceeds 64"
        if size + off > 64
        else f"TPMT_PUBLIC.authPolicy at octet 10: {size + off} octets are no {name} digest"
    )


@pytest.mark.parametrize(
    ("scheme", "number"),
    [
        ("rsassa", 0x0014),
        ("rsapss", 0x0016),
        (0x0017, 0x0017),
        ("ecdsa", 0x0018),
        (0x0019, 0x0019),
        ("ecdaa", 0x001A),
        ("sm2", 0x001B),
        ("ecschnorr", 0x001C),
        (0x001D, 0x001D),
    ],
)
@pytest.mark.parametrize("aik", [RSA, ECC], ids=["rsa", "ecc"])
def test_scheme_is_read_with_its_hash(aik: Aik, scheme: str | int, number: int) -> None:
    public = parse_public(aik.public(scheme=scheme, scheme_hash="sha384"))

    assert (public.scheme, public.scheme_hash) == (number, Alg.SHA384)


def test_scheme_hash_is_read_known_or_not() -> None:
    assert parse_public(RSA.public(scheme_hash=0x0099)).scheme_hash == 0x0099


def test_null_scheme_has_no_hash() -> None:
    public = parse_public(RSA.public(scheme="null"))

    assert (public.scheme, public.scheme_hash) == (Alg.NULL, None)


def test_encryption_scheme_without_hash_is_read() -> None:
    octets = RSA.public(scheme="null").replace(b"\0\x10\0\x10\x08\0", b"\0\x10\0\x15\x08\0", 1)

    public = parse_public(octets)

    assert (public.scheme, public.scheme_hash) == (Alg.RSAES, None)


@pytest.mark.parametrize("length", [0, 1, 511, 512])
def test_modulus_has_up_to_512_octets(length: int) -> None:
    key = rsa_key(RSA.public(modulus=b"m" * length))

    assert (key.modulus, key.size) == (int.from_bytes(b"m" * length), length)


def test_octets_of_a_modulus_count_with_its_leading_zeros() -> None:
    key = rsa_key(RSA.public(modulus=b"\0\0\x01\x02"))

    assert (key.modulus, key.size) == (0x0102, 4)


@pytest.mark.parametrize("length", [0, 1, 127, 128])
def test_coordinates_have_up_to_128_octets(length: int) -> None:
    key = ecc_key(ECC.public(x=b"x" * length, y=b"y" * length))

    assert (key.x, key.y) == (b"x" * length, b"y" * length)


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ({"type": "keyedhash"}, "type at octet 0: keyedhash is neither rsa nor ecc"),
        ({"type": 0x0025}, "type at octet 0: symcipher is neither rsa nor ecc"),
        ({"type": 0x0099}, "type at octet 0: 0x0099 is neither rsa nor ecc"),
        ({"type": 0}, "type at octet 0: 0x0000 is neither rsa nor ecc"),
        ({"name_alg": "null"}, "nameAlg at octet 2: null is not a known hash"),
        ({"name_alg": "sm3_256"}, "nameAlg at octet 2: sm3_256 is not a known hash"),
        ({"name_alg": 0x0099}, "nameAlg at octet 2: 0x0099 is not a known hash"),
        (
            {"type": 0x0099, "auth_policy": bytes(32)},
            "type at octet 0: 0x0099 is neither rsa nor ecc",
        ),
        (
            {"name_alg": 0x0099, "auth_policy": bytes(32)},
            "nameAlg at octet 2: 0x0099 is not a known hash",
        ),
        ({"auth_policy": b"p"}, "authPolicy at octet 10: 1 octets are no sha256 digest"),
        ({"auth_policy": bytes(20)}, "authPolicy at octet 10: 20 octets are no sha256 digest"),
        ({"auth_policy": bytes(65)}, "authPolicy.size at octet 8: 65 exceeds 64"),
        ({"symmetric": b"\0\6\0\x80\0\x43"}, "symmetric at octet 10: 0x0006 is not null"),
        ({"symmetric": b"\0\x0b"}, "symmetric at octet 10: sha256 is not null"),
        ({"scheme": "sha256"}, "scheme at octet 12: sha256 is no asymmetric scheme"),
        ({"scheme": 0x0005}, "scheme at octet 12: hmac is no asymmetric scheme"),
        ({"scheme": 0x0099}, "scheme at octet 12: 0x0099 is no asymmetric scheme"),
        ({"modulus": bytes(513)}, "unique.size at octet 22: 513 exceeds 512"),
        ({"type": "ecdsa"}, "type at octet 0: ecdsa is neither rsa nor ecc"),
    ],
)
def test_rsa_fault_is_refused_at_its_place(lies: Claims, fault: str) -> None:
    assert fault_of(parse_public, RSA.public(**lies)) == f"TPMT_PUBLIC.{fault}"


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ({"kdf": b"\0\x20\0\x0b"}, "kdf at octet 18: 0x0020 is not null"),
        ({"kdf": b"\0\x0b"}, "kdf at octet 18: sha256 is not null"),
        ({"x": bytes(129)}, "unique.x.size at octet 20: 129 exceeds 128"),
        ({"y": bytes(129)}, "unique.y.size at octet 54: 129 exceeds 128"),
    ],
)
def test_ecc_fault_is_refused_at_its_place(lies: Claims, fault: str) -> None:
    assert fault_of(parse_public, ECC.public(**lies)) == f"TPMT_PUBLIC.{fault}"


def test_octets_inside_the_frame_that_are_left_over_are_refused() -> None:
    assert [fault_of(parse_public, sized(aik.public()[2:] + b"xy")) for aik in (RSA, ECC)] == [
        f"TPMT_PUBLIC.end at octet {end}: 2 trailing octets" for end in (280, 88)
    ]


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"", "2 octets wanted, 0 left"),
        (b"\1", "2 octets wanted, 1 left"),
        (RSA.public()[:-1], "280 announced, 279 follow"),
        (RSA.public() + b"x", "280 announced, 281 follow"),
        (RSA.public(size=279), "279 announced, 280 follow"),
        (RSA.public(size=281), "281 announced, 280 follow"),
        (RSA.public()[2:], "1 announced, 278 follow"),
        (ECC.public()[2:], "35 announced, 86 follow"),
    ],
)
def test_frame_must_fit(octets: bytes, fault: str) -> None:
    assert fault_of(parse_public, octets) == f"TPM2B_PUBLIC.size at octet 0: {fault}"


@pytest.mark.parametrize(
    ("area", "fields"),
    [(RSA.public()[2:], RSA_FIELDS), (ECC.public()[2:], ECC_FIELDS)],
    ids=["rsa", "ecc"],
)
def test_cut_area_is_refused_in_the_field_that_is_short(
    area: bytes, fields: tuple[tuple[int, int, str], ...]
) -> None:
    seen = [fault_of(parse_public, sized(cut)) for cut in truncations(area)]

    assert seen == [
        f"TPMT_PUBLIC.{field} at octet {start}: {wanted} octets wanted, {length} left"
        for start, wanted, field in fields
        for length in range(wanted)
    ]


@pytest.mark.parametrize(("field", "start"), [("hashAlg", 14), ("count", 16)])
@pytest.mark.parametrize("left", [0, 1])
def test_cut_scheme_of_ecdaa_is_refused(field: str, start: int, left: int) -> None:
    area = ECC.public(scheme="ecdaa")[2:]

    assert fault_of(parse_public, sized(area[: start + left])) == (
        f"TPMT_PUBLIC.scheme.{field} at octet {start}: 2 octets wanted, {left} left"
    )


@pytest.mark.parametrize("case", REAL)
def test_every_truncation_of_a_real_key_is_refused(case: str) -> None:
    octets = structures_of(case).public

    assert accepted_of(parse_public, truncations(octets)) == []
    assert accepted_of(parse_public, map(sized, truncations(octets[2:]))) == []


@pytest.mark.parametrize("exponent", [0, 3, 65537])
@pytest.mark.parametrize("scheme", [0x0014, 0x0016, 0x0017, 0x0018, 0x001B, 0x001C, 0x0019, 0x001D])
@pytest.mark.parametrize(("name", "size"), HASHES.items())
def test_rsa_key_is_read_at_a_glance_as_field_by_field(
    name: str, size: int, scheme: int, exponent: int
) -> None:
    for policy in (b"", bytes(range(size))):
        octets = RSA.public(name_alg=name, scheme=scheme, exponent=exponent, auth_policy=policy)

        assert rsa_key_at_a_glance(octets) == public_field_by_field(octets)


@pytest.mark.parametrize("length", [0, 1, 511, 512])
def test_modulus_of_up_to_512_octets_is_read_at_a_glance(length: int) -> None:
    octets = RSA.public(modulus=b"\xff" * length)

    assert rsa_key_at_a_glance(octets) == public_field_by_field(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        ECC.public(),
        RSA.public(scheme="null"),
        RSA.public(scheme="ecdaa"),
        RSA.public(scheme=0x0099),
        RSA.public(name_alg="sm3_256"),
        RSA.public(auth_policy=bytes(31)),
        RSA.public(auth_policy=bytes(65)),
        RSA.public(symmetric=b"\0\x06"),
        RSA.public(modulus=bytes(513)),
        RSA.public(trailing=b"x"),
        RSA.public()[:-1],
        RSA.public() + b"x",
        sized(RSA.public()[2:], 281),
    ],
)
def test_glance_leaves_any_other_key(octets: bytes) -> None:
    assert rsa_key_at_a_glance(octets) is None


@pytest.mark.parametrize("policy", [b"", bytes(range(32))])
def test_glance_never_differs_where_an_octet_does(policy: bytes) -> None:
    octets = RSA.public(auth_policy=policy)
    changed = [*truncations(octets), *one_octet_changed(octets, 28 + len(policy)), octets + b"x"]

    assert differing(rsa_key_at_a_glance, public_field_by_field, changed) == []
