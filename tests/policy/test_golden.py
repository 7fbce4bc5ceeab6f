"""The parts ``pcrs`` and ``baselines``: what loads, and each refusal with its place."""

from __future__ import annotations

import pytest

from attest.policy.model import PcrRule, RuleKind
from attest.tpm.constants import BANKS, HASH_SIZES
from tests.policy.texts import HEX64, ONE, TIME, A, B, parsed, policy, refusal


@pytest.mark.parametrize("bank", BANKS)
def test_every_bank_has_digests_of_its_own_length(bank: str) -> None:
    size = HASH_SIZES[BANKS[bank]]

    rule = parsed(pcrs=f'{{{bank}: {{0: "{"aB" * size}"}}}}').rules[0]

    assert rule == PcrRule(BANKS[bank], 0, RuleKind.VALUES, (b"\xab" * size,))
    for digits in (2 * size - 2, 2 * size - 1, 2 * size + 1, 2 * size + 2):
        expected = f"4:{len(bank) + 14}: pcrs.{bank}.0: expected {2 * size} hex digits"
        assert refusal(policy(pcrs=f'{{{bank}: {{0: "{"a" * digits}"}}}}')) == expected


@pytest.mark.parametrize("index", range(24))
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_pcr_numbers_may_be_quoted(index: int, quote: str) -> None:
    assert parsed(pcrs=f"{{sha1: {{{quote}{index}{quote}: any}}}}").rules[0].index == index


@pytest.mark.parametrize("word", ["extended", "initial", "any"])
@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_words_may_be_quoted(word: str, quote: str) -> None:
    assert parsed(pcrs=f"{{sha1: {{0: {quote}{word}{quote}}}}}").rules[0].kind == word


def test_baselines_alone_make_a_policy() -> None:
    assert parsed(pcrs=None, baselines=f'[{{name: a, pcrs: {{sha256: {{0: "{A}"}}}}}}]').rules == ()


BANK = "expected sha1, sha256, sha384, sha512, sha3_256, sha3_384 or sha3_512"
PCR = "expected a PCR from 0 to 23 in plain decimals"
WORDS = ", extended, initial or any"

PCRS = [
    ("{}", "4:7: pcrs: empty mapping"),
    ("[]", "4:7: pcrs: expected a mapping, found a list"),
    ("{sha265: {}}", f"4:8: pcrs.sha265: unknown bank, {BANK}"),
    ("{SHA256: {}}", f"4:8: pcrs.SHA256: unknown bank, {BANK}"),
    ("{sha3-256: {}}", f"4:8: pcrs.sha3-256: unknown bank, {BANK}"),
    ("{sha256: {}}", "4:16: pcrs.sha256: empty mapping"),
    ("{sha256: any}", "4:16: pcrs.sha256: expected a mapping, found a text"),
    ("{sha256: {24: any}}", f"4:17: pcrs.sha256.24: {PCR}"),
    ("{sha256: {-1: any}}", f"4:17: pcrs.sha256.-1: {PCR}"),
    ("{sha256: {07: any}}", f"4:17: pcrs.sha256.07: {PCR}"),
    ("{sha256: {' 7': any}}", f"4:17: pcrs.sha256.' 7': {PCR}"),
    ("{sha256: {0x7: any}}", f"4:17: pcrs.sha256.0x7: {PCR}"),
    ("{sha256: {\u0667: any}}", f"4:17: pcrs.sha256.'\u0667': {PCR}"),
    ("{sha256: {all: any}}", f"4:17: pcrs.sha256.all: {PCR}"),
    ('{sha256: {7: any, "7": any}}', "4:25: pcrs.sha256.7: duplicate key, first in line 4"),
    ("{sha256: {7: any}, sha256: {8: any}}", "4:26: pcrs.sha256: duplicate key, first in line 4"),
    ("{sha256: {7: []}}", "4:20: pcrs.sha256.7: empty list"),
    ("{sha256: {7: {a: b}}}", "4:20: pcrs.sha256.7: expected a text, found a mapping"),
    ("{sha256: {7: }}", f"4:20: pcrs.sha256.7: {HEX64} in quotes{WORDS}"),
    ("{sha256: {7: Any}}", f"4:20: pcrs.sha256.7: {HEX64} in quotes{WORDS}"),
    (f"{{sha256: {{7: {A}}}}}", f"4:20: pcrs.sha256.7: {HEX64} in quotes{WORDS}"),
    (f"{{sha256: {{7: {'0' * 64}}}}}", f"4:20: pcrs.sha256.7: {HEX64} in quotes{WORDS}"),
    (f"\n  sha256:\n    7: |-\n      {A}", f"6:8: pcrs.sha256.7: {HEX64} in quotes{WORDS}"),
    ("{sha256: {7: ''}}", f"4:20: pcrs.sha256.7: {HEX64}"),
    (f"{{sha256: {{7: '0x{A[2:]}'}}}}", f"4:20: pcrs.sha256.7: {HEX64} without 0x"),
    (f"{{sha256: {{7: '{A[:-1]}g'}}}}", f"4:20: pcrs.sha256.7: {HEX64}"),
    (f"{{sha256: {{7: '{A[:-1]}\u0667'}}}}", f"4:20: pcrs.sha256.7: {HEX64}"),
    (f"{{sha256: {{7: '{A[:-2]} 1'}}}}", f"4:20: pcrs.sha256.7: {HEX64}"),
    ("{sha256: {7: [any]}}", f"4:21: pcrs.sha256.7[0]: {HEX64} in quotes"),
    (
        f"{{sha256: {{7: ['{A}', ['{B}']]}}}}",
        "4:89: pcrs.sha256.7[1]: expected a text, found a list",
    ),
    (
        f"{{sha256: {{7: ['{A}', '{A.upper()}']}}}}",
        "4:89: pcrs.sha256.7[1]: stands in the list twice",
    ),
]


