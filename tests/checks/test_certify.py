"""``aik.certify``: an AK certifies this AIK, by a statement as strictly judged as a quote."""

from typing import Any, Unpack

import pytest

from tests import aik, build, endorsing
from tests.aik import sized
from tests.endorsing import AK, certified, certify
from tests.judging import Members, answer, refusing, verified

CHECK = "aik.certify"
KEY = aik.rsa_aik()
OTHER = aik.ecc_aik()
NAMES = sized(KEY.name) + sized(KEY.qualified_name())


def endorsed(
    member: dict[str, Any] | None = None, *, policy: Members | None = None, **more: Any
) -> Any:
    """Verify a response with this endorsement, an honest certification by default."""
    told = certified(KEY) if member is None else member
    return verified(KEY, policy=policy, attestation={"endorsement": told}, **more)


def seen(**members: Any) -> tuple[str, str]:
    """The answer to a certification with these members in place of the true ones."""
    return answer(endorsed(certified(KEY, **members)), CHECK)


def stated(**lies: Unpack[build.QuoteLies]) -> tuple[str, str]:
    """The answer to a certification that says this, signed by the AK."""
    return seen(statement=certify(KEY, **lies))


def by(ak: aik.Aik, **members: Any) -> tuple[str, str]:
    """The answer to a certification by this AK."""
    return answer(endorsed(certified(KEY, ak, **members)), CHECK)


def told(ak: aik.Aik, place: str = "primary of owner", extra: str = "656e726f6c6c6564") -> str:
    scheme = f"{ak.scheme}-{ak.hash_alg}"
    return f"certified by the AK {ak.name.hex()}, {place}, {scheme}; extraData is {extra}"


@pytest.mark.parametrize(
    "ak",
    [
        AK,
        OTHER,
        aik.rsa_aik(3072),
        aik.rsa_aik(scheme="rsapss", hash_alg="sha384"),
        OTHER.claiming(name_alg="sha384"),
        KEY,
    ],
)
def test_certify_passes_by_an_attestation_key_of_any_kind(ak: aik.Aik) -> None:
    assert by(ak) == ("pass", told(ak))


def test_certify_takes_both_framings() -> None:
    statement = certify(KEY)
    assert seen(certify_b64=sized(statement), statement=statement) == ("pass", told(AK))


@pytest.mark.parametrize("hierarchy", aik.HIERARCHY)
def test_certify_says_the_hierarchy_of_the_ak(hierarchy: str) -> None:
    answered = stated(signer=AK.qualified_name(hierarchy))
    assert answered == ("pass", told(AK, f"primary of {hierarchy}"))


def test_certify_says_where_the_parent_of_the_ak_is_not_known() -> None:
    answered = stated(signer=AK.qualified_name(AK.qualified_name()))
    assert answered == ("pass", told(AK, "under a parent that is not known"))


@pytest.mark.parametrize(("extra", "said"), [(b"", "empty"), (bytes(64), "00" * 64)])
def test_certify_reports_extra_data_and_does_not_judge_it(extra: bytes, said: str) -> None:
    assert stated(extra_data=extra) == ("pass", told(AK, extra=said))


def test_certify_takes_an_aik_under_the_parent_that_the_quote_names() -> None:
    child = KEY.qualified_name(OTHER.qualified_name("owner"))
    statement = certify(KEY, body=sized(KEY.name) + sized(child))
    result = endorsed(certified(KEY, statement=statement), quoted={"signer": child})
    assert answer(result, CHECK)[0] == "pass"


