"""``aik.chain``: certificates of the AIK, or of the AK that certifies it, to a pinned root."""

import hashlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import attest
from attest.context import Request
from attest.evidence import read_evidence
from attest.policy.loader import load_policy, parse_policy
from attest.policy.model import Policy
from attest.verify import appraise
from tests import aik, build
from tests.certificates import making
from tests.certificates.making import AT, Issued
from tests.endorsing import AK, certified, chained, leaf_of
from tests.judging import answer, octets_of, refusing

CHECK, TRUST = "aik.chain", "aik.trust"
KEY = aik.rsa_aik()
DAY = timedelta(days=1)
ROOT = making.issue("root", None, making.ca(), valid=(making.START - 365 * DAY, making.FOREVER))
MIDDLE = making.issue("middle", ROOT, making.ca(0))
LEAF = leaf_of(KEY, MIDDLE)
AK_LEAF = leaf_of(AK, MIDDLE)
STRANGER = making.issue("stranger", None, making.ca())
PLACE, AK_PLACE = "endorsement.aik_cert_chain_b64", "endorsement.ak_cert_chain_b64"
OWN = {"aik_cert_chain_b64": chained(LEAF, MIDDLE)}
AKS = chained(AK_LEAF, MIDDLE)
THROUGH = certified(KEY, ak_cert_chain_b64=AKS)


def sha256(issued: Issued) -> str:
    return hashlib.sha256(issued.der).hexdigest()


def pinned(folder: Path, name: str, octets: bytes) -> dict[str, object]:
    (folder / name).write_bytes(octets)
    return {"file": name, "sha256": hashlib.sha256(octets).digest()}


def policy_in(folder: Path, *roots: Issued, **how: Any) -> Policy:
    """A policy of trust certified that pins these roots; keywords replace its other members."""
    octets = how.pop("octets", None) or b"".join(one.pem for one in roots or (ROOT,))
    rules = {
        "trust": "certified",
        "roots": [pinned(folder, "roots.pem", octets)],
        "identity": [{"subject": "CN=host-17"}],
        **how,
    }
    path = folder / "policy.yaml"
    path.write_text(build.policy_text(build.VALUES, aik=rules), encoding="utf-8")
    loaded = load_policy(path)
    assert isinstance(loaded, Policy)
    return loaded


def judged(
    policy: Policy, endorsement: dict[str, Any], at: datetime = AT, key: aik.Aik = KEY, **told: Any
) -> attest.AttestationResult:
    response = build.response(key, attestation={"endorsement": endorsement}, **told)
    return attest.verify(octets_of(response), policy, at=at)


def assert_broken(result: attest.AttestationResult, reason: str) -> None:
    """The chain and the trust in it refuse, and nothing is anchored."""
    assert answer(result, CHECK) == ("fail", reason)
    assert answer(result, TRUST) == (
        "fail",
        f"the AIK {KEY.name.hex()} is not certified: aik.chain does not pass",
    )
    assert refusing(result) == {CHECK, TRUST}
    assert (str(result.assurance), result.to_dict()["anchor"]) == ("self-consistent", None)


def test_chain_of_the_aik_anchors_it_and_says_how(tmp_path: Path) -> None:
    result = judged(policy_in(tmp_path), OWN)
    leaf, root = sha256(LEAF), sha256(ROOT)
    assert (result.accepted, str(result.assurance)) == (True, "anchored")
    assert answer(result, TRUST) == ("pass", "certified by a chain to a pinned root")
    assert answer(result, CHECK) == (
        "pass",
        (
            f"{PLACE}: leaf {leaf}, subject CN=host-17, to the root {root} (CN=root); valid "
            "2026-01-01T00:00:00+00:00 to 2027-01-01T00:00:00+00:00, "
            "judged at 2026-06-01T00:00:00+00:00"
        ),
    )
    assert result.to_dict()["anchor"] == {
        "trust": "certified",
        "leaf_sha256": leaf,
        "subject": "CN=host-17",
        "issuer": "CN=middle",
        "serial": "1",
        "root_sha256": root,
        "root_subject": "CN=root",
        "not_before": "2026-01-01T00:00:00+00:00",
        "not_after": "2027-01-01T00:00:00+00:00",
        "tpm": {
            "manufacturer": "id:494E5443",
            "vendor": "INTC",
            "vendor_name": "Intel",
            "model": "model",
            "version": "id:00010002",
        },
        "gce": None,
        "identity": {"subject": "CN=host-17"},
    }


