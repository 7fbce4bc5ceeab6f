"""Whole quotes for several verifiers to judge, with what attest says of each."""

import copy
import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import attest
from attest import MalformedError
from attest.policy.loader import parse_policy
from attest.policy.model import Policy, PolicySet
from attest.tpm.attestation import TpmsQuoteInfo, parse_attest
from tests import build
from tests.aik import ALG, Aik, digest, ecc_aik, rsa_aik
from tests.peers import corpus
from tests.peers.pcrfile import Values
from tests.recorded import FIXTURES, REAL
from tests.test_fixtures import arguments_of, expected_of

FORM: Final = "evidence.form"
SHARED: Final = {
    *("quote.magic", "quote.type", "quote.signature", "quote.nonce"),
    *("quote.selection", "quote.digest"),
}
"""What other verifiers of quotes ask too, each its part of it."""
MUTANTS: Final = 240
BANK_NAMES: Final = {number: name for name, number in ALG.items() if name.startswith("sha")}
MANY: Final[build.Values] = {"sha256": {i: digest("sha256", bytes([i])) for i in range(24)}}
TWO: Final[build.Values] = {"sha1": {0: bytes(range(20))}, **build.VALUES}
THREE: Final[build.Values] = {
    "sha256": {i: digest("sha256", b"boot", bytes([i])) for i in (0, 1, 7)}
}


@dataclass(frozen=True)
class Case:
    """One quote with all that a verifier needs.

    Attributes:
        name: Which fixture, or which lie.
        quote: TPMS_ATTEST.
        signature: TPMT_SIGNATURE.
        public: TPM2B_PUBLIC.
        nonce: The extraData that is expected.
        values: The PCR values as reported, in the order of the signed selection.
        refused: The checks of SHARED, and FORM, that attest could ask and does not pass.
        accepted: Whether all of them pass.
    """

    name: str
    quote: bytes
    signature: bytes
    public: bytes
    nonce: bytes
    values: Values
    refused: frozenset[str]
    accepted: bool

    @property
    def banks(self) -> list[str]:
        """The banks that are reported."""
        return list(dict.fromkeys(bank for bank, _, _ in self.values))


def judged(
    name: str, response: Mapping[str, Any], policy: Policy | PolicySet, asking: Mapping[str, Any]
) -> Case | None:
    """Ask attest; None where a quote could not be handed to another verifier at all.

    Others are told the PCR values and no more, so ``pcr_banks`` is written to fit them.
    """
    response = copy.deepcopy(dict(response))
    member = corpus.attestation_of(response)
    structures, reported = corpus.structures_of(member), _reported(member)
    nonce = _nonce(response, asking)
    if structures is None or not reported or not nonce:
        return None
    told = {"pcr_values": build.hex_values(reported), "pcr_banks": build.banks_text(reported)}
    member |= told
    quote = structures.quote
    extra_data, order = None, list[str]()
    try:
        parsed = parse_attest(quote)
    except MalformedError:
        pass
    else:
        quote, extra_data = parsed.signed, parsed.extra_data
        if isinstance(parsed.attested, TpmsQuoteInfo):
            order = [BANK_NAMES.get(one.hash, "") for one in parsed.attested.pcr_select]
    result = attest.verify(json.dumps(response).encode(), policy, **asking)
    outcomes = {check.id: check.outcome for check in result.checks}
    asked = {check: outcomes[check] for check in (*SHARED, FORM)}
    refused = frozenset(one for one, outcome in asked.items() if outcome not in {"pass", "skip"})
    accepted = set(asked.values()) == {"pass"}
    if "quote.nonce" in refused and extra_data == nonce:
        return None  # refused by the ids alone, which no other verifier sees
    banks = sorted(reported, key=lambda bank: order.index(bank) if bank in order else len(order))
    values = [(bank, index, reported[bank][index]) for bank in banks for index in reported[bank]]
    octets = (quote, structures.signature, structures.public)
    return Case(name, *octets, nonce, values, refused, accepted)


@functools.cache
def all_cases() -> tuple[Case, ...]:
    """Every case: fixtures, mutations of those that a TPM made, and lies by software keys."""
    found = (*_fixtures(), *_mutants(), *_lies())
    return tuple(case for case in found if case is not None)


def _reported(member: Mapping[str, Any]) -> dict[str, dict[int, bytes]]:
    """The reported values, ascending; none where a PCR file could not hold them."""
    found: dict[str, dict[int, bytes]] = {}
    banks = member.get("pcr_values")
    try:
        for bank, values in banks.items() if isinstance(banks, dict) else ():
            read = {int(index): bytes.fromhex(value) for index, value in values.items()}
            if bank not in BANK_NAMES.values() or not set(read) <= set(range(24)):
                return {}
            found[bank] = dict(sorted(read.items()))
    except (AttributeError, TypeError, ValueError):
        return {}
    return {bank: values for bank, values in found.items() if values}


