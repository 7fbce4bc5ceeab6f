"""The fuzz targets hold over every seed, without atheris, and break where a property does."""

import json
from zlib import crc32

import pytest

from attest.evidence import read_evidence
from fuzz import seeds
from fuzz.mutator import AppraisalMutator, PolicyMutator, ResponseMutator
from fuzz.properties import BrokenPropertyError, meaning_of, require, require_one_line, twin_of
from fuzz.targets import TARGETS, judge_appraisal
from tests import build

HONEST = "swtpm-rsa2048-rsassa-sha256"
ROUNDS = 300


def fixture(name: str) -> seeds.Fixture:
    (one,) = (fixture for fixture in seeds.fixtures() if fixture.name == name)
    return one


def noise(octets: bytes, most: int) -> bytes:
    """Stand in for libFuzzer's own mutation."""
    chance = crc32(octets)
    at = chance % (len(octets) + 1)
    return (octets[:at] + chance.to_bytes(4, "big")[:2] + octets[at + 1 :])[:most]


@pytest.mark.parametrize("name", TARGETS)
def test_target_holds_over_every_seed(name: str) -> None:
    target = TARGETS[name]
    octets = target.seeds()
    assert len(octets) > 30
    for one in [b"", *octets]:
        target.judge(one)


@pytest.mark.parametrize("name", TARGETS)
def test_most_seeds_fit_the_longest_input(name: str) -> None:
    target = TARGETS[name]
    octets = target.seeds()
    assert sum(len(one) <= target.longest for one in octets) > 0.9 * len(octets)


def test_every_fixture_takes_part() -> None:
    assert len(seeds.fixtures()) == len(list(seeds.FIXTURES.glob("*/response.json")))
    assert len(seeds.cases()) <= 256, "one octet chooses the case"


def test_a_genuine_signature_is_known_and_a_broken_one_is_not() -> None:
    honest, broken = (
        meaning_of(read_evidence(fixture(name).octets)) for name in (HONEST, "forged-signature-bit")
    )
    assert honest in seeds.genuine()
    assert broken is not None
    assert broken not in seeds.genuine()


def test_a_signature_stays_genuine_where_the_lie_about_its_key_is_taken_back() -> None:
    lying, honest = (
        json.loads(fixture(name).octets)
        for name in ("forged-key-type-keyedhash", "forged-software-key")
    )
    key = honest["_metadata"]["tpm_attestation"]["aik_pubkey_b64"]
    lying["_metadata"]["tpm_attestation"]["aik_pubkey_b64"] = key
    assert meaning_of(read_evidence(lying)) in seeds.genuine()


def test_a_response_of_an_unknown_key_counts_as_a_forgery() -> None:
    honest = fixture(HONEST)
    values = json.loads(honest.octets)["_metadata"]["tpm_attestation"]["pcr_values"]
    made = build.response(
        values={
            bank: {int(index): bytes.fromhex(value) for index, value in pcrs.items()}
            for bank, pcrs in values.items()
        }
    )
    with pytest.raises(BrokenPropertyError, match="a forgery is accepted"):
        judge_appraisal(bytes([honest.case]) + json.dumps(made).encode())


def test_a_property_that_does_not_hold_raises() -> None:
    with pytest.raises(BrokenPropertyError, match="said"):
        require(holds=False, says="said")
    with pytest.raises(BrokenPropertyError, match="not printable"):
        require_one_line("a\x1b[31mb")


@pytest.mark.parametrize(
    ("octets", "duplicate", "value"),
    [
        (b'{"a": 1}', False, {"a": 1}),
        (b'{"a": {"b": 1, "\\u0062": 2}}', True, {"a": {"b": 2}}),
        (b'\xef\xbb\xbf{"a": 1}', False, None),
        ('{"a": 1}'.encode("utf-16"), False, None),
        (b"[" * 100_000, False, None),
    ],
)
def test_twin_reads_as_python_does(octets: bytes, duplicate: bool, value: object) -> None:
    assert twin_of(octets) == (value, duplicate)


def test_response_mutations_keep_the_shape_and_the_bound() -> None:
    octets = fixture(HONEST).octets
    mutate = ResponseMutator(noise, seeds.responses())
    mutations = [mutate(octets, 8192, seed) for seed in range(ROUNDS)]
    assert mutations == [mutate(octets, 8192, seed) for seed in range(ROUNDS)]
    assert max(map(len, mutations)) <= 8192
    assert len(set(mutations)) > 0.5 * ROUNDS
    read = [twin_of(mutation) for mutation in mutations]
    assert sum(isinstance(twin.value, dict) for twin in read) > 0.7 * ROUNDS
    for mutation in mutations:
        TARGETS["evidence"].judge(mutation)


def test_appraisal_mutations_mostly_keep_the_case() -> None:
    honest = fixture(HONEST)
    octets = bytes([honest.case]) + honest.octets
    mutate = AppraisalMutator(ResponseMutator(noise, seeds.responses()))
    mutations = [mutate(octets, 8192, seed) for seed in range(ROUNDS)]
    assert 0.8 * ROUNDS < sum(one[0] == honest.case for one in mutations) < ROUNDS
    for mutation in mutations:
        judge_appraisal(mutation)


def test_policy_mutations_are_judged() -> None:
    policies = seeds.policies()
    mutate = PolicyMutator(noise, policies)
    for seed in range(ROUNDS):
        octets = policies[seed % len(policies)]
        mutation = mutate(octets, 4096, seed)
        assert len(mutation) <= 4096
        TARGETS["policy"].judge(mutation)


def test_mutators_take_what_has_no_shape() -> None:
    for mutate in (ResponseMutator(noise, seeds.responses()), PolicyMutator(noise, [b"a: b\n"])):
        assert mutate(b"", 64, 1) == noise(b"", 64)
    assert mutate(b"{", 64, 1)
