"""``quote.signer``: the signed qualifiedSigner ties the public area to the quote."""

import pytest

from tests import aik, build
from tests.judging import Members, answer, refusing, verified

CHECK = "quote.signer"
KEY = aik.rsa_aik()
CHILD = KEY.qualified_name(aik.ecc_aik().qualified_name())
UNKNOWN = "the AIK is under a parent that is not known, or the quote is by another key"


def allowing(*hierarchies: str) -> Members:
    return {"aik": {"trust": "unanchored", "hierarchy": list(hierarchies)}}


@pytest.mark.parametrize("hierarchy", aik.HIERARCHY)
def test_signer_passes_on_a_primary_of_any_hierarchy(hierarchy: str) -> None:
    result = verified(quoted={"signer": KEY.qualified_name(hierarchy)})
    reason = f"qualifiedSigner is the AIK as a primary of {hierarchy}"
    assert answer(result, CHECK) == ("pass", reason)


@pytest.mark.parametrize("hierarchy", aik.HIERARCHY)
def test_signer_passes_on_the_one_hierarchy_that_is_allowed(hierarchy: str) -> None:
    result = verified(quoted={"signer": KEY.qualified_name(hierarchy)}, policy=allowing(hierarchy))
    assert answer(result, CHECK)[0] == "pass"


@pytest.mark.parametrize("hierarchy", aik.HIERARCHY)
def test_signer_fails_on_a_hierarchy_that_is_not_allowed(hierarchy: str) -> None:
    allowed = [other for other in aik.HIERARCHY if other != hierarchy]
    result = verified(quoted={"signer": KEY.qualified_name(hierarchy)}, policy=allowing(*allowed))
    reason = f"the AIK is a primary of {hierarchy}, expected {' or '.join(allowed)}"
    assert answer(result, CHECK) == ("fail", reason)


def test_signer_alone_refuses_another_hierarchy() -> None:
    result = verified(
        quoted={"signer": KEY.qualified_name("owner")}, policy=allowing("endorsement")
    )
    assert refusing(result) == {CHECK}


@pytest.mark.parametrize("hierarchy", aik.HIERARCHY)
def test_result_names_the_hierarchy(hierarchy: str) -> None:
    result = verified(quoted={"signer": KEY.qualified_name(hierarchy)})
    assert result.to_dict()["aik"] == {"name": KEY.name.hex(), "hierarchy": hierarchy}


def test_signer_warns_on_a_child_of_an_unknown_parent() -> None:
    assert answer(verified(quoted={"signer": CHILD}), CHECK) == ("warn", UNKNOWN)


def test_signer_warning_does_not_refuse() -> None:
    assert verified(quoted={"signer": CHILD}).accepted


def test_result_names_no_hierarchy_of_a_child() -> None:
    assert verified(quoted={"signer": CHILD}).to_dict()["aik"]["hierarchy"] is None


def test_signer_fails_on_a_child_where_the_policy_names_hierarchies() -> None:
    result = verified(quoted={"signer": CHILD}, policy=allowing(*aik.HIERARCHY))
    assert answer(result, CHECK) == ("fail", UNKNOWN)


def test_signer_warns_on_a_public_area_with_other_attributes() -> None:
    swapped = KEY.public(attributes=aik.ATTRIBUTES | aik.NO_DA)
    assert answer(verified(public=swapped), CHECK) == ("warn", UNKNOWN)


@pytest.mark.parametrize("handle", [0x40000002, 0x4000000A, 0x40000010, 0])
def test_signer_warns_on_a_primary_of_a_hierarchy_that_signs_no_quotes(handle: int) -> None:
    result = verified(quoted={"signer": KEY.qualified_name(handle.to_bytes(4))})
    assert answer(result, CHECK) == ("warn", UNKNOWN)


@pytest.mark.parametrize("policy", [{}, allowing("endorsement")], ids=["silent", "allowing"])
@pytest.mark.parametrize(
    "signer",
    [
        b"",
        b"\0",
        b"\0\x0b",
        KEY.qualified_name()[:-1],
        KEY.qualified_name() + b"\0",
        KEY.qualified_name()[2:],
        b"\0\x0c" + KEY.qualified_name()[2:],
        b"\0\x0c" + bytes(48),
        b"\x0b\0" + KEY.qualified_name()[2:],
        aik.HIERARCHY["endorsement"].to_bytes(4),
    ],
)
def test_signer_fails_on_what_is_no_qualified_name(signer: bytes, policy: Members) -> None:
    result = verified(quoted={"signer": signer}, policy=policy)
    reason = f"qualifiedSigner is {signer.hex() or 'empty'}, no sha256 qualified Name"
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("name_alg", ["sha1", "sha256", "sha384", "sha512", "sha3_384"])
def test_signer_follows_the_name_algorithm_of_the_key(name_alg: str) -> None:
    key = KEY.claiming(name_alg=name_alg)
    assert answer(verified(key), CHECK)[0] == "pass"


@pytest.mark.parametrize(("name_alg", "size"), [("sha1", 20), ("sha384", 48), ("sha512", 64)])
def test_signer_asks_for_the_digest_of_the_name_algorithm(name_alg: str, size: int) -> None:
    key = KEY.claiming(name_alg=name_alg)
    outcomes = [
        answer(
            verified(key, quoted={"signer": aik.ALG[name_alg].to_bytes(2) + bytes(length)}), CHECK
        )[0]
        for length in (size - 1, size)
    ]
    assert outcomes == ["fail", "warn"]


def test_signer_alone_refuses_an_empty_name() -> None:
    assert refusing(verified(quoted={"signer": b""})) == {CHECK}


def test_signer_is_judged_in_other_attestations_too() -> None:
    result = verified(quote=build.other("time", KEY))
    assert answer(result, CHECK)[0] == "pass"


@pytest.mark.parametrize("unread", ["quote", "public"])
def test_signer_is_skipped_where_a_side_cannot_be_read(unread: str) -> None:
    result = verified(quote=b"") if unread == "quote" else verified(public=b"")
    assert answer(result, CHECK) == ("skip", "the quote or the AIK could not be read")


@pytest.mark.parametrize(("policy", "refuses"), [({}, False), (allowing("owner"), True)])
def test_signer_skipped_refuses_only_where_hierarchies_are_named(
    policy: Members, refuses: bool
) -> None:
    assert (CHECK in refusing(verified(public=b"", policy=policy))) is refuses
