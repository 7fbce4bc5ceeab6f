"""Evidence of manufactured TPMs, anchored: by an enrolled key, by a chain, and by nothing less."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

import attest
from attest.enrolment.keys import EnrolledKey, read_ak
from attest.tpm.public import RsaKey
from tests import build
from tests.aik import ecc_aik
from tests.certificates import making
from tests.cli.calls import attest as command
from tests.live.collect.judged import FAST, SELECTION
from tests.live.enrolment.enrolling import Enrolment, said
from tests.manufacture import Maker
from tests.swtpm import Swtpm

CA = "The test's own CA"
NOW = datetime.now(UTC)


@pytest.fixture
def ak(first: Swtpm, enrolment: Enrolment) -> EnrolledKey:
    """The attestation key that stays in the first TPM."""
    assert said(enrolment.ask(first)) == (0, "")
    return read_ak(enrolment.asked().ak_pubkey_b64)


@pytest.fixture
def collected(first: Swtpm, ak: EnrolledKey, tmp_path: Path) -> dict[str, Any]:
    """Evidence by a key of its own, which the attestation key certified."""
    path = tmp_path / "response.json"
    words = ("--certify-with", "0x81010002", "--key", FAST["key"], "--scheme", FAST["scheme"])
    assert said(command("collect", "--tcti", first.tcti, *words, "-o", path)) == (0, "")
    response: dict[str, Any] = json.loads(path.read_bytes())
    return response


def judged(
    first: Swtpm, response: dict[str, Any], folder: Path, **aik: Any
) -> attest.AttestationResult:
    policy = folder / "policy.yaml"
    policy.write_text(build.policy_text(first.pcrs(SELECTION), aik=aik), encoding="utf-8")
    return attest.verify(
        json.dumps(response).encode(), attest.load_policy(policy), security_tier="maximum"
    )


def refusing(result: attest.AttestationResult) -> set[str]:
    return {check.id for check in result.refusals}


def member(response: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = response["_metadata"]["tpm_attestation"]
    return found


def test_key_certified_by_the_enrolled_one_is_anchored(
    first: Swtpm, ak: EnrolledKey, collected: dict[str, Any], tmp_path: Path
) -> None:
    result = judged(first, collected, tmp_path, trust="enrolled", names=[ak.name])

    assert (result.accepted, str(result.assurance)) == (True, "anchored")
    assert result.to_dict()["anchor"]["name"] == ak.name.hex()


def test_key_of_another_tpm_is_not_the_enrolled_one(
    first: Swtpm, second: Swtpm, collected: dict[str, Any], tmp_path: Path
) -> None:
    other = Enrolment(tmp_path / "other")
    other.ask(second)
    name = read_ak(other.asked().ak_pubkey_b64).name

    result = judged(first, collected, tmp_path, trust="enrolled", names=[name])

    assert (refusing(result), str(result.assurance)) == ({"aik.trust"}, "self-consistent")


def test_key_without_its_certification_is_self_consistent(
    first: Swtpm, ak: EnrolledKey, collected: dict[str, Any], tmp_path: Path
) -> None:
    del member(collected)["endorsement"]

    result = judged(first, collected, tmp_path, trust="enrolled", names=[ak.name])

    assert (refusing(result), str(result.assurance)) == ({"aik.trust"}, "self-consistent")


def test_spliced_software_key_is_refused_by_its_certification(
    first: Swtpm, ak: EnrolledKey, collected: dict[str, Any], tmp_path: Path
) -> None:
    payload_id = collected["_metadata"]["payload_id"]
    forged = build.response(ecc_aik(), payload_id=payload_id, values=first.pcrs(SELECTION))
    member(forged)["endorsement"] = member(collected)["endorsement"]

    result = judged(first, forged, tmp_path, trust="enrolled", names=[ak.name])

    assert refusing(result) == {"aik.certify", "aik.trust"}


class Chained:
    """Evidence to which a CA adds a certificate of the attestation key."""

    def __init__(self, ak: EnrolledKey, response: dict[str, Any], folder: Path) -> None:
        self._ak, self._response, self._folder = ak, response, folder

    def by(self, extensions: making.Extensions, valid: tuple[datetime, datetime]) -> Any:
        """The response with a chain, and the roots that a policy pins."""
        root = making.issue(CA, None, making.ca(), valid=HONEST["valid"])
        leaf = making.issue("machine", root, extensions, valid=valid, own=Public(self._ak))
        endorsement = member(self._response)["endorsement"]
        endorsement["ak_cert_chain_b64"] = [b64encode(leaf.der).decode()]
        (self._folder / "root.pem").write_bytes(root.pem)
        return self._response, [{"file": "root.pem", "sha256": sha256(root.pem).digest()}]


class Public:
    """The public half of the attestation key, where a CA asks for it."""

    def __init__(self, ak: EnrolledKey) -> None:
        self._key = ak.public.key

    def public_key(self) -> rsa.RSAPublicKey:
        assert isinstance(self._key, RsaKey)
        return rsa.RSAPublicNumbers(self._key.exponent, self._key.modulus).public_key()


@pytest.fixture
def chained(ak: EnrolledKey, collected: dict[str, Any], tmp_path: Path) -> Chained:
    return Chained(ak, collected, tmp_path)


HONEST: dict[str, Any] = {
    "valid": (NOW - timedelta(days=1), NOW + timedelta(days=1)),
    "extensions": making.ak(),
    "identity": "CN=machine",
}


@pytest.mark.parametrize(
    ("lies", "fault"),
    [
        ({}, set()),
        ({"valid": (NOW - timedelta(9), NOW - timedelta(2))}, {"aik.chain", "aik.trust"}),
        ({"extensions": making.ca()}, {"aik.chain", "aik.trust"}),
        ({"identity": "CN=another"}, {"aik.chain", "aik.trust"}),
    ],
    ids=["honest", "expired", "ca-as-leaf", "another-identity"],
)
def test_chain_of_the_attestation_key(
    first: Swtpm, chained: Chained, tmp_path: Path, lies: dict[str, Any], fault: set[str]
) -> None:
    told = HONEST | lies

    response, roots = chained.by(told["extensions"], told["valid"])
    identity = [{"subject": told["identity"]}]
    result = judged(first, response, tmp_path, trust="certified", roots=roots, identity=identity)

    assert refusing(result) == fault
    assert str(result.assurance) == ("self-consistent" if fault else "anchored")


def test_certificate_of_the_endorsement_key_chains_to_its_maker(
    first: Swtpm, ak: EnrolledKey, maker: Maker, enrolment: Enrolment, tmp_path: Path
) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(maker.roots)

    assert said(enrolment.challenged("--ek-roots", roots)) == (0, "")
    enrolment.answered(first)

    assert "chain: up to the root " in enrolment.finish().stdout


def test_certificate_of_another_maker_gets_no_challenge(
    ak: EnrolledKey, enrolment: Enrolment, tmp_path: Path
) -> None:
    other = making.issue(CA, None, making.ca())
    roots = tmp_path / "roots.pem"
    roots.write_bytes(other.pem)

    done = enrolment.challenged("--ek-roots", roots)

    assert (done.exit_code, "ek_cert_chain_b64" in done.stderr) == (1, True)
    assert not enrolment.kept.exists()
