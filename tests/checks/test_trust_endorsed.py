"""``aik.trust`` under ``enrolled``: an enrolled AK vouches for the AIK that it certifies."""

import importlib
from typing import Any

import pytest

import attest
from tests import aik
from tests.endorsing import AK, certified
from tests.judging import Members, answer, refusing, verified

CERTIFY = "aik.certify"
KEY = aik.rsa_aik()
OTHER = aik.ecc_aik()


def endorsed(
    member: dict[str, Any] | None = None, *, policy: Members | None = None
) -> attest.AttestationResult:
    """Verify a response with this endorsement, an honest certification by default."""
    told = certified(KEY) if member is None else member
    return verified(KEY, policy=policy, attestation={"endorsement": told})


@pytest.mark.parametrize("trust", ["name", "spki"])
def test_trust_passes_where_an_enrolled_ak_certifies_the_aik(trust: str) -> None:
    spki = aik.digest("sha256", AK.spki)
    kind, key = ("name", AK.name) if trust == "name" else ("spki_sha256", spki)
    how = {"names": [key]} if trust == "name" else {"spki_sha256": [key]}
    result = endorsed(policy={"aik": {"trust": "enrolled", **how}})
    assert (result.accepted, str(result.assurance)) == (True, "anchored")
    anchor = {"trust": "enrolled", kind: key.hex(), "via": "certify"}
    assert result.to_dict()["anchor"] == anchor
    reason = f"enrolled by {kind}, of the AK that certifies the AIK"
    assert answer(result, "aik.trust") == ("pass", reason)


def test_an_aik_that_is_enrolled_itself_needs_no_ak() -> None:
    result = endorsed(policy={"aik": {"trust": "enrolled", "names": [AK.name, KEY.name]}})
    assert result.to_dict()["anchor"] == {"trust": "enrolled", "name": KEY.name.hex()}


def test_trust_fails_where_the_ak_is_not_enrolled_either() -> None:
    result = endorsed(policy={"aik": {"trust": "enrolled", "names": [OTHER.name]}})
    reason = (
        f"the AIK {KEY.name.hex()} is not enrolled, nor is the AK {AK.name.hex()} that certifies it"
    )
    assert (answer(result, "aik.trust"), refusing(result)) == (("fail", reason), {"aik.trust"})


@pytest.mark.parametrize("lie", ["other AIK", "unrestricted", "signature"])
def test_an_enrolled_ak_anchors_nothing_where_its_certification_is_wrong(lie: str) -> None:
    free = AK.claiming(attributes=aik.ATTRIBUTES ^ aik.RESTRICTED)
    member = {
        "other AIK": certified(OTHER),
        "unrestricted": certified(KEY, free),
        "signature": certified(KEY, signature=OTHER.sign(b"")),
    }[lie]
    names = [AK.name, free.name]
    result = endorsed(member, policy={"aik": {"trust": "enrolled", "names": names}})
    assert refusing(result) == {"aik.trust", CERTIFY}
    assert (result.to_dict()["anchor"], str(result.assurance)) == (None, "self-consistent")
    reason = f"the AIK {KEY.name.hex()} is not enrolled, and aik.certify does not pass"
    assert answer(result, "aik.trust") == ("fail", reason)


def test_a_wrong_certification_refuses_an_aik_that_is_enrolled_itself() -> None:
    policy = {"aik": {"trust": "enrolled", "names": [KEY.name]}}
    result = endorsed(certified(OTHER), policy=policy)
    assert (refusing(result), answer(result, "aik.trust")[0]) == ({CERTIFY}, "pass")


def test_a_certification_alone_anchors_nothing() -> None:
    result = endorsed()
    assert (result.accepted, str(result.assurance)) == (True, "self-consistent")
    assert result.to_dict()["anchor"] is None


@pytest.mark.parametrize(
    ("room", "step", "check"),
    [("context", "certification_of", "aik.certify"), ("chaining", "chain_of", "aik.chain")],
)
def test_an_exception_on_the_way_to_a_verdict_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, room: str, step: str, check: str
) -> None:
    def broken(*_: object) -> None:
        raise LookupError("odd\x1b[2J")

    monkeypatch.setattr(importlib.import_module(f"attest.{room}"), step, broken)
    result = endorsed()
    assert answer(result, check) == ("fail", r"unexpected LookupError: odd\x1b[2J")
    assert refusing(result) == {check}
