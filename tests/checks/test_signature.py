"""``quote.signature``: the key that came with the quote signed exactly these octets."""

import pytest

from tests import aik, build
from tests.judging import answer, refusing, verified

CHECK = "quote.signature"
FALSE = ("fail", "the signature does not verify with the AIK")
HASHES = ("sha1", "sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")
ORDERS = {
    "nist-p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
    "nist-p384": int(
        "ffffffffffffffffffffffffffffffffffffffffffffffff"
        "c7634d81f4372ddf581a0db248b0a77aecec196accc52973",
        16,
    ),
}


def verifies(scheme: str, hash_alg: str = "sha256", bits: int = 2048) -> tuple[str, str]:
    """The answer that names scheme, hash and size."""
    return "pass", f"{scheme}-{hash_alg}, ".upper() + f"{bits} bits"


def signed(key: aik.Aik, signature: bytes) -> tuple[str, str]:
    return answer(verified(key, signature=signature), CHECK)


@pytest.mark.parametrize("hash_alg", HASHES)
@pytest.mark.parametrize("scheme", ["rsassa", "rsapss"])
def test_signature_verifies_rsa(scheme: str, hash_alg: str) -> None:
    assert answer(verified(aik.rsa_aik(2048, scheme, hash_alg)), CHECK) == verifies(
        scheme, hash_alg
    )


@pytest.mark.parametrize("hash_alg", HASHES)
@pytest.mark.parametrize("curve", aik.CURVE)
def test_signature_verifies_ecdsa(curve: str, hash_alg: str) -> None:
    bits = int(curve.removeprefix("nist-p"))
    seen = answer(verified(aik.ecc_aik(curve, hash_alg)), CHECK)
    assert seen == verifies("ecdsa", hash_alg, bits)


def test_signature_names_the_size_of_the_key() -> None:
    assert answer(verified(aik.rsa_aik(3072)), CHECK) == verifies("rsassa", bits=3072)


@pytest.mark.parametrize("salt", [0, 1, 20, 31, 32, 33, 222])
def test_signature_verifies_rsapss_with_any_length_of_salt(salt: int) -> None:
    key = aik.rsa_aik(scheme="rsapss")
    quote = build.quote(key, build.VALUES)
    result = verified(key, quote=quote, signature=key.sign(quote, salt=salt))
    assert answer(result, CHECK) == verifies("rsapss")


def test_signature_covers_the_octets_inside_the_frame() -> None:
    assert answer(verified(framing="TPM2B_ATTEST"), CHECK) == verifies("rsassa")


@pytest.mark.parametrize(
    "key",
    [aik.rsa_aik(), aik.rsa_aik(scheme="rsapss"), *map(aik.ecc_aik, aik.CURVE)],
    ids=lambda key: f"{key.scheme}-{key.private.key_size}",
)
def test_signature_fails_over_another_quote(key: aik.Aik) -> None:
    another = build.quote(key, build.VALUES, clock=1)
    assert signed(key, key.sign(another)) == FALSE


@pytest.mark.parametrize(
    ("key", "other"),
    [
        (aik.rsa_aik(), aik.rsa_aik(fresh=True)),
        (aik.ecc_aik(), aik.ecc_aik(fresh=True)),
    ],
    ids=["rsa", "ecc"],
)
def test_signature_fails_by_another_key(key: aik.Aik, other: aik.Aik) -> None:
    assert signed(key, other.sign(build.quote(key, build.VALUES))) == FALSE


def test_signature_alone_refuses_the_quote_of_another_key() -> None:
    key = aik.rsa_aik()
    signature = aik.rsa_aik(fresh=True).sign(build.quote(key, build.VALUES))
    assert refusing(verified(key, signature=signature)) == {CHECK}


@pytest.mark.parametrize("scheme", ["rsassa", "rsapss"])
def test_signature_fails_under_the_other_padding(scheme: str) -> None:
    key = aik.rsa_aik(scheme=scheme)
    told = key.sign(build.quote(key, build.VALUES))
    other = aik.ALG["rsapss" if scheme == "rsassa" else "rsassa"]
    assert signed(key, other.to_bytes(2) + told[2:]) == FALSE


@pytest.mark.parametrize("key", [aik.rsa_aik(), aik.ecc_aik()], ids=["rsa", "ecc"])
def test_signature_fails_under_another_hash(key: aik.Aik) -> None:
    told = key.sign(build.quote(key, build.VALUES))
    assert signed(key, told[:2] + aik.ALG["sha3_256"].to_bytes(2) + told[4:]) == FALSE


@pytest.mark.parametrize("octets", [0, 1, 255, 257, 512])
def test_signature_fails_where_rsa_is_not_as_long_as_the_modulus(octets: int) -> None:
    reason = f"{octets} octets, the modulus has 256"
    assert signed(aik.rsa_aik(), aik.rsa_signature(bytes(octets))) == ("fail", reason)


def test_signature_fails_on_a_true_rsa_signature_that_is_padded() -> None:
    key = aik.rsa_aik()
    true = key.sign(build.quote(key, build.VALUES))[6:]
    reason = "257 octets, the modulus has 256"
    assert signed(key, aik.rsa_signature(b"\0" + true)) == ("fail", reason)


