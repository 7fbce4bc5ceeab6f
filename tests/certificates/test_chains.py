"""Chains to pinned roots that hold, whose key they are about, and how long they are kept."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from attest.certificates.chains import ChainValidator, demand_key
from attest.certificates.model import ChainError, ChainFault, Purpose
from tests.certificates.chaining import LEAF, MIDDLE, ROOT, SECOND, roots, validated, validator
from tests.certificates.making import (
    AIK,
    AT,
    EK,
    END,
    FOREVER,
    START,
    ak,
    ca,
    ek,
    fault,
    issue,
    odd_tpm_name,
    resigned,
    rsa_key,
    tpm_name,
    usages,
)


def test_a_chain_says_what_it_anchors() -> None:
    seen = validated(LEAF, MIDDLE)

    assert (seen.purpose, seen.subject, seen.issuer) == (Purpose.AK, "CN=leaf", "CN=middle")
    assert (seen.serial, seen.usages, seen.root_subject) == (1, (AIK,), "CN=root")
    assert (seen.path[0], seen.path[-1]) == (seen.leaf_sha256, seen.root_sha256)
    assert len(seen.path) == 3
    assert (seen.not_before, seen.not_after) == (START, END)
    assert seen.tpm is not None
    assert seen.tpm.vendor_name == "Intel"
    assert seen.to_dict()["gce"] is None


def test_an_ek_chain_holds() -> None:
    leaf = issue("ek", MIDDLE, ek((tpm_name(), True)))

    seen = validator().validate([leaf.der, MIDDLE.der], Purpose.EK, AT, "c")

    assert (seen.purpose, seen.usages) == (Purpose.EK, (EK,))


def test_intermediates_may_come_from_the_policy() -> None:
    assert validated(LEAF, by=validator(ROOT, MIDDLE)) == validated(LEAF, MIDDLE)


def test_the_root_may_stand_in_the_evidence() -> None:
    assert validated(LEAF, ROOT, MIDDLE) == validated(LEAF, MIDDLE)


def test_padding_changes_nothing() -> None:
    padded = [LEAF.der + bytes(300), MIDDLE.der + b"\xff"]

    assert validator().validate(padded, Purpose.AK, AT, "c") == validated(LEAF, MIDDLE)


def test_a_root_may_issue_the_leaf_itself() -> None:
    leaf = issue("leaf", ROOT, ak(), valid=(START, FOREVER))

    assert validated(leaf).not_after == FOREVER


def test_of_two_intermediates_the_one_valid_at_the_time_counts() -> None:
    old = issue("middle", ROOT, ca(), valid=(START, START + SECOND))

    assert validated(LEAF, old, MIDDLE) == validated(LEAF, MIDDLE)


def test_an_intermediate_of_any_usage_issues_for_all() -> None:
    middle = issue("middle", ROOT, [*ca(), (usages("2.5.29.37.0"), False)])

    assert validated(LEAF, middle).path[1] != validated(LEAF, MIDDLE).path[1]


@pytest.mark.parametrize("moment", [START, END, AT.astimezone(timezone(timedelta(hours=9)))])
def test_both_ends_of_the_validity_lie_inside(moment: datetime) -> None:
    assert validated(LEAF, MIDDLE, at=moment).holds_at(moment)


def test_rsa_chains_hold() -> None:
    root = issue("rsa root", None, ca(), own=rsa_key())
    leaf = issue("leaf", root, ak(), own=rsa_key(3072))

    assert validated(leaf, by=validator(root)).root_subject == "CN=rsa root"


def test_chains_signed_with_pss_hold() -> None:
    root = issue("pss root", None, ca(), own=rsa_key())
    scheme = padding.PSS(padding.MGF1(hashes.SHA384()), padding.PSS.DIGEST_LENGTH)
    leaf = issue("leaf", root, ak(), padding=scheme)

    assert validated(leaf, by=validator(root)).root_subject == "CN=pss root"


def test_a_tpm_named_in_an_odd_encoding_is_named() -> None:
    leaf = issue("leaf", MIDDLE, ak((odd_tpm_name(), True)))

    seen = validated(leaf, MIDDLE).tpm

    assert seen is not None
    assert seen.vendor == "INTC"


def test_a_root_signed_with_sha_1_is_trusted_as_it_stands() -> None:
    root = issue("sha1 root", None, ca(), own=rsa_key())
    weak = root._replace(der=resigned(root, rsa_key(), "sha1_rsa"))

    assert validated(issue("leaf", weak, ak()), by=validator(weak)).root_subject == "CN=sha1 root"


# --- keys ----------------------------------------------------------------------------------------


def test_a_chain_is_about_its_key() -> None:
    seen = validated(LEAF, MIDDLE)

    demand_key(seen, seen.spki_sha256, "c")


def test_refuses_the_chain_of_another_key() -> None:
    seen = validated(LEAF, MIDDLE)

    with pytest.raises(ChainError) as caught:
        demand_key(seen, bytes(32), "c")

    said = f"certifies the key with SPKI SHA-256 {seen.spki_sha256.hex()}, "
    said += f"the evidence's has {bytes(32).hex()}"
    assert fault(caught.value) == ("c[0]", ChainFault.OTHER_KEY, said)


# --- what is kept --------------------------------------------------------------------------------


def test_a_chain_is_validated_once() -> None:
    by = validator()

    assert validated(LEAF, MIDDLE, by=by) is validated(LEAF, MIDDLE, by=by)
    assert by.kept() == 1


def test_a_kept_chain_holds_only_in_its_interval() -> None:
    by = validator()
    validated(LEAF, MIDDLE, by=by)

    with pytest.raises(ChainError, match="expired"):
        validated(LEAF, MIDDLE, at=END + SECOND, by=by)
    with pytest.raises(ChainError, match="not valid before"):
        validated(LEAF, MIDDLE, at=START - SECOND, by=by)


def test_a_chain_kept_for_one_purpose_is_judged_anew_for_another() -> None:
    by = validator()
    validated(LEAF, MIDDLE, by=by)

    with pytest.raises(ChainError, match="extended key usage"):
        by.validate([LEAF.der, MIDDLE.der], Purpose.EK, AT, "c")


def test_octets_that_move_between_certificates_are_another_chain() -> None:
    by = validator()
    validated(LEAF, MIDDLE, by=by)

    with pytest.raises(ChainError, match="trailing octets"):
        by.validate([LEAF.der + MIDDLE.der[:5], MIDDLE.der[5:]], Purpose.AK, AT, "c")


def test_as_many_are_kept_as_was_said_those_last_asked_for() -> None:
    by = ChainValidator(roots(ROOT, MIDDLE), most=2)
    leaves = [issue("leaf", MIDDLE, ak(), serial=n) for n in (1, 2, 3)]
    first, second = (validated(leaf, by=by) for leaf in leaves[:2])
    assert validated(leaves[0], by=by) is first

    validated(leaves[2], by=by)

    assert by.kept() == 2
    assert validated(leaves[0], by=by) is first
    assert validated(leaves[1], by=by) is not second


def test_threads_may_share_a_validator() -> None:
    by = ChainValidator(roots(ROOT, MIDDLE), most=3)
    leaves = [issue("leaf", MIDDLE, ak(), serial=n) for n in range(1, 7)]
    serials = list(range(1, 7)) * 20

    with ThreadPoolExecutor(6) as pool:
        seen = list(pool.map(lambda n: validated(leaves[n - 1], by=by).serial, serials))

    assert (seen, by.kept()) == (serials, 3)


def test_a_chain_that_names_no_tpm_tells_none() -> None:
    assert validated(issue("leaf", ROOT, ak())).to_dict()["tpm"] is None