@pytest.mark.parametrize(("pcrs", "expected"), PCRS, ids=[row[1] for row in PCRS])
def test_refuses_pcrs_with_place_and_reason(pcrs: str, expected: str) -> None:
    assert refusal(policy(pcrs=pcrs)) == expected


def baseline(keys: str) -> str:
    return f"[{{name: a, pcrs: {{sha256: {ONE}}}}}, {{{keys}}}]"


BASELINES = [
    ("pcrs: {}", "baselines[1].name: required key is missing"),
    ("name: b", "baselines[1].pcrs: required key is missing"),
    ("name: b, pcrs: {}", "baselines[1].pcrs: empty mapping"),
    ("name: b, pcrs: {sha256: {}}", "baselines[1].pcrs.sha256: empty mapping"),
    ("name: b, pcrs: {md5: {}}", f"baselines[1].pcrs.md5: unknown bank, {BANK}"),
    ("name: b, pcrs: {sha1: {24: ''}}", f"baselines[1].pcrs.sha1.24: {PCR}"),
    ("name: b, pcrs: {sha256: {7: any}}", f"baselines[1].pcrs.sha256.7: {HEX64} in quotes"),
    ("name: b, pcrs: {sha256: {7: 'any'}}", f"baselines[1].pcrs.sha256.7: {HEX64}"),
    ("name: b, pcrs: {sha256: {7: extended}}", f"baselines[1].pcrs.sha256.7: {HEX64} in quotes"),
    ("name: b, pcrs: {sha256: {7: []}}", "baselines[1].pcrs.sha256.7: empty list"),
    (f"name: a, pcrs: {{sha256: {ONE}}}", "baselines[1].name: another baseline has this name"),
    (
        f"name: a b, pcrs: {{sha256: {ONE}}}",
        "baselines[1].name: expected [A-Za-z0-9._-]+, found 'a b'",
    ),
    (f"name: '', pcrs: {{sha256: {ONE}}}", "baselines[1].name: expected [A-Za-z0-9._-]+, found ''"),
    (f"name: b, pcrs: {{sha256: {ONE}}}, when: c", "baselines[1].when: unknown key"),
    (f"name: b, pcrs: {{sha256: {ONE}}}, valid: {{}}", "baselines[1].valid: empty mapping"),
    (
        f"name: b, pcrs: {{sha256: {ONE}}}, valid: {{until: 2027-01-01}}",
        f"baselines[1].valid.until: {TIME}",
    ),
    (
        f"name: b, pcrs: {{sha256: {ONE}}}, revoked: ''",
        "baselines[1].revoked: expected a text, found none",
    ),
    (
        f"name: b, pcrs: {{sha256: {ONE}}}, revoked: ",
        "baselines[1].revoked: expected a text, found none",
    ),
    (
        f'name: b, pcrs: {{sha256: {ONE}}}, revoked: "a\\nb"',
        "baselines[1].revoked: control character U+000A",
    ),
    (
        f"name: b, pcrs: {{sha256: {ONE}}}, revoked: [a]",
        "baselines[1].revoked: expected a text, found a list",
    ),
]


@pytest.mark.parametrize(("keys", "expected"), BASELINES, ids=[row[1] for row in BASELINES])
def test_refuses_baselines_with_reason(keys: str, expected: str) -> None:
    said = refusal(policy(baselines=baseline(keys)))

    assert said.partition(": ")[2] == expected
    assert said.startswith("5:")


def test_refuses_an_empty_list_of_baselines() -> None:
    assert refusal(policy(baselines="[]")) == "5:12: baselines: empty list"
