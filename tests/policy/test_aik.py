"""The part ``aik``: kinds of trust, Names and digests."""

from __future__ import annotations

import pytest

from attest.policy.anchoring import AikRules, Trust
from attest.policy.model import HIERARCHIES
from attest.policy.scalars import one_of
from attest.tpm.constants import HASH_SIZES, Alg
from tests.policy.texts import HEX64, NAME, A, B, parsed, policy, refusal


def enrolled(keys: str) -> str:
    return f"{{trust: enrolled, {keys}}}"


def test_trust_tee_loads() -> None:
    assert parsed(
        aik="{trust: tee, hierarchy: [endorsement, owner, platform, null-hierarchy]}"
    ).aik == (
        AikRules(Trust.TEE, hierarchies=("endorsement", "owner", "platform", "null-hierarchy"))
    )


@pytest.mark.parametrize("alg", HASH_SIZES)
def test_names_of_every_hash_load(alg: Alg) -> None:
    name = f"{alg:04x}" + "5a" * HASH_SIZES[alg]

    assert parsed(aik=enrolled(f'names: ["{name}"]')).aik.names == {bytes.fromhex(name)}


AIK = [
    ("[unanchored]", "3:6: aik: expected a mapping, found a list"),
    ("{}", "3:6: aik: empty mapping"),
    ("{hierarchy: [owner]}", "3:6: aik.trust: required key is missing"),
    (
        "{trust: yes}",
        "3:14: aik.trust: expected unanchored, enrolled, certified or tee, found 'yes'",
    ),
    ("{trust: tee, extra: a}", "3:19: aik.extra: unknown key"),
    (
        "{trust: tee, intermediates: a}",
        "3:19: aik.intermediates: belongs to trust certified, not to tee",
    ),
    (
        "{trust: tee, revoked_certificates: a}",
        "3:19: aik.revoked_certificates: belongs to trust certified, not to tee",
    ),
    ("{trust: enrolled}", "3:6: aik.names: trust enrolled needs names or spki_sha256"),
    ("{trust: certified}", "3:6: aik.roots: trust certified needs roots"),
    (
        "{trust: certified, identity: [{subject: a}]}",
        "3:6: aik.roots: trust certified needs roots",
    ),
    (
        "{trust: unanchored, names: []}",
        "3:26: aik.names: belongs to trust enrolled, not to unanchored",
    ),
    (
        "{trust: unanchored, spki_sha256: []}",
        "3:26: aik.spki_sha256: belongs to trust enrolled, not to unanchored",
    ),
    (
        "{trust: unanchored, roots: []}",
        "3:26: aik.roots: belongs to trust certified, not to unanchored",
    ),
    ("{trust: tee, identity: []}", "3:19: aik.identity: belongs to trust certified, not to tee"),
    (enrolled("roots: []"), "3:24: aik.roots: belongs to trust certified, not to enrolled"),
    (
        "{trust: certified, names: []}",
        "3:25: aik.names: belongs to trust enrolled, not to certified",
    ),
    (
        "{trust: certified, spki_sha256: []}",
        "3:25: aik.spki_sha256: belongs to trust enrolled, not to certified",
    ),
    ("{trust: tee, hierarchy: []}", "3:30: aik.hierarchy: empty list"),
    ("{trust: tee, hierarchy: owner}", "3:30: aik.hierarchy: expected a list, found a text"),
    (
        "{trust: tee, hierarchy: [null]}",
        f"3:31: aik.hierarchy[0]: expected {one_of(HIERARCHIES)}, found 'null'",
    ),
    (
        "{trust: tee, hierarchy: [owner, owner]}",
        "3:38: aik.hierarchy[1]: stands in the list twice",
    ),
    (enrolled("names: []"), "3:31: aik.names: empty list"),
    (enrolled(f"names: '{NAME}'"), "3:31: aik.names: expected a list, found a text"),
    (enrolled(f"names: [{NAME}]"), "3:32: aik.names[0]: expected 68 hex digits in quotes"),
    (enrolled(f"names: ['{A}']"), "3:32: aik.names[0]: expected a TPM Name, found nameAlg 'aaaa'"),
    (
        enrolled("names: ['0x000b']"),
        "3:32: aik.names[0]: expected a TPM Name, found nameAlg '0x00'",
    ),
    (
        enrolled(f"names: ['0012{A}']"),
        "3:32: aik.names[0]: expected a TPM Name, found nameAlg '0012'",
    ),
    (enrolled("names: ['']"), "3:32: aik.names[0]: expected a TPM Name, found nameAlg ''"),
    (
        enrolled(f"names: ['{NAME[:-2]}']"),
        "3:32: aik.names[0]: expected 68 hex digits",
    ),
    (
        enrolled(f"names: ['000C{A}']"),
        "3:32: aik.names[0]: expected 100 hex digits",
    ),
    (
        enrolled(f"names: ['{NAME[:-1]}g']"),
        "3:32: aik.names[0]: expected 68 hex digits",
    ),
    (
        enrolled(f"names: ['{NAME}', '{NAME.upper()}']"),
        "3:104: aik.names[1]: stands in the list twice",
    ),
    (enrolled("spki_sha256: []"), "3:37: aik.spki_sha256: empty list"),
    (enrolled(f"spki_sha256: [{A}]"), f"3:38: aik.spki_sha256[0]: {HEX64} in quotes"),
    (enrolled(f"spki_sha256: ['0x{A}']"), f"3:38: aik.spki_sha256[0]: {HEX64} without 0x"),
    (enrolled(f"spki_sha256: ['{A}', '{B[:-1]}']"), f"3:106: aik.spki_sha256[1]: {HEX64}"),
    (
        enrolled(f"spki_sha256: ['{A}', '{A.upper()}']"),
        "3:106: aik.spki_sha256[1]: stands in the list twice",
    ),
]


@pytest.mark.parametrize(("aik", "expected"), AIK, ids=[row[1] for row in AIK])
def test_refuses_aik_with_place_and_reason(aik: str, expected: str) -> None:
    assert refusal(policy(aik=aik)) == expected


def test_refuses_a_policy_without_aik() -> None:
    assert refusal(policy(aik=None)) == "1:1: aik: required key is missing"
