"""The keys of an enrolment: judged as the key of a quote is, and by the certificate."""

from contextlib import suppress
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from attest.enrolment.certificate import key_of, not_validated, pinned_to, unpadded
from attest.enrolment.errors import EnrolmentError
from attest.enrolment.keys import read_ak, read_ek
from attest.errors import AttestError, MalformedError
from tests.aik import ecc_aik, exponent_aik, rsa_aik
from tests.enrolment.making import (
    EK_ATTRIBUTES,
    certificate_of,
    ek_certificate,
    ek_key,
    ek_public,
)

CURVES = ["", "secp256r1", "secp384r1", "secp521r1"]
STORAGE = "expected a restricted decryption key, fixed to its TPM and made there"
AK_ATTRIBUTES = 0x00050072


def test_attestation_key_is_known_by_name_and_public_key() -> None:
    aik = ecc_aik()
    key = read_ak(aik.public())
    assert key.name == aik.name
    assert key.public.octets == aik.public()[2:]


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        (AK_ATTRIBUTES & ~0x10000, "restricted is clear"),
        (AK_ATTRIBUTES & ~0x2, "fixedTPM is clear"),
        (AK_ATTRIBUTES & ~0x10, "fixedParent is clear"),
        (AK_ATTRIBUTES & ~0x20, "sensitiveDataOrigin is clear"),
        (AK_ATTRIBUTES & ~0x40000, "sign is clear"),
        (AK_ATTRIBUTES | 0x20000, "decrypt is set"),
        (AK_ATTRIBUTES | 0x800, "encryptedDuplication is set"),
        (AK_ATTRIBUTES | 0x1, "reserved bits 0x00000001 are set"),
    ],
)
def test_key_that_signs_more_than_its_tpm_made_is_refused(attributes: int, fault: str) -> None:
    with pytest.raises(EnrolmentError) as caught:
        read_ak(ecc_aik().public(attributes=attributes))
    assert str(caught.value) == (f"ak_pubkey_b64: objectAttributes is 0x{attributes:08x}: {fault}")


def test_weak_attestation_key_is_refused() -> None:
    with pytest.raises(EnrolmentError, match=r"^ak_pubkey_b64: RSA, 1024 bits, expected at least"):
        read_ak(rsa_aik(bits=1024).public())
    with pytest.raises(EnrolmentError, match=r"^ak_pubkey_b64: (exponent is|is no key)"):
        read_ak(exponent_aik(3).public())


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ({"scheme": "null"}, "its scheme is null, expected one of rsassa-sha256, "),
        ({"scheme": "ecdsa", "scheme_hash": "sha1"}, "its scheme is ecdsa-sha1, expected one of "),
    ],
)
def test_attestation_key_without_a_scheme_of_its_own_is_refused(
    lies: dict[str, Any], fault: str
) -> None:
    with pytest.raises(EnrolmentError) as caught:
        read_ak(ecc_aik().public(**lies))
    assert str(caught.value).startswith(f"ak_pubkey_b64: {fault}")


def test_key_that_nothing_can_be_computed_with_is_refused() -> None:
    with pytest.raises(EnrolmentError, match=r"^ak_pubkey_b64: is no key to compute with$"):
        read_ak(rsa_aik().public(exponent=4))
    even = ek_certificate("").replace(b"\x02\x03\x01\x00\x01", b"\x02\x03\x01\x00\x02")
    with pytest.raises(MalformedError, match=r"^ek.pem: its public key is none to compute with$"):
        key_of(even, "ek.pem")


def test_what_is_no_public_area_is_refused() -> None:
    with pytest.raises(MalformedError, match=r"^ak_pubkey_b64: TPM2B_PUBLIC.size at octet 0: "):
        read_ak(b"\0\1")


@pytest.mark.parametrize("curve", CURVES)
def test_endorsement_key_is_held_against_its_certificate(curve: str) -> None:
    octets = ek_public(ek_key(curve).public_key())
    key = read_ek(octets, [ek_certificate(curve)])
    assert key.public.octets == octets[2:]


def test_certificate_of_another_key_is_refused() -> None:
    with pytest.raises(EnrolmentError) as caught:
        read_ek(ek_public(), [ek_certificate("secp384r1")])
    assert caught.value.place == "ek_cert_chain_b64[0]"
    assert ", the endorsement key is " in caught.value.fault


@pytest.mark.parametrize(
    "attributes",
    [*(EK_ATTRIBUTES & ~bit for bit in (0x10000, 0x20000, 2, 0x10, 0x20)), 0x000700B2, 0x000308B2],
)
def test_endorsement_key_that_is_no_storage_key_is_refused(attributes: int) -> None:
    with pytest.raises(EnrolmentError) as caught:
        read_ek(ek_public(attributes=attributes), [ek_certificate()])
    assert str(caught.value) == (
        f"ek_pubkey_b64: objectAttributes is 0x{attributes:08x}: {STORAGE}"
    )


def test_endorsement_key_of_an_old_hash_is_refused() -> None:
    with pytest.raises(EnrolmentError, match=r"^ek_pubkey_b64: nameAlg is sha1, expected SHA-2$"):
        read_ek(ek_public(name_alg="sha1"), [ek_certificate()])


def test_weak_endorsement_key_is_refused() -> None:
    small = rsa.generate_private_key(65537, 1024).public_key()  # noqa: S505 - refused for its size
    with pytest.raises(EnrolmentError, match=r"^ek_pubkey_b64: RSA, 1024 bits, expected at least"):
        read_ek(ek_public(small), [certificate_of(small)])


@pytest.mark.parametrize(
    ("certificate", "fault"),
    [
        (b"", "is no DER certificate"),
        (b"\x02\x01\x00", "is no DER certificate"),
        (b"\x30\x00", "its public key cannot be read"),
        (ek_certificate() + b"\0", "has octets after the certificate"),
        (ek_certificate()[:-1], "cut off: "),
        (certificate_of(ed25519.Ed25519PrivateKey.generate().public_key()), "cannot be read"),
        (certificate_of(ec.generate_private_key(ec.SECP256K1()).public_key()), "cannot be read"),
    ],
)
def test_certificate_without_a_readable_key_is_refused(certificate: bytes, fault: str) -> None:
    with pytest.raises(MalformedError, match=fault):
        key_of(certificate, "ek.pem")


def test_every_change_of_an_octet_reads_or_is_refused() -> None:
    honest = ek_certificate("secp256r1")
    for position in range(len(honest)):
        changed = bytearray(honest)
        changed[position] ^= 0x81
        with suppress(AttestError):
            key_of(bytes(changed), "ek.pem")


@pytest.mark.parametrize("padding", [b"", b"\0" * 9, b"\xff" * 900])
def test_padding_of_nv_memory_is_cut_off(padding: bytes) -> None:
    assert unpadded(ek_certificate() + padding, "NV memory") == ek_certificate()


def test_octets_that_are_no_padding_are_refused() -> None:
    with pytest.raises(MalformedError, match=r"^NV memory: 2 trailing octets that are no padding"):
        unpadded(ek_certificate() + b"\0\1", "NV memory")


def test_pinned_certificate_is_accepted_and_another_refused() -> None:
    chain = [ek_certificate()]
    seen = not_validated(chain)
    assert (seen.how, seen.told[:13]) == ("none", "not validated")
    with pytest.raises(EnrolmentError, match=r"^ek_cert_chain_b64: SHA-256 is .*, expected 0000"):
        pinned_to([bytes(32)])(chain)