def test_chain_of_the_ak_anchors_the_aik_that_it_certifies(tmp_path: Path) -> None:
    result = judged(policy_in(tmp_path), THROUGH)
    anchor = result.to_dict()["anchor"]
    assert (result.accepted, str(result.assurance)) == (True, "anchored")
    assert (anchor["via"], anchor["leaf_sha256"]) == ("certify", sha256(AK_LEAF))
    assert max(anchor) == "via"  # the questions of a replay find it at the end
    assert answer(result, TRUST) == (
        "pass",
        "certified by a chain to a pinned root, of the AK that certifies the AIK",
    )


def test_chains_of_both_are_both_judged_and_the_aiks_own_is_the_anchor(tmp_path: Path) -> None:
    policy = policy_in(tmp_path)
    both = judged(policy, {**OWN, **THROUGH})
    assert both.to_dict()["anchor"]["leaf_sha256"] == sha256(LEAF)
    wrong = judged(policy, {**OWN, **certified(KEY, ak_cert_chain_b64=chained(LEAF, MIDDLE))})
    assert answer(wrong, CHECK)[1].startswith(f"{AK_PLACE}[0]: certifies the key with SPKI")


@pytest.mark.parametrize(
    "identity",
    [{"leaf_sha256": hashlib.sha256(LEAF.der).digest()}, {"subject": "CN=host-17"}],
)
def test_chain_passes_by_any_identity_that_matches(
    tmp_path: Path, identity: dict[str, object]
) -> None:
    others = [{"subject": "CN=a"}, {"gce": {"project": "p", "instance": "i"}}]
    result = judged(policy_in(tmp_path, identity=[*others, identity]), OWN)
    assert result.accepted
    named = result.to_dict()["anchor"]["identity"]
    assert named in ({"leaf_sha256": sha256(LEAF)}, {"subject": "CN=host-17"})


@pytest.mark.parametrize(
    "identity",
    [
        {"subject": "CN=host-18"},
        {"leaf_sha256": bytes(32)},
        {"gce": {"project": "p", "instance": "i"}},
    ],
)
def test_chain_refuses_another_machine(tmp_path: Path, identity: dict[str, object]) -> None:
    result = judged(policy_in(tmp_path, identity=[identity]), OWN)
    told = f"leaf {sha256(LEAF)}, subject CN=host-17"
    assert_broken(result, f"{PLACE}: names no machine of the policy: {told}")


def test_chain_refuses_another_root(tmp_path: Path) -> None:
    result = judged(policy_in(tmp_path, STRANGER), OWN)
    fault = "no path to a pinned root: no certificate of its issuer, CN=root"
    assert_broken(result, f"{PLACE}[1]: {fault}")


@pytest.mark.parametrize(
    ("at", "fault"),
    [
        (making.END + DAY, "expired at 2027-01-01T00:00:00+00:00; judged at 2027-01-02T"),
        (making.START - DAY, "not valid before 2026-01-01T00:00:00+00:00; judged at 2025-12-31T"),
    ],
)
def test_chain_is_judged_at_the_time_of_the_appraisal(
    tmp_path: Path, at: datetime, fault: str
) -> None:
    assert_broken(judged(policy_in(tmp_path), OWN, at), f"{PLACE}[0]: {fault}00:00:00+00:00")


def test_chain_without_a_known_time_is_refused(tmp_path: Path) -> None:
    response = octets_of(build.response(KEY, attestation={"endorsement": OWN}))
    result = appraise(read_evidence(response), policy_in(tmp_path), Request())
    assert_broken(result, "the time of the evidence is unknown, and certificates have their time")


def test_chain_refuses_the_certificate_of_another_key(tmp_path: Path) -> None:
    result = judged(policy_in(tmp_path), {"aik_cert_chain_b64": AKS})
    seen, wanted = hashlib.sha256(AK.spki).hexdigest(), hashlib.sha256(KEY.spki).hexdigest()
    fault = f"certifies the key with SPKI SHA-256 {seen}, the evidence's has {wanted}"
    assert_broken(result, f"{PLACE}[0]: {fault}")


def test_chain_refuses_a_ca_as_leaf(tmp_path: Path) -> None:
    leaf = leaf_of(KEY, MIDDLE, extensions=making.ca())
    result = judged(policy_in(tmp_path), {"aik_cert_chain_b64": chained(leaf, MIDDLE)})
    assert_broken(result, f"{PLACE}[0]: is a CA certificate, expected a leaf")


@pytest.mark.parametrize("junk", [b"junk", b"0\x80", bytes(64)])
def test_chain_refuses_what_is_no_certificate(tmp_path: Path, junk: bytes) -> None:
    result = judged(policy_in(tmp_path), {"aik_cert_chain_b64": chained(junk, MIDDLE)})
    outcome, reason = answer(result, CHECK)
    assert (outcome, reason.startswith(f"{PLACE}[0]: ")) == ("fail", True)


LEAF_DIGEST = hashlib.sha256(LEAF.der).digest()
SPKI = hashlib.sha256(KEY.spki).digest()