def _nonce(response: Mapping[str, Any], asking: Mapping[str, Any]) -> bytes | None:
    """The extraData that the caller expects."""
    if "nonce" in asking:
        return bytes(asking["nonce"])
    payload_id = asking.get("payload_id", response["_metadata"].get("payload_id"))
    if not isinstance(payload_id, str) or not payload_id:
        return None
    try:
        return build.nonce_of(payload_id)
    except UnicodeEncodeError:
        return None


def _fixtures() -> Iterator[Case | None]:
    for name, response in corpus.responses().items():
        folder = FIXTURES / name
        expected = expected_of(folder)
        if not expected.get("octets_only") and corpus.attestation_of(response):
            policy = attest.load_policy(folder / "policy.yaml")
            yield judged(name, response, policy, arguments_of(expected))


def _mutants() -> Iterator[Case | None]:
    random = Random("mutants")  # noqa: S311 - repeatable, not secret
    for number in range(MUTANTS):
        name = random.choice(REAL)
        folder = FIXTURES / name
        response = copy.deepcopy(corpus.responses()[name])
        changed = _change(random, response["_metadata"])
        policy = attest.load_policy(folder / "policy.yaml")
        asking = arguments_of(expected_of(folder))
        yield judged(f"{name}, {changed} (mutant {number})", response, policy, asking)


def _change(random: Random, metadata: dict[str, Any]) -> str:
    """Change one bit of the evidence; say where."""
    member = metadata["tpm_attestation"]
    what = random.choice(("quote_b64", "quote_b64", "signature_b64", "aik_pubkey_b64", "value"))
    if what != "value":
        octets = bytearray(corpus.octets_of(member, what) or b"\0")
        at = random.randrange(len(octets))
        octets[at] ^= 1 << random.randrange(8)
        member[what] = build.base64_of(bytes(octets))
        return f"{what} octet {at}"
    bank = random.choice(sorted(member["pcr_values"]))
    index = random.choice(sorted(member["pcr_values"][bank]))
    value = bytearray.fromhex(member["pcr_values"][bank][index])
    value[random.randrange(len(value))] ^= 1 << random.randrange(8)
    member["pcr_values"][bank][index] = value.hex()
    return f"{bank}:{index}"


def _lies() -> Iterator[Case | None]:
    keys = [
        *(rsa_aik(), rsa_aik(scheme="rsapss"), rsa_aik(3072), rsa_aik(hash_alg="sha512")),
        *(ecc_aik(), ecc_aik("nist-p384", "sha384"), ecc_aik("nist-p521", "sha512")),
    ]
    for key in keys:
        for name, values, lies, quoted in _told(key):
            response = build.response(key, values=values, quoted=quoted, **lies)
            policy = parse_policy(build.policy_text(values).encode(), "policy.yaml")
            private = f"{key.scheme}-{key.hash_alg} {key.private.key_size}"
            yield judged(f"{private}: {name}", response, policy, {})


def _told(
    key: Aik,
) -> Iterator[tuple[str, build.Values, build.ResponseLies, build.QuoteLies]]:
    """Honest quotes and signed lies, one about each thing that verifiers share."""
    nonce = build.nonce_of(build.PAYLOAD_ID)
    for values in (build.VALUES, THREE, TWO, MANY):
        yield f"honest over {build.banks_text(values)}", values, {}, {}
    for magic in (0, 0xFF544346, 0x474354FF):
        yield f"magic {magic:08x}", THREE, {}, {"magic": magic}
    for kind in ("certify", "time", "creation", "nv"):
        octets = build.other(kind, key, extra_data=nonce)
        yield f"type {kind}", THREE, {"quote": octets}, {}
    for kind in ("certify", "time", "command-audit"):
        yield f"a quote that says {kind}", THREE, {}, {"type": build.TYPE[kind]}
    for extra in (b"", nonce[:15], nonce + b"\0", nonce[::-1], nonce.hex().encode()):
        yield f"extraData {extra.hex()}", THREE, {}, {"extra_data": extra}
    for indices in ([16, 17, 23], [0, 1, 8], [1, 2, 8]):
        relabelled: build.QuoteLies = {"selection": [("sha256", indices)]}
        yield f"PCRs {indices} shown as 0, 1, 7", THREE, {}, relabelled
    for size in (0, 20, 31, 32):
        yield f"pcrDigest of {size} other octets", THREE, {}, {"digest": bytes(size)}
    reported = {"sha256": {**THREE["sha256"], 1: bytes(32)}}
    yield "a value changed", THREE, {"pcr_values": build.hex_values(reported)}, {}
    yield "signed by another key", THREE, {"public": _other(key).public()}, {}


def _other(key: Aik) -> Aik:
    """Another key that makes the same claims."""
    bits = key.private.key_size
    if key.scheme == "ecdsa":
        return ecc_aik(f"nist-p{bits}", key.hash_alg, fresh=True)
    return rsa_aik(bits, key.scheme, key.hash_alg, fresh=True)
