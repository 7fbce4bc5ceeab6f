"""TPM2B_PUBLIC of storage keys: read to the last octet, or refused with the place."""

from typing import Any

import pytest

from attest.errors import MalformedError
from attest.tpm.constants import Alg, Curve
from attest.tpm.public import EccKey, RsaKey
from attest.tpm.storage import parse_storage_public
from tests.enrolment.making import EK_ATTRIBUTES, ek_key, ek_public

P384 = "secp384r1"


def test_rsa_key_is_read() -> None:
    octets = ek_public()
    public = parse_storage_public(octets)
    assert isinstance(public.key, RsaKey)
    assert (public.key.bits, public.key.exponent, public.key.size) == (2048, 65537, 256)
    assert public.key.modulus.to_bytes(256, "big") == octets[-256:]
    assert public.scheme == Alg.NULL
    assert (public.name_alg, public.attributes) == (Alg.SHA256, EK_ATTRIBUTES)
    assert (public.auth_policy, public.octets) == (bytes(32), octets[2:])


def test_ecc_key_is_read() -> None:
    public = parse_storage_public(ek_public(ek_key(P384).public_key()))
    assert isinstance(public.key, EccKey)
    assert (public.key.curve, len(public.key.x), len(public.key.y)) == (Curve.NIST_P384, 48, 48)


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ({"kind": "keyedhash"}, "TPMT_PUBLIC.type at octet 0: keyedhash is neither rsa nor ecc"),
        ({"name_alg": 0x99}, "TPMT_PUBLIC.nameAlg at octet 2: 0x0099 is not a known hash"),
        ({"symmetric": b"\0\x06\0\x81\0\x43"}, "TPMT_PUBLIC.symmetric at octet 42: is not AES"),
        ({"symmetric": b"\0\x10\0\x80\0\x43"}, "TPMT_PUBLIC.symmetric at octet 42: is not AES"),
        ({"symmetric": b"\0\x06\0\x80\0\x42"}, "TPMT_PUBLIC.symmetric at octet 42: is not AES"),
        ({"scheme": b"\0\x14"}, "TPMT_PUBLIC.scheme at octet 48: rsassa is not null"),
        ({"tail": b"\0"}, "TPMT_PUBLIC.end at octet 314: 1 trailing octet"),
    ],
)
def test_what_no_storage_key_has_is_refused(lies: dict[str, Any], fault: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_storage_public(ek_public(**lies))
    assert str(caught.value).startswith(fault)


def test_kdf_other_than_null_is_refused() -> None:
    with pytest.raises(MalformedError, match=r"^TPMT_PUBLIC.kdf at octet 52: 0x0020 is not null$"):
        parse_storage_public(ek_public(ek_key(P384).public_key(), kdf=b"\0\x20"))


@pytest.mark.parametrize("curve", ["", P384])
def test_every_truncation_is_refused(curve: str) -> None:
    octets = ek_public(ek_key(curve).public_key())
    for length in range(len(octets)):
        with pytest.raises(MalformedError):
            parse_storage_public(octets[:length])


RSA_PLACES = (
    (0, "type at octet 0: 8 octets wanted"),
    (8, "authPolicy.size at octet 8: 2 octets wanted"),
    (10, "authPolicy at octet 10: 32 octets wanted"),
    (42, "symmetric at octet 42: 6 octets wanted"),
    (48, "scheme at octet 48: 2 octets wanted"),
    (50, "parameters at octet 50: 6 octets wanted"),
    (56, "unique.size at octet 56: 2 octets wanted"),
    (58, "unique at octet 58: 256 octets wanted"),
)
ECC_PLACES = (
    *RSA_PLACES[:5],
    (50, "curveID at octet 50: 2 octets wanted"),
    (52, "kdf at octet 52: 2 octets wanted"),
    (54, "unique.x.size at octet 54: 2 octets wanted"),
    (56, "unique.x at octet 56: 48 octets wanted"),
    (104, "unique.y.size at octet 104: 2 octets wanted"),
    (106, "unique.y at octet 106: 48 octets wanted"),
)


@pytest.mark.parametrize(("curve", "places"), [("", RSA_PLACES), (P384, ECC_PLACES)])
def test_cut_area_is_refused_by_the_field_that_is_cut(
    curve: str, places: tuple[tuple[int, str], ...]
) -> None:
    area = ek_public(ek_key(curve).public_key())[2:]
    for length in range(len(area)):
        begun, told = max(place for place in places if place[0] <= length)
        cut = length.to_bytes(2, "big") + area[:length]
        with pytest.raises(MalformedError) as caught:
            parse_storage_public(cut)
        assert str(caught.value) == f"TPMT_PUBLIC.{told}, {length - begun} left"


@pytest.mark.parametrize("octets", [b"", b"\0", b"\0\1"])
def test_frame_that_is_cut_or_lies_is_refused(octets: bytes) -> None:
    with pytest.raises(MalformedError, match=r"^TPM2B_PUBLIC\.size at octet 0: "):
        parse_storage_public(octets)


@pytest.mark.parametrize(
    ("at", "size", "most", "told"),
    [(8, 65, 64, "authPolicy"), (56, 513, 512, "unique")],
)
def test_size_beyond_its_bound_is_refused(at: int, size: int, most: int, told: str) -> None:
    area = bytearray(ek_public()[2:])
    area[at : at + 2] = size.to_bytes(2, "big")
    octets = len(area).to_bytes(2, "big") + area

    with pytest.raises(MalformedError) as caught:
        parse_storage_public(bytes(octets))

    place = f"TPMT_PUBLIC.{told}.size at octet {at}"
    assert str(caught.value) == f"{place}: {size} exceeds {most}"


def test_exponent_zero_is_the_usual_one() -> None:
    area = bytearray(ek_public()[2:])
    area[52:56] = bytes(4)

    public = parse_storage_public(len(area).to_bytes(2, "big") + bytes(area))

    assert isinstance(public.key, RsaKey)
    assert public.key.exponent == 65537


@pytest.mark.parametrize("bits", [128, 192, 256])
def test_each_size_of_aes_is_read(bits: int) -> None:
    symmetric = b"\0\x06" + bits.to_bytes(2, "big") + b"\0\x43"

    assert parse_storage_public(ek_public(symmetric=symmetric)).scheme == Alg.NULL
