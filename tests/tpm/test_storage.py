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
