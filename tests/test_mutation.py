"""Every truncation and every single-octet change of what is signed, or signs, is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import pytest

import attest
from tests.aik import Aik, ecc_aik, rsa_aik
from tests.build import VALUES, base64_of, policy_text, quote, response
from tests.faults import truncations

AT = datetime(2026, 11, 24, tzinfo=UTC)
AIKS = {
    "rsassa": rsa_aik(),
    "rsapss": rsa_aik(scheme="rsapss"),
    "p256": ecc_aik(),
    "p521": ecc_aik("nist-p521", "sha512"),
}
MASKS = (0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x55, 0xFF)
Judge = Callable[[str, bytes], bool]


def flipped(octets: bytes, mask: int) -> Iterator[bytes]:
    """The octets with each of them changed in turn."""
    for place, octet in enumerate(octets):
        yield octets[:place] + bytes([octet ^ mask]) + octets[place + 1 :]


def longer(octets: bytes) -> Iterator[bytes]:
    """The octets with one more at each place."""
    for place in range(len(octets) + 1):
        for octet in (b"\0", b"\xff"):
            yield octets[:place] + octet + octets[place:]


def shorter(octets: bytes) -> Iterator[bytes]:
    """The octets with one fewer at each place."""
    for place in range(len(octets)):
        yield octets[:place] + octets[place + 1 :]


class Case:
    """An honest response whose structures can be exchanged one at a time."""

    def __init__(self, policy: attest.Policy | attest.PolicySet, aik: Aik, framing: str) -> None:
        attested = quote(aik, VALUES)
        framed = len(attested).to_bytes(2) + attested if framing else attested
        self.octets = {
            "quote_b64": framed,
            "signature_b64": aik.sign(attested),
            "aik_pubkey_b64": aik.public(),
        }
        self._policy = policy
        self._text = json.dumps(response(aik, quote=attested))
        self._text = self._with("quote_b64", framed, base64_of(attested))
        self._text = self._with("signature_b64", self.octets["signature_b64"])

    def _with(self, name: str, octets: bytes, old: str | None = None) -> str:
        member = json.loads(self._text)["_metadata"]["tpm_attestation"]
        return self._text.replace(f'"{old or member[name]}"', f'"{base64_of(octets)}"')

    def accepts(self, name: str, octets: bytes) -> bool:
        """Whether the response is accepted with these octets in place of the true ones."""
        return attest.verify(self._with(name, octets).encode(), self._policy, at=AT).accepted

    def accepted(self, name: str, inputs: Iterable[bytes]) -> list[str]:
        """The inputs that are accepted, and are not the truth."""
        truth = self.octets[name]
        return [one.hex() for one in inputs if one != truth and self.accepts(name, one)]


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> attest.Policy | attest.PolicySet:
    """A policy that asks for nothing but what no policy may waive, and for the hierarchy."""
    path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    aik = {"trust": "unanchored", "hierarchy": ["endorsement"]}
    path.write_text(policy_text(aik=aik), encoding="utf-8")
    return attest.load_policy(path)


@pytest.fixture(params=AIKS)
def case(policy: attest.Policy, request: pytest.FixtureRequest) -> Case:
    """A case for each kind of key, the quote bare."""
    return Case(policy, AIKS[request.param], "")


structures = pytest.mark.parametrize("name", ["quote_b64", "signature_b64", "aik_pubkey_b64"])


@structures
def test_the_truth_is_accepted(case: Case, name: str) -> None:
    assert case.accepts(name, case.octets[name])


@structures
def test_every_truncation_is_refused(case: Case, name: str) -> None:
    assert case.accepted(name, truncations(case.octets[name])) == []


@structures
@pytest.mark.parametrize("mask", MASKS, ids=hex)
def test_every_changed_octet_is_refused(case: Case, name: str, mask: int) -> None:
    assert case.accepted(name, flipped(case.octets[name], mask)) == []


@structures
def test_every_octet_more_is_refused(case: Case, name: str) -> None:
    assert case.accepted(name, longer(case.octets[name])) == []


@structures
def test_every_octet_fewer_is_refused(case: Case, name: str) -> None:
    assert case.accepted(name, shorter(case.octets[name])) == []


@pytest.mark.parametrize("mask", MASKS, ids=hex)
def test_every_changed_octet_of_a_framed_quote_is_refused(policy: attest.Policy, mask: int) -> None:
    framed = Case(policy, rsa_aik(), "TPM2B_ATTEST")

    assert framed.accepted("quote_b64", flipped(framed.octets["quote_b64"], mask)) == []


def test_every_truncation_of_a_framed_quote_is_refused(policy: attest.Policy) -> None:
    framed = Case(policy, ecc_aik(), "TPM2B_ATTEST")

    assert framed.accepted("quote_b64", truncations(framed.octets["quote_b64"])) == []
