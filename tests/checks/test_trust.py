"""``aik.trust``: an anchor besides the response itself, where the policy wants one."""

import hashlib

import pytest

from tests import aik
from tests.judging import Members, answer, refusing, verified

CHECK = "aik.trust"
KEY = aik.rsa_aik()
SPKI = hashlib.sha256(KEY.spki).digest()
OTHER = aik.ecc_aik()
OTHER_SPKI = hashlib.sha256(OTHER.spki).digest()
UNANCHORED = (
    "no anchor asked for: the evidence is self-consistent, and any software could have made it"
)


def enrolled(**how: object) -> Members:
    return {"aik": {"trust": "enrolled", **how}}


def test_trust_warns_where_no_anchor_is_asked_for() -> None:
    assert answer(verified(), CHECK) == ("warn", UNANCHORED)


def test_trust_warning_does_not_refuse_and_anchors_nothing() -> None:
    result = verified()
    assert (result.accepted, str(result.assurance)) == (True, "self-consistent")


@pytest.mark.parametrize(
    ("key", "how", "kind", "octets"),
    [
        (KEY, {"names": [KEY.name]}, "name", KEY.name),
        (KEY, {"names": [OTHER.name, KEY.name]}, "name", KEY.name),
        (KEY, {"spki_sha256": [SPKI]}, "spki_sha256", SPKI),
        (KEY, {"spki_sha256": [OTHER_SPKI, SPKI]}, "spki_sha256", SPKI),
        (KEY, {"names": [OTHER.name], "spki_sha256": [SPKI]}, "spki_sha256", SPKI),
        (KEY, {"names": [KEY.name], "spki_sha256": [OTHER_SPKI]}, "name", KEY.name),
        (KEY, {"names": [KEY.name], "spki_sha256": [SPKI]}, "name", KEY.name),
        (OTHER, {"names": [OTHER.name]}, "name", OTHER.name),
        (OTHER, {"spki_sha256": [OTHER_SPKI]}, "spki_sha256", OTHER_SPKI),
    ],
)
def test_trust_passes_where_the_key_is_enrolled(
    key: aik.Aik, how: dict[str, object], kind: str, octets: bytes
) -> None:
    result = verified(key, policy=enrolled(**how))
    anchor = {"trust": "enrolled", kind: octets.hex()}
    assert (answer(result, CHECK), result.to_dict()["anchor"], str(result.assurance)) == (
        ("pass", f"enrolled by {kind}"),
        anchor,
        "anchored",
    )


@pytest.mark.parametrize(
    "how",
    [
        {"names": [OTHER.name]},
        {"names": [KEY.qualified_name()]},
        {"names": [b"\0\x0b" + SPKI]},
        {"spki_sha256": [OTHER_SPKI]},
        {"spki_sha256": [KEY.name[2:]]},
        {"spki_sha256": [hashlib.sha256(KEY.public()).digest()]},
    ],
)
def test_trust_alone_refuses_where_the_key_is_not_enrolled(how: dict[str, object]) -> None:
    result = verified(policy=enrolled(**how))
    assert (answer(result, CHECK), refusing(result), str(result.assurance)) == (
        ("fail", f"the AIK {KEY.name.hex()} is not enrolled"),
        {CHECK},
        "self-consistent",
    )


def test_trust_by_name_covers_the_attributes() -> None:
    weaker = KEY.claiming(attributes=aik.ATTRIBUTES | aik.NO_DA)
    reason = f"the AIK {weaker.name.hex()} is not enrolled"
    assert answer(verified(weaker, policy=enrolled(names=[KEY.name])), CHECK) == ("fail", reason)


def test_trust_by_public_key_leaves_the_attributes_to_their_own_check() -> None:
    weaker = KEY.claiming(attributes=aik.ATTRIBUTES ^ aik.RESTRICTED)
    result = verified(weaker, policy=enrolled(spki_sha256=[SPKI]))
    assert (answer(result, CHECK)[0], refusing(result), str(result.assurance)) == (
        "pass",
        {"aik.attributes"},
        "none",
    )


def test_trust_in_a_key_that_did_not_sign_anchors_nothing() -> None:
    result = verified(
        aik.rsa_aik(fresh=True), public=KEY.public(), policy=enrolled(names=[KEY.name])
    )
    assert (str(result.assurance), "quote.signature" in refusing(result)) == ("none", True)


def test_trust_without_an_anchor_leaves_the_result_without_one() -> None:
    assert verified().to_dict()["anchor"] is None


@pytest.mark.parametrize("trust", ["tee"])
def test_trust_fails_by_name_where_it_is_not_built(trust: str) -> None:
    result = verified(policy={"aik": {"trust": trust}})
    reason = f"trust: {trust} is not verified by this version"
    assert (answer(result, CHECK), refusing(result)) == (("fail", reason), {CHECK})


def test_trust_is_skipped_without_a_readable_key() -> None:
    assert answer(verified(public=b""), CHECK) == ("skip", "the AIK could not be read")


@pytest.mark.parametrize(("policy", "refuses"), [({}, False), (enrolled(names=[KEY.name]), True)])
def test_trust_skipped_refuses_only_where_an_anchor_is_asked_for(
    policy: Members, refuses: bool
) -> None:
    assert (CHECK in refusing(verified(public=b"", policy=policy))) is refuses