@pytest.mark.parametrize(
    "members", [{}, {"endorsement": {}}, {"endorsement": {"ak_cert_chain_b64": ["AAEC"]}}]
)
def test_certify_is_skipped_without_a_certification(members: dict[str, Any]) -> None:
    result = verified(KEY, attestation=members)
    reason = "the evidence has no certification of the AIK"
    assert (answer(result, CHECK), result.accepted) == (("skip", reason), True)


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        (["ak_pubkey_b64"], "ak_pubkey_b64"),
        (["certify_b64"], "certify_b64"),
        (["certify_signature_b64"], "certify_signature_b64"),
        (["certify_b64", "certify_signature_b64"], "certify_b64, certify_signature_b64"),
        (["ak_pubkey_b64", "certify_signature_b64"], "ak_pubkey_b64, certify_signature_b64"),
    ],
)
def test_certify_fails_where_a_part_is_missing(left_out: list[str], reason: str) -> None:
    whole = certified(KEY)
    result = endorsed({name: whole[name] for name in whole if name not in left_out})
    assert (answer(result, CHECK), refusing(result)) == (
        ("fail", f"incomplete: {reason} missing"),
        {CHECK},
    )


@pytest.mark.parametrize("name", ["ak_pubkey_b64", "certify_b64", "certify_signature_b64"])
def test_certify_is_skipped_where_a_part_cannot_be_read(name: str) -> None:
    result = endorsed({**certified(KEY), name: "AA=="})
    assert answer(result, CHECK) == ("skip", "the certification could not be read")
    assert refusing(result) == {"evidence.form"}


@pytest.mark.parametrize("unread", ["public", "quote"])
def test_certify_is_skipped_where_there_is_nothing_to_hold_it_against(unread: str) -> None:
    result = endorsed(public=b"") if unread == "public" else endorsed(quote=b"")
    assert answer(result, CHECK) == ("skip", "the AIK or the quote could not be read")


STATEMENTS: list[tuple[build.QuoteLies, str]] = [
    ({"magic": 0}, "magic is 0x00000000, expected 0xff544347"),
    ({"type": 0x8019}, "type is 0x8019 (TPM_ST_ATTEST_TIME), expected TPM_ST_ATTEST_CERTIFY"),
    ({"type": 0x8001}, "type is 0x8001 (unknown), expected TPM_ST_ATTEST_CERTIFY"),
    (
        {"body": sized(OTHER.name) + sized(OTHER.qualified_name())},
        f"certifies {OTHER.name.hex()}, the AIK is {KEY.name.hex()}",
    ),
    (
        {"body": sized(b"") + sized(KEY.qualified_name())},
        f"certifies no Name, the AIK is {KEY.name.hex()}",
    ),
    (
        {"body": sized(KEY.name) + sized(KEY.qualified_name("owner"))},
        (
            f"certifies the qualified Name {KEY.qualified_name('owner').hex()}, "
            f"the quote's qualifiedSigner is {KEY.qualified_name().hex()}"
        ),
    ),
    (
        {"body": sized(KEY.name) + sized(b"")},
        (
            "certifies the qualified Name empty, "
            f"the quote's qualifiedSigner is {KEY.qualified_name().hex()}"
        ),
    ),
    ({"signer": b""}, "qualifiedSigner is empty, no sha256 qualified Name"),
    (
        {"signer": AK.qualified_name()[:-1]},
        f"qualifiedSigner is {AK.qualified_name()[:-1].hex()}, no sha256 qualified Name",
    ),
    (
        {"signer": b"\0\x0c" + AK.qualified_name()[2:]},
        f"qualifiedSigner is 000c{AK.qualified_name()[2:].hex()}, no sha256 qualified Name",
    ),
]


@pytest.mark.parametrize(("lies", "reason"), STATEMENTS, ids=range(len(STATEMENTS)))
def test_certify_alone_refuses_a_statement_that_is_no_certification_of_this_aik(
    lies: build.QuoteLies, reason: str
) -> None:
    result = endorsed(certified(KEY, statement=certify(KEY, **lies)))
    assert (answer(result, CHECK), refusing(result)) == (("fail", reason), {CHECK})


def test_certify_refuses_a_quote_by_the_ak() -> None:
    reason = "type is 0x8018 (TPM_ST_ATTEST_QUOTE), expected TPM_ST_ATTEST_CERTIFY"
    assert seen(statement=build.quote(AK, build.VALUES)) == ("fail", reason)