@pytest.mark.parametrize(
    ("entry", "place", "said"),
    [
        ({"sha256": LEAF_DIGEST, "reason": "sold"}, 0, "revoked by fingerprint: sold"),
        ({"issuer": "CN=middle", "serial": b"\1"}, 0, "revoked by issuer and serial number"),
        ({"spki_sha256": SPKI}, 0, "revoked by its key"),
        ({"sha256": hashlib.sha256(MIDDLE.der).digest()}, 1, "revoked by fingerprint"),
    ],
)
def test_chain_refuses_what_the_policy_revokes(
    tmp_path: Path, entry: dict[str, object], place: int, said: str
) -> None:
    result = judged(policy_in(tmp_path, revoked_certificates=[entry]), OWN)
    assert_broken(result, f"{PLACE}[{place}]: {said}")


def test_chain_takes_intermediates_of_the_policy(tmp_path: Path) -> None:
    bare = {"aik_cert_chain_b64": chained(LEAF)}
    middle = [pinned(tmp_path, "middle.pem", MIDDLE.pem)]
    assert judged(policy_in(tmp_path, intermediates=middle), bare).accepted
    without = judged(policy_in(tmp_path), bare)
    fault = "no path to a pinned root: no certificate of its issuer, CN=middle"
    assert_broken(without, f"{PLACE}[0]: {fault}")


def test_intermediates_of_the_policy_are_no_roots(tmp_path: Path) -> None:
    extra = [pinned(tmp_path, "other.pem", ROOT.pem + MIDDLE.pem)]
    result = judged(policy_in(tmp_path, STRANGER, intermediates=extra), OWN)
    assert refusing(result) == {CHECK, TRUST}


def test_a_root_file_that_holds_none_refuses_by_name(tmp_path: Path) -> None:
    policy = policy_in(tmp_path, octets=b"no certificates")
    assert_broken(judged(policy, OWN), "roots.pem: holds no PEM")


def test_chain_is_skipped_where_there_is_none_and_trust_refuses(tmp_path: Path) -> None:
    result = judged(policy_in(tmp_path), {})
    reason = "the evidence has no certificate chain"
    assert (answer(result, CHECK), refusing(result)) == (("skip", reason), {TRUST})
    wanted = f"the AIK {KEY.name.hex()} is not certified: {reason}"
    assert answer(result, TRUST) == ("fail", wanted)


@pytest.mark.parametrize(
    "endorsement",
    [
        {"ak_cert_chain_b64": AKS},
        certified(aik.ecc_aik(), ak_cert_chain_b64=AKS),
        certified(KEY, AK.claiming(attributes=0x40072), ak_cert_chain_b64=AKS),
    ],
    ids=["no certification", "of another AIK", "unrestricted"],
)
def test_chain_of_an_ak_says_nothing_of_an_aik_that_it_does_not_certify(
    tmp_path: Path, endorsement: dict[str, Any]
) -> None:
    result = judged(policy_in(tmp_path), endorsement)
    reason = "no AK certifies the AIK, so that its chain says nothing of it"
    assert (answer(result, CHECK), TRUST in refusing(result)) == (("skip", reason), True)
    assert str(result.assurance) == "self-consistent"


@pytest.mark.parametrize("how", [{"trust": "unanchored"}, {"trust": "enrolled"}])
def test_chain_is_skipped_where_the_policy_asks_for_none(how: dict[str, Any]) -> None:
    trust = how["trust"]
    names = {"names": [KEY.name]} if trust == "enrolled" else {}
    policy = parse_policy(
        build.policy_text(build.VALUES, aik={**how, **names}).encode(), "policy.yaml"
    )
    result = judged(policy, OWN)
    reason = f"trust: {trust} asks for no certificate chain"
    assert (answer(result, CHECK), result.accepted) == (("skip", reason), True)


def test_chain_is_skipped_without_a_key_that_it_could_be_about(tmp_path: Path) -> None:
    result = judged(policy_in(tmp_path), OWN, public=b"")
    assert answer(result, CHECK) == ("skip", "there is no AIK that the chain could be about")
    assert TRUST in refusing(result)


def test_a_self_consistent_forgery_is_refused_under_certified(tmp_path: Path) -> None:
    forger = aik.rsa_aik(fresh=True)
    result = judged(policy_in(tmp_path), OWN, key=forger)
    assert refusing(result) == {CHECK, TRUST}


def test_the_anchor_of_another_policy_is_never_kept(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    right, wrong = policy_in(tmp_path), policy_in(tmp_path / "other", STRANGER)
    decisions = [judged(policy, OWN).accepted for policy in (right, wrong, right, wrong)]
    assert decisions == [True, False, True, False]
