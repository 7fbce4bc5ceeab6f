"""TPMT_SIGNATURE: every scheme and hash, every bound, every place of a fault."""

from __future__ import annotations

import pytest

from attest.tpm.constants import Alg
from attest.tpm.signature import (
    TpmtSignature,
    parse_signature,
    rsa_signature_at_a_glance,
    signature_field_by_field,
)
from tests.aik import ALG, ecc_signature, rsa_signature
from tests.faults import accepted_of, differing, fault_of, one_octet_changed, truncations
from tests.recorded import GCE, REAL, structures_of

HASHES = ("sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512", "sm3_256")


@pytest.mark.parametrize("hash_alg", HASHES)
@pytest.mark.parametrize("scheme", ["rsassa", "rsapss"])
def test_rsa_signature_is_read_whole(scheme: str, hash_alg: str) -> None:
    octets = rsa_signature(b"\0signature", scheme=scheme, hash_alg=hash_alg)

    assert parse_signature(octets) == TpmtSignature(ALG[scheme], ALG[hash_alg], rsa=b"\0signature")


@pytest.mark.parametrize("hash_alg", HASHES)
def test_ecdsa_signature_is_read_whole(hash_alg: str) -> None:
    octets = ecc_signature(b"\0r", b"\0\0s", hash_alg=hash_alg)

    assert parse_signature(octets) == TpmtSignature(Alg.ECDSA, ALG[hash_alg], r=b"\0r", s=b"\0\0s")


@pytest.mark.parametrize(
    ("bank", "first", "last"),
    [
        ("sha1", "6c8cf25d1ffe1333", "f08aaeff4bbdba88"),
        ("sha256", "2d03d984ced0faeb", "77c9de02153b45a0"),
        ("sha384", "92dcd2d5cca69355", "940881203a682251"),
    ],
)
def test_signature_of_a_cloud_tpm_is_read_whole(bank: str, first: str, last: str) -> None:
    octets = structures_of(GCE + bank).signature

    signature = parse_signature(octets)

    assert (signature.scheme, signature.hash) == (0x0014, 0x000B)
    assert (signature.rsa[:8].hex(), signature.rsa[-8:].hex()) == (first, last)
    assert signature.rsa == octets[6:]
    assert (len(signature.rsa), signature.r, signature.s) == (256, b"", b"")


@pytest.mark.parametrize("number", [0x0000, 0x0099, 0xFFFF])
def test_unknown_hash_is_read_as_its_number(number: int) -> None:
    assert parse_signature(rsa_signature(b"s", hash_alg=number)).hash == number


@pytest.mark.parametrize(
    "number", [0x0000, 0x0005, 0x0010, 0x0015, 0x0017, 0x001A, 0x001B, 0x001C, 0x0099, 0xFFFF]
)
@pytest.mark.parametrize("rest", [b"", b"\0", bytes(300)])
def test_unsupported_scheme_is_read_by_name_only(number: int, rest: bytes) -> None:
    assert parse_signature(number.to_bytes(2) + rest) == TpmtSignature(number)


@pytest.mark.parametrize("length", [0, 1, 511, 512])
def test_rsa_signature_has_up_to_512_octets(length: int) -> None:
    assert parse_signature(rsa_signature(bytes(length))).rsa == bytes(length)


@pytest.mark.parametrize("length", [0, 1, 127, 128])
def test_r_and_s_have_up_to_128_octets(length: int) -> None:
    signature = parse_signature(ecc_signature(b"r" * length, b"s" * length))

    assert (signature.r, signature.s) == (b"r" * length, b"s" * length)


@pytest.mark.parametrize(
    ("octets", "fault"),
    [
        (b"", "sigAlg at octet 0: 2 octets wanted, 0 left"),
        (b"\0", "sigAlg at octet 0: 2 octets wanted, 1 left"),
        (b"\0\x14", "hash at octet 2: 2 octets wanted, 0 left"),
        (b"\0\x16\0", "hash at octet 2: 2 octets wanted, 1 left"),
        (b"\0\x18\0", "hash at octet 2: 2 octets wanted, 1 left"),
        (rsa_signature(b"sig")[:5], "sig.size at octet 4: 2 octets wanted, 1 left"),
        (rsa_signature(b"sig")[:-1], "sig at octet 6: 3 octets wanted, 2 left"),
        (rsa_signature(bytes(513)), "sig.size at octet 4: 513 exceeds 512"),
        (rsa_signature(b"sig") + b"x", "end at octet 9: 1 trailing octet"),
        (rsa_signature(b"sig") + b"xy", "end at octet 9: 2 trailing octets"),
        (ecc_signature(b"rr", b"ss")[:4], "signatureR.size at octet 4: 2 octets wanted, 0 left"),
        (ecc_signature(b"rr", b"ss")[:7], "signatureR at octet 6: 2 octets wanted, 1 left"),
        (ecc_signature(b"rr", b"ss")[:9], "signatureS.size at octet 8: 2 octets wanted, 1 left"),
        (ecc_signature(b"rr", b"ss")[:-1], "signatureS at octet 10: 2 octets wanted, 1 left"),
        (ecc_signature(bytes(129), b"s"), "signatureR.size at octet 4: 129 exceeds 128"),
        (ecc_signature(b"r", bytes(129)), "signatureS.size at octet 7: 129 exceeds 128"),
        (ecc_signature(b"rr", b"ss") + b"x", "end at octet 12: 1 trailing octet"),
    ],
)
def test_fault_is_refused_at_its_place(octets: bytes, fault: str) -> None:
    assert fault_of(parse_signature, octets) == f"TPMT_SIGNATURE.{fault}"


@pytest.mark.parametrize("case", REAL)
def test_every_truncation_of_a_real_signature_is_refused(case: str) -> None:
    assert accepted_of(parse_signature, truncations(structures_of(case).signature)) == []


@pytest.mark.parametrize("case", REAL)
def test_real_signature_with_an_octet_more_is_refused(case: str) -> None:
    assert accepted_of(parse_signature, [structures_of(case).signature + b"\0"]) == []


@pytest.mark.parametrize("length", [0, 1, 256, 511, 512])
@pytest.mark.parametrize("scheme", ["rsassa", "rsapss"])
def test_rsa_signature_is_read_at_a_glance_as_field_by_field(scheme: str, length: int) -> None:
    octets = rsa_signature(b"s" * length, scheme=scheme)

    seen = rsa_signature_at_a_glance(octets)

    assert seen == TpmtSignature(ALG[scheme], Alg.SHA256, rsa=b"s" * length)
    assert seen == signature_field_by_field(octets)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        rsa_signature(b"")[:5],
        rsa_signature(b"sig")[:-1],
        rsa_signature(b"sig") + b"x",
        rsa_signature(bytes(513)),
        ecc_signature(b"r", b"s"),
        rsa_signature(b"sig", scheme=0x0099),
    ],
)
def test_glance_leaves_any_other_signature(octets: bytes) -> None:
    assert rsa_signature_at_a_glance(octets) is None


def test_glance_never_differs_where_an_octet_does() -> None:
    octets = rsa_signature(b"sig")
    changed = [*truncations(octets), *one_octet_changed(octets, 6), octets + b"x"]

    assert differing(rsa_signature_at_a_glance, signature_field_by_field, changed) == []
