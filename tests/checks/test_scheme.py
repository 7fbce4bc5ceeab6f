"""``aik.scheme``: the signature has the key's own scheme and hash, and the policy allows them."""

import pytest

from attest.policy.model import SCHEMES
from tests import aik, build
from tests.judging import Members, answer, refusing, verified

CHECK = "aik.scheme"
DEFAULT = [name for name in SCHEMES if "sha3_" not in name]
SHA3 = [name for name in SCHEMES if "sha3_" in name]


def key_of(name: str) -> aik.Aik:
    scheme, _, hash_alg = name.partition("-")
    if scheme == "ecdsa":
        return aik.ecc_aik("nist-p384", hash_alg)
    return aik.rsa_aik(2048, scheme, hash_alg)


def allowing(*schemes: str) -> Members:
    return {"signature": {"schemes": list(schemes)}}


def test_scheme_names_are_those_of_the_contract() -> None:
    hashes = ("sha256", "sha384", "sha512")
    contract = [f"{scheme}-{alg}" for scheme in ("rsassa", "rsapss", "ecdsa") for alg in hashes]
    assert contract == DEFAULT


@pytest.mark.parametrize("name", DEFAULT)
def test_scheme_passes_by_default(name: str) -> None:
    assert answer(verified(key_of(name)), CHECK) == ("pass", f"{name}, the AIK's own scheme")


@pytest.mark.parametrize("name", [*SHA3, "rsassa-sha1", "rsapss-sha1", "ecdsa-sha1"])
def test_scheme_fails_where_the_default_does_not_allow_it(name: str) -> None:
    reason = f"{name} is not among the schemes the policy allows"
    assert answer(verified(key_of(name)), CHECK) == ("fail", reason)


@pytest.mark.parametrize("name", SCHEMES)
def test_scheme_accepts_the_one_that_the_policy_allows(name: str) -> None:
    result = verified(key_of(name), policy=allowing(name))
    assert (result.accepted, answer(result, CHECK)[0]) == (True, "pass")


@pytest.mark.parametrize("name", SCHEMES)
def test_scheme_alone_refuses_what_the_policy_leaves_out(name: str) -> None:
    others = [other for other in SCHEMES if other != name]
    assert refusing(verified(key_of(name), policy=allowing(*others))) == {CHECK}


@pytest.mark.parametrize(
    ("key", "scheme", "hash_alg"),
    [
        (aik.rsa_aik(), "rsapss", "sha256"),
        (aik.rsa_aik(scheme="rsapss"), "rsassa", "sha256"),
        (aik.rsa_aik(), "rsassa", "sha384"),
        (aik.rsa_aik(hash_alg="sha512"), "rsassa", "sha256"),
        (aik.rsa_aik(), "rsassa", "sha1"),
        (aik.ecc_aik(), "ecdsa", "sha512"),
        (aik.ecc_aik(hash_alg="sha384"), "ecdsa", "sha256"),
    ],
)
def test_scheme_fails_where_the_signature_is_not_of_the_keys_own(
    key: aik.Aik, scheme: str, hash_alg: str
) -> None:
    quote = build.quote(key, build.VALUES, digest=build.pcr_digest(hash_alg, build.VALUES))
    signature = key.sign(quote, scheme=scheme, hash_alg=hash_alg)
    own = f"{key.scheme}-{key.hash_alg}"
    reason = f"signed with {scheme}-{hash_alg}, the AIK's own scheme is {own}"
    result = verified(key, quote=quote, signature=signature)
    assert answer(result, CHECK) == ("fail", reason)


def test_scheme_alone_refuses_a_hash_that_was_substituted() -> None:
    key = aik.rsa_aik()
    quote = build.quote(key, build.VALUES, digest=build.pcr_digest("sha384", build.VALUES))
    result = verified(key, quote=quote, signature=key.sign(quote, hash_alg="sha384"))
    assert refusing(result) == {CHECK}


def test_scheme_fails_where_the_key_has_none_of_its_own() -> None:
    key = aik.rsa_aik().claiming(scheme="null")
    reason = "signed with rsassa-sha256, the AIK's own scheme is null"
    assert answer(verified(key), CHECK) == ("fail", reason)


@pytest.mark.parametrize(
    ("key", "scheme", "reason"),
    [
        (aik.ecc_aik(), "ecdaa", "signed with ecdaa, the AIK's own scheme is ecdaa-sha256"),
        (aik.ecc_aik(), "sm2", "signed with sm2, the AIK's own scheme is sm2-sha256"),
        (aik.ecc_aik(), "ecschnorr", "signed with ecschnorr, the AIK's own scheme is "),
        (aik.rsa_aik(), "null", "null is no scheme of this key that attest verifies"),
    ],
)
def test_scheme_fails_on_one_that_attest_does_not_verify(
    key: aik.Aik, scheme: str, reason: str
) -> None:
    told = aik.rsa_signature(bytes(256), scheme=scheme)
    outcome, said = answer(verified(key.claiming(scheme=scheme), signature=told), CHECK)
    assert (outcome, said.startswith(reason)) == ("fail", True)


@pytest.mark.parametrize(
    ("key", "scheme", "hash_alg", "named"),
    [
        (aik.rsa_aik(), "ecdsa", "sha256", "ecdsa-sha256"),
        (aik.ecc_aik(), "rsassa", "sha256", "rsassa-sha256"),
        (aik.ecc_aik(), "rsapss", "sha384", "rsapss-sha384"),
        (aik.rsa_aik(), "rsassa", "sm3_256", "rsassa-sm3_256"),
        (aik.rsa_aik(), "rsassa", 0x0099, "rsassa-0x0099"),
        (aik.ecc_aik(), "ecdsa", "null", "ecdsa-null"),
    ],
)
def test_scheme_fails_where_key_and_signature_agree_on_what_does_not_fit(
    key: aik.Aik, scheme: str, hash_alg: str | int, named: str
) -> None:
    claiming = key.claiming(scheme=scheme, scheme_hash=hash_alg)
    told = (
        aik.ecc_signature(b"\1", b"\1", hash_alg=hash_alg)
        if scheme == "ecdsa"
        else aik.rsa_signature(bytes(256), scheme=scheme, hash_alg=hash_alg)
    )
    reason = f"{named} is no scheme of this key that attest verifies"
    assert answer(verified(claiming, signature=told), CHECK) == ("fail", reason)


@pytest.mark.parametrize("unread", ["signature", "public"])
def test_scheme_is_skipped_where_a_side_cannot_be_read(unread: str) -> None:
    result = verified(signature=b"") if unread == "signature" else verified(public=b"")
    assert answer(result, CHECK) == ("skip", "the signature or the AIK could not be read")


def test_scheme_skipped_refuses() -> None:
    assert CHECK in refusing(verified(signature=b""))