@pytest.mark.parametrize(("curve", "width"), [("nist-p256", 32), ("nist-p521", 66)])
@pytest.mark.parametrize("part", ["r", "s"])
def test_signature_fails_on_parts_of_no_octets_or_of_one_too_many(
    curve: str, width: int, part: str
) -> None:
    key = aik.ecc_aik(curve)
    for octets in (b"", bytes(width) + b"\1"):
        parts = {"r": b"\1", "s": b"\1"} | {part: octets}
        reason = f"{part} has {len(octets)} octets, expected 1 to {width}"
        assert signed(key, aik.ecc_signature(parts["r"], parts["s"])) == ("fail", reason)


@pytest.mark.parametrize(
    ("r", "s"), [(b"\0", b"\1"), (b"\1", b"\0"), (bytes(32), b"\1"), (b"\1", bytes(32))]
)
def test_signature_fails_where_a_part_is_zero(r: bytes, s: bytes) -> None:
    assert signed(aik.ecc_aik(), aik.ecc_signature(r, s)) == ("fail", "r or s is zero")


@pytest.mark.parametrize(("curve", "order"), ORDERS.items())
@pytest.mark.parametrize("part", ["r", "s"])
def test_signature_fails_where_a_part_is_not_below_the_order(
    curve: str, order: int, part: str
) -> None:
    width = order.bit_length() // 8
    parts = {"r": b"\1", "s": b"\1"} | {part: order.to_bytes(width)}
    assert signed(aik.ecc_aik(curve), aik.ecc_signature(parts["r"], parts["s"])) == FALSE


@pytest.mark.parametrize("part", ["r", "s"])
def test_signature_fails_where_a_true_part_has_the_order_added(part: str) -> None:
    key = aik.ecc_aik("nist-p521")
    true = key.sign(build.quote(key, build.VALUES))
    order = (
        (1 << 521)
        - (1 << 260)
        + int("a51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409", 16)
    )
    parts = {"r": true[6:72], "s": true[74:]}
    parts[part] = (int.from_bytes(parts[part]) + order).to_bytes(66)
    assert signed(key, aik.ecc_signature(parts["r"], parts["s"])) == FALSE


def test_signature_verifies_where_leading_zeros_were_stripped() -> None:
    key = aik.ecc_aik()
    quote = build.quote(key, build.VALUES)
    while (true := key.sign(quote))[6] and true[40]:
        pass
    parts = aik.ecc_signature(true[6:38].lstrip(b"\0"), true[40:].lstrip(b"\0"))
    assert len(parts) < len(true)
    result = verified(key, quote=quote, signature=parts)
    assert answer(result, CHECK) == verifies("ecdsa", bits=256)


def test_signature_fails_where_r_and_s_are_swapped() -> None:
    key = aik.ecc_aik()
    true = key.sign(build.quote(key, build.VALUES))
    assert signed(key, aik.ecc_signature(true[40:], true[6:38])) == FALSE


def test_signature_fails_on_ecdsa_under_an_rsa_key() -> None:
    reason = "the AIK is an RSA key, and this is no RSA signature"
    assert signed(aik.rsa_aik(), aik.ecc_signature(b"\1", b"\1")) == ("fail", reason)


@pytest.mark.parametrize("scheme", ["rsassa", "rsapss"])
def test_signature_fails_on_rsa_under_an_ecc_key(scheme: str) -> None:
    reason = "the AIK is an ECC key, and this is no ECDSA signature"
    told = aik.rsa_signature(bytes(256), scheme=scheme)
    assert signed(aik.ecc_aik(), told) == ("fail", reason)


@pytest.mark.parametrize(
    "told",
    [
        aik.rsa_signature(bytes(256), hash_alg="null"),
        aik.rsa_signature(bytes(256), hash_alg="sm3_256"),
        aik.rsa_signature(bytes(256), hash_alg=0),
        aik.rsa_signature(bytes(256), scheme="ecdaa"),
        aik.rsa_signature(bytes(256), scheme="null"),
        aik.rsa_signature(bytes(256), scheme=0x0099),
    ],
)
def test_signature_fails_where_its_hash_cannot_be_computed(told: bytes) -> None:
    reason = "the hash of the signature is none that can be computed"
    assert signed(aik.rsa_aik(), told) == ("fail", reason)


@pytest.mark.parametrize("key", [{"exponent": 4}, {"exponent": 65536}, {"exponent": 1}])
def test_signature_is_skipped_where_the_numbers_make_no_key(key: aik.Claims) -> None:
    result = verified(aik.rsa_aik().claiming(**key))
    assert answer(result, CHECK) == ("skip", "there is no AIK to verify with")


def test_signature_is_skipped_on_a_curve_that_nobody_knows() -> None:
    result = verified(aik.ecc_aik().claiming(curve=0x0010))
    assert answer(result, CHECK) == ("skip", "there is no AIK to verify with")


def test_signature_is_skipped_without_a_readable_key() -> None:
    result = verified(public=b"")
    assert answer(result, CHECK) == ("skip", "there is no AIK to verify with")


def test_signature_is_skipped_without_a_readable_quote() -> None:
    result = verified(quoted={"trailing": b"\0"})
    assert answer(result, CHECK) == ("skip", "the quote or its signature could not be read")


def test_signature_is_skipped_where_it_cannot_be_read() -> None:
    result = verified(signature=b"")
    assert answer(result, CHECK) == ("skip", "the quote or its signature could not be read")


def test_signature_skipped_refuses() -> None:
    assert CHECK in refusing(verified(public=b""))
