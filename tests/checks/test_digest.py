"""``quote.digest``: the quote was made over the reported values."""

import pytest

from tests import aik, build
from tests.judging import answer, refusing, verified

CHECK = "quote.digest"
EQUAL = ("pass", "pcrDigest is the digest of the reported values")
TRUE = build.VALUES["sha256"]
SHA1 = {index: aik.digest("sha1", bytes([index])) for index in (0, 7)}
TWO: build.Values = {"sha256": TRUE, "sha1": SHA1}


def joined(*values: bytes, hash_alg: str = "sha256") -> bytes:
    return aik.digest(hash_alg, *values)


def test_digest_passes_over_the_values_by_index() -> None:
    result = verified(quoted={"digest": joined(TRUE[0], TRUE[7], TRUE[10])})
    assert answer(result, CHECK) == EQUAL


@pytest.mark.parametrize("hash_alg", ["sha1", "sha256", "sha384", "sha512", "sha3_256"])
def test_digest_has_the_hash_of_the_signing_scheme(hash_alg: str) -> None:
    seen = joined(TRUE[0], TRUE[7], TRUE[10], hash_alg=hash_alg)
    result = verified(aik.rsa_aik(hash_alg=hash_alg), quoted={"digest": seen})
    assert answer(result, CHECK) == EQUAL


@pytest.mark.parametrize("order", [("sha256", "sha1"), ("sha1", "sha256")])
def test_digest_follows_the_order_of_the_banks_in_the_selection(order: tuple[str, ...]) -> None:
    parts = {"sha256": (TRUE[0], TRUE[7], TRUE[10]), "sha1": (SHA1[0], SHA1[7])}
    selection = [(bank, sorted(TWO[bank])) for bank in order]
    seen = joined(*(value for bank in order for value in parts[bank]))
    result = verified(values=TWO, quoted={"selection": selection, "digest": seen})
    assert answer(result, CHECK) == EQUAL


def test_digest_passes_over_an_empty_bank_in_the_selection() -> None:
    selection: build.Selection = [("sha1", []), ("sha256", [0, 7, 10])]
    assert answer(verified(quoted={"selection": selection}), CHECK) == EQUAL


@pytest.mark.parametrize(
    ("seen", "written"),
    [
        (joined(TRUE[7], TRUE[0], TRUE[10]), None),
        (joined(TRUE[0], TRUE[7]), None),
        (joined(TRUE[0], TRUE[7], TRUE[10], hash_alg="sha384"), None),
        (joined(TRUE[0], TRUE[7], TRUE[10])[:-1], None),
        (TRUE[0] + TRUE[7], None),
        (bytes(32), None),
        (b"", "empty"),
    ],
)
def test_digest_alone_refuses_any_other_octets(seen: bytes, written: str | None) -> None:
    result = verified(quoted={"digest": seen})
    wanted = joined(TRUE[0], TRUE[7], TRUE[10]).hex()
    reason = f"pcrDigest is {written or seen.hex()}, the reported values have sha256 {wanted}"
    assert (answer(result, CHECK), refusing(result)) == (("fail", reason), {CHECK})


def test_digest_fails_where_a_reported_value_was_changed() -> None:
    changed = build.hex_values(build.VALUES)
    changed["sha256"]["7"] = changed["sha256"]["0"]
    result = verified(pcr_values=changed)
    seen = joined(TRUE[0], TRUE[7], TRUE[10]).hex()
    wanted = joined(TRUE[0], TRUE[0], TRUE[10]).hex()
    reason = f"pcrDigest is {seen}, the reported values have sha256 {wanted}"
    assert answer(result, CHECK) == ("fail", reason)


def test_digest_does_not_cover_values_outside_the_selection() -> None:
    more = build.hex_values(build.VALUES)
    more["sha256"]["23"] = "00" * 32
    assert answer(verified(pcr_values=more), CHECK) == EQUAL


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({"sha256": {"0": TRUE[0].hex(), "10": TRUE[10].hex()}}, "sha256:7"),
        ({"sha256": {"0": "", "7": "", "10": ""}}, "sha256:0,7,10"),
        ({"sha256": {"0": TRUE[0].hex(), "7": "00", "10": TRUE[10].hex()}}, "sha256:7"),
        ({"sha1": {"0": "00" * 20}}, "sha256:0,7,10"),
        ({}, "sha256:0,7,10"),
    ],
)
def test_digest_fails_and_names_the_values_that_are_missing(values: object, missing: str) -> None:
    reason = f"there is no readable value of {missing}"
    assert answer(verified(pcr_values=values), CHECK) == ("fail", reason)


def test_digest_takes_the_hash_of_the_key_where_the_signature_has_none() -> None:
    key = aik.rsa_aik(hash_alg="sha384")
    told = aik.rsa_signature(b"", scheme="ecdaa")
    assert answer(verified(key, signature=told), CHECK) == EQUAL


@pytest.mark.parametrize(
    "told",
    [
        aik.rsa_signature(bytes(256), hash_alg="sm3_256"),
        aik.rsa_signature(bytes(256), hash_alg="null"),
        aik.rsa_signature(bytes(256), hash_alg=0x0099),
    ],
)
def test_digest_is_skipped_where_the_hash_is_unknown(told: bytes) -> None:
    result = verified(signature=told)
    assert answer(result, CHECK) == ("skip", "the hash of the signing scheme is unknown")


def test_digest_is_skipped_where_neither_side_has_a_hash() -> None:
    result = verified(signature=b"", public=b"")
    assert answer(result, CHECK) == ("skip", "the hash of the signing scheme is unknown")


@pytest.mark.parametrize("kind", ["time", "certify", "nv", "creation"])
def test_digest_is_skipped_on_other_attestations(kind: str) -> None:
    result = verified(quote=build.other(kind, aik.rsa_aik()))
    assert answer(result, CHECK) == ("skip", "the signed structure is no quote")


def test_digest_is_skipped_without_a_readable_quote() -> None:
    assert answer(verified(quote=b""), CHECK) == ("skip", "the quote could not be read")


def test_digest_is_skipped_without_readable_values() -> None:
    reason = "the PCR values could not be read"
    assert answer(verified(pcr_values=None), CHECK) == ("skip", reason)


def test_digest_skipped_refuses() -> None:
    assert CHECK in refusing(verified(quote=b""))
