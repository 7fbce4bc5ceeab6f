"""Reference values of other tools: read as what they are, or refused with the place."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from attest.errors import PolicyError
from attest.policy.imports import Imported, import_values
from attest.policy.worth import Pcr
from attest.tpm.constants import Alg

A, B = "aa" * 31 + "01", "bb" * 31 + "02"
A1 = "cc" * 19 + "03"
PCRREAD = f"""\
  sha1:
    0 : 0x{A1.upper()}
  sha256:
    0 : 0x{A.upper()}
    7 : 0x{B.upper()}
    10: 0x{B.upper()}
    11: 0x{"0" * 64}
    17: 0x{"F" * 64}
    23: 0x{B.upper()}
  sha384:
"""


def read(content: str, form: str, **asked: Any) -> Imported:
    return import_values(content.encode(), "f", form, **asked)


def golden(imported: Imported) -> Mapping[Pcr, list[str]]:
    return {
        (rule.bank, rule.index): [value.hex() for value in rule.values] for rule in imported.golden
    }


def fault(content: str, form: str, **asked: Any) -> str:
    with pytest.raises(PolicyError) as caught:
        read(content, form, **asked)
    return str(caught.value).removeprefix("f:").strip()


def test_pcrread_gives_what_is_worth_a_value_and_says_of_the_rest_why_not() -> None:
    imported = read(PCRREAD, "tpm2_pcrread")
    assert golden(imported) == {(Alg.SHA256, 0): [A], (Alg.SHA256, 7): [B]}
    assert [(rule.index, str(rule.kind)) for rule in imported.rules] == [(10, "extended")]
    assert [str(one).split(":")[1] for one in imported.left_out] == ["0", "10", "11", "17", "23"]


def test_wanted_pcrs_alone_are_taken() -> None:
    wanted = frozenset({(int(Alg.SHA1), 0), (int(Alg.SHA256), 23)})
    imported = read(PCRREAD, "tpm2_pcrread", wanted=wanted)
    assert golden(imported) == {(Alg.SHA1, 0): [A1], (Alg.SHA256, 23): [B]}
    missing = frozenset({(int(Alg.SHA256), 1)})
    assert fault(PCRREAD, "tpm2_pcrread", wanted=missing) == "sha256:1: is not in the file"


def test_json_gives_values_and_lists_of_them() -> None:
    text = json.dumps({"sha256": {"0": A.upper(), "7": [A, B]}})
    assert golden(read(text, "json")) == {(Alg.SHA256, 0): [A], (Alg.SHA256, 7): [A, B]}


def test_keylimes_policy_gives_what_it_names_and_also_initial_values() -> None:
    text = json.dumps({"22": ["0" * 64, "F" * 64, "f" * 64], "4": A, "mask": "0x400410"})
    imported = read(text, "keylime")
    assert golden(imported) == {(Alg.SHA256, 4): [A], (Alg.SHA256, 22): ["0" * 64, "f" * 64]}
    said = "sha256:10: stands in Keylime's mask without a value"
    assert [str(one) for one in imported.left_out] == [said]


def test_keylimes_banks_are_told_by_length_or_by_name() -> None:
    both = json.dumps({"4": [A, A1]})
    assert golden(read(both, "keylime", bank=Alg.SHA1)) == {(Alg.SHA1, 4): [A1]}
    assert golden(read(both, "keylime", bank=Alg.SHA3_256)) == {(Alg.SHA3_256, 4): [A]}
    apart = json.dumps({"4": A, "5": A1})
    several = "values of several banks: --bank names the one to take"
    assert fault(both, "keylime") == f"1:7: 4: {several}"
    assert fault(apart, "keylime") == several
    assert fault(apart, "keylime", bank=Alg.SHA256).endswith("5: no value of this bank")


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        ("", "tpm2_pcrread", "1:1: holds no document"),
        ("sha256:\n", "tpm2_pcrread", "1:1: sha256: no bank holds a PCR"),
        ("md5: {0: 0x00}", "tpm2_pcrread", "1:1: md5: unknown bank"),
        ("sha256: {00: 0x00}", "tpm2_pcrread", "1:10: sha256.00: expected a PCR from 0 to 23"),
        ("sha256: {0: 0x00}", "tpm2_pcrread", "1:13: sha256.0: expected 0x and 64 hex digits"),
        (f"sha256: {{0: {A}}}", "tpm2_pcrread", "1:13: sha256.0: expected 0x and 64 hex digits"),
        (f"sha256: {{0: '0x{A}'}}", "tpm2_pcrread", "1:13: sha256.0: expected 0x and 64"),
        (f"sha256: {{0: 0x{A}, 0: 0x{A}}}", "tpm2_pcrread", "duplicate key"),
        (f"sha256: {{10: 0x{A}}}", "tpm2_pcrread", "no PCR is worth a golden value: sha256:10"),
        ("sha256: {}", "json", "is no JSON: "),
        ("{}", "json", "1:1: empty mapping"),
        ("[]", "json", "1:1: expected a mapping, found a list"),
        ('{"sha256": {"0": 1}}', "json", "sha256.0: expected 64 hex digits in quotes"),
        ('{"sha256": ""}', "json", "sha256: expected a mapping, found a text"),
        (f'{{"sha256": {{"0": "0x{A}"}}}}', "json", "expected 64 hex digits without 0x"),
        (f'{{"sha256": {{"0": ["{A}", "{A}"]}}}}', "json", "stands in the list twice"),
        ("[" * 5000, "json", "is no JSON: "),
        ('{"mask": "0x1"}', "keylime", "holds no PCR"),
        (f'{{"10": "{A}"}}', "keylime", "1:2: 10: PCR 10 grows"),
        (f'{{"24": "{A}"}}', "keylime", "1:2: 24: expected a PCR from 0 to 23"),
        (f'{{"1": "{A}", "mask": "0x1"}}', "keylime", "1:2: 1: is not in the mask"),
        (f'{{"1": "{A}", "mask": "2"}}', "keylime", "mask: expected a mask of 24 bits"),
        ('{"1": "aa"}', "keylime", "1:7: 1: expected a digest of 20, 32, 48 or 64 octets"),
        (f'{{"1": "{"x" * 64}"}}', "keylime", "1:7: 1: expected 64 hex digits"),
        ('{"1": []}', "keylime", "1:7: 1: empty list"),
    ],
)
def test_what_is_none_is_refused_with_its_place(content: str, form: str, said: str) -> None:
    assert said in fault(content, form)


@pytest.mark.parametrize("form", ["tpm2_pcrread", "json"])
def test_a_bank_is_only_chosen_where_none_is_named(form: str) -> None:
    assert fault("{}", form, bank=Alg.SHA256).startswith("names its banks itself")
