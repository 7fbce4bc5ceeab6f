"""The server's key: one PEM block, one RSA key, strong enough, else SecurityError."""

from __future__ import annotations

import base64
import hashlib
import textwrap

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from client import SecurityError
from client.envelope import MAX_PEM, load_server_key, seal, server_key_sha256
from tests.client import wire
from tests.client.refusing import refusal_of

PUBLIC = wire.server_key().public_key()
PEM = wire.pem_of(PUBLIC)
DER = PUBLIC.public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
RSA_ALGORITHM = bytes.fromhex("300d06092a864886f70d0101010500")
ODD = 1  # the low bit of a modulus


def pem(der: bytes, label: str = "PUBLIC KEY") -> bytes:
    """Write DER as a PEM block."""
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


def tlv(tag: int, value: bytes) -> bytes:
    """Write one DER value."""
    size = len(value)
    if size < 0x80:
        return bytes([tag, size]) + value
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + value


def spki(modulus: int, exponent: int, algorithm: bytes = RSA_ALGORITHM) -> bytes:
    """Write SubjectPublicKeyInfo of an RSA key that nobody has the private half of."""
    numbers = [n.to_bytes(n.bit_length() // 8 + 1, "big") for n in (modulus, exponent)]
    key = tlv(0x30, b"".join(tlv(2, number) for number in numbers))
    return tlv(0x30, algorithm + tlv(3, b"\0" + key))


def of_bits(bits: int) -> int:
    """An odd number of so many bits."""
    return 1 << (bits - 1) | ODD


def test_key_of_the_server_is_loaded() -> None:
    assert load_server_key(PEM).public_numbers() == PUBLIC.public_numbers()


@pytest.mark.parametrize(
    "given_pem",
    [PEM.replace(b"\n", b"\r\n"), PEM.strip(), b"\n" + PEM, PEM.replace(b"\n", b"\n\n")],
)
def test_line_ends_mean_nothing(given_pem: bytes) -> None:
    assert load_server_key(given_pem).public_numbers() == PUBLIC.public_numbers()


@pytest.mark.parametrize("bits", [2048, 2049, 3072, 4096, 8192, 16384])
def test_key_of_allowed_size_is_loaded_and_can_be_sealed_to(bits: int) -> None:
    key = load_server_key(pem(spki(of_bits(bits), 65537)))

    assert key.key_size == bits
    assert seal(b"x", key)


@pytest.mark.parametrize("bits", [512, 1024, 2047, 16385, 20000])
def test_key_of_another_size_is_refused(bits: int) -> None:
    message = refusal_of(load_server_key, pem(spki(of_bits(bits), 65537)))

    assert message == f"server key: {bits} bits, expected 2048 to 16384"


@pytest.mark.parametrize("exponent", [65537, 65539, 2**64 - 1])
def test_allowed_exponent_is_loaded_and_can_be_sealed_to(exponent: int) -> None:
    key = load_server_key(pem(spki(of_bits(4096), exponent)))

    assert key.public_numbers().e == exponent
    assert seal(b"x", key)


@pytest.mark.parametrize("exponent", [3, 5, 17, 257, 65535, 2**64 + 1, 2**2000 + 1])
def test_other_exponent_is_refused(exponent: int) -> None:
    message = refusal_of(load_server_key, pem(spki(of_bits(2048), exponent)))

    assert message.startswith("server key: exponent 0x")


@pytest.mark.parametrize("exponent", [0, 1, 2, 65536, 65538])
def test_exponent_that_is_none_is_refused(exponent: int) -> None:
    assert refusal_of(load_server_key, pem(spki(of_bits(2048), exponent)))


def test_even_modulus_is_refused() -> None:
    message = refusal_of(load_server_key, pem(spki(1 << 2047, 65537)))

    assert message == "server key: an even modulus is no RSA key"


def test_key_of_another_kind_is_refused() -> None:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    keys = [
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*form),
        ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*form),
    ]

    assert {refusal_of(load_server_key, key) for key in keys} == {"server key: is no RSA key"}


def test_key_for_pss_only_is_refused() -> None:
    algorithm = bytes.fromhex("300b06092a864886f70d01010a")

    assert refusal_of(load_server_key, pem(spki(of_bits(2048), 65537, algorithm)))


def test_other_pem_is_refused() -> None:
    pkcs1 = PUBLIC.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)
    private = wire.server_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    others = [pkcs1, private, pem(DER, "RSA PUBLIC KEY"), pem(DER, "CERTIFICATE"), DER, b""]
    others += [PEM + b"x", b"x" + PEM, b"x\n" + PEM, PEM[:-7], b"{}", b'"' + PEM + b'"', b"\xff"]
    others += [b"-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"]

    wanted = "server key: expected one block of -----BEGIN PUBLIC KEY-----"
    assert {refusal_of(load_server_key, other) for other in others} == {wanted}


@pytest.mark.parametrize(
    "given_pem",
    [
        PEM + PEM,
        PEM.replace(b"M", b"*", 1),
        PEM.replace(b"\n", b" \n"),
        PEM.replace(b"\n", b"\nProc-Type: 4,ENCRYPTED\n", 1),
        pem(DER + b"\0"),
        pem(DER[:-1]),
        pem(b"\x30\x80" + DER[4:] + b"\0\0"),
        pem(b""),
        pem(b"\x30\0"),
    ],
)
def test_pem_with_anything_beside_the_key_is_refused(given_pem: bytes) -> None:
    assert refusal_of(load_server_key, given_pem).startswith("server key: ")


def test_long_pem_is_refused_unread() -> None:
    message = f"server key: {MAX_PEM + 1} octets exceed {MAX_PEM}"

    assert refusal_of(load_server_key, b"x" * (MAX_PEM + 1)) == message


@given(st.binary(max_size=400))
def test_any_octets_raise_only_security_errors(octets: bytes) -> None:
    for given_pem in (octets, pem(octets)):
        with pytest.raises(SecurityError):
            load_server_key(given_pem)


@given(st.integers(0, len(DER) - 1), st.integers(1, 255))
def test_changed_key_is_refused_or_is_another(place: int, mask: int) -> None:
    changed = DER[:place] + bytes([DER[place] ^ mask]) + DER[place + 1 :]
    try:
        key = load_server_key(pem(changed))
    except SecurityError:
        return
    assert server_key_sha256(key) == hashlib.sha256(changed).hexdigest()
    assert key.public_numbers() != PUBLIC.public_numbers()


def test_sha256_is_that_of_the_der() -> None:
    assert server_key_sha256(load_server_key(PEM)) == hashlib.sha256(DER).hexdigest()