def test_a_certification_is_no_quote() -> None:
    statement = certify(KEY)
    result = verified(
        AK,
        quote=statement,
        attestation={"endorsement": certified(KEY)},
        policy={"aik": {"trust": "enrolled", "names": [AK.name]}},
    )
    assert "quote.type" in refusing(result)
    assert str(result.assurance) == "none"


MASKED = "the AK: objectAttributes is "
KEYS: list[tuple[aik.Aik, str]] = [
    (AK.claiming(attributes=aik.ATTRIBUTES ^ aik.RESTRICTED), f"{MASKED}0x00040072: restricted"),
    (AK.claiming(attributes=aik.ATTRIBUTES ^ aik.SIGN), f"{MASKED}0x00010072: sign is clear"),
    (AK.claiming(attributes=aik.ATTRIBUTES ^ aik.FIXED_TPM), f"{MASKED}0x00050070: fixedTPM"),
    (AK.claiming(attributes=aik.ATTRIBUTES | aik.DECRYPT), f"{MASKED}0x00070072: decrypt is set"),
    (AK.claiming(attributes=aik.ATTRIBUTES | 1), f"{MASKED}0x00050073: reserved bits"),
    (aik.rsa_aik(1024), "the AK: RSA, 1024 bits, expected at least 2048"),
    (aik.exponent_aik(3), "the AK: exponent is 3"),
    (KEY.claiming(key_bits=3072), "the AK: keyBits is 3072"),
    (OTHER.claiming(curve=0x20, x=b"\1", y=b"\1"), "the AK: curve 0x0020"),
    (OTHER.claiming(scheme="null"), "signed with ecdsa-sha256, the AK's own scheme is null"),
    (aik.ecc_aik(hash_alg="sha1"), "ecdsa-sha1 is not among the schemes the policy allows"),
]


@pytest.mark.parametrize(("ak", "reason"), KEYS, ids=[row[1][:40] for row in KEYS])
def test_certify_alone_refuses_an_ak_that_no_aik_could_be(ak: aik.Aik, reason: str) -> None:
    result = endorsed(certified(KEY, ak))
    outcome, said = answer(result, CHECK)
    assert (outcome, said.startswith(reason), refusing(result)) == ("fail", True, {CHECK})


def test_certify_holds_the_ak_to_the_curves_of_the_policy() -> None:
    result = endorsed(policy={"signature": {"curves": ["nist-p256"]}})
    reason = "the AK: curve nist-p384, expected one of nist-p256"
    assert answer(result, CHECK) == ("fail", reason)


STATEMENT = certify(KEY)
SIGNATURES = [
    (
        aik.ecc_aik("nist-p384", "sha384", fresh=True).sign(STATEMENT),
        "the signature does not verify with the AK",
    ),
    (AK.sign(certify(OTHER)), "the signature does not verify with the AK"),
    (
        AK.sign(STATEMENT, hash_alg="sha256"),
        "signed with ecdsa-sha256, the AK's own scheme is ecdsa-sha384",
    ),
    (
        KEY.sign(STATEMENT),
        "signed with rsassa-sha256, the AK's own scheme is ecdsa-sha384",
    ),
    (aik.ecc_signature(b"", b"\1", hash_alg="sha384"), "r has 0 octets, expected 1 to 48"),
]


@pytest.mark.parametrize(("signature", "reason"), SIGNATURES)
def test_certify_alone_refuses_a_signature_that_is_not_the_aks(
    signature: bytes, reason: str
) -> None:
    result = endorsed(certified(KEY, statement=STATEMENT, signature=signature))
    assert (answer(result, CHECK), refusing(result)) == (("fail", reason), {CHECK})


def test_endorsing_keeps_the_makers_of_statements_honest() -> None:
    assert certify(KEY).endswith(NAMES)
    assert endorsing.EXTRA in certify(KEY)
