"""The published schemas: valid, described, and of one mind with the loader."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
import yaml

from attest.errors import PolicyError
from attest.policy.anchoring import Trust
from attest.policy.loader import MAX_RSA_BITS, parse_policy
from attest.policy.model import (
    CURVES,
    DEFAULT_MIN_RSA_BITS,
    HIERARCHIES,
    SCHEMES,
    TIERS,
    NonceMode,
    RuleKind,
)
from attest.policy.scalars import MAX_SERIAL
from attest.policy.schema import schema
from attest.tpm.constants import BANKS, HASH_SIZES
from tests.policy.texts import FULL, A, B, policy

INTEGERS = ("schema", "serial", "min_rsa_bits")


def valid(name: str, document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema(name)).is_valid(document))


@pytest.mark.parametrize("name", ["policy", "result"])
def test_schemas_are_draft_2020_12(name: str) -> None:
    document = schema(name)

    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(document)


def test_other_names_are_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="no schema 'archive', expected one of policy, result"):
        schema("archive")


def members(node: Any) -> Iterator[tuple[str, Any]]:
    """Walk every member that a schema declares, but not those that conditions repeat."""
    if isinstance(node, list):
        for item in node:
            yield from members(item)
    elif isinstance(node, dict):
        yield from node.get("properties", {}).items()
        for key, below in node.items():
            if key != "allOf":
                yield from members(below)


@pytest.mark.parametrize("name", ["policy", "result"])
def test_every_member_is_described(name: str) -> None:
    described = dict(members(schema(name)))

    assert len(described) > 20
    assert [key for key, value in described.items() if not value.get("description")] == []


# --- policy ----------------------------------------------------------------------------------


def data(text: str) -> Any:
    """Return a policy as data: texts as written, and integers where the language has them."""

    def build(node: Any, key: str = "") -> Any:
        if isinstance(node, yaml.MappingNode):
            return {name.value: build(value, name.value) for name, value in node.value}
        if isinstance(node, yaml.SequenceNode):
            return [build(item) for item in node.value]
        plain = key in INTEGERS and node.style is None and node.value.isdigit()
        return int(node.value) if plain and str(int(node.value)) == node.value else node.value

    return build(yaml.compose(text, Loader=yaml.SafeLoader))


def loads(text: str, folder: Path) -> bool:
    try:
        parse_policy(text.encode(), str(folder / "policy.yaml"))
    except PolicyError:
        return False
    return True


ROOT = hashlib.sha256(b"root").hexdigest()
CERTIFIED = f'trust: certified, roots: [{{file: roots/a.pem, sha256: "{ROOT}"}}]'
MACHINE = f"{CERTIFIED}, identity: [{{subject: CN=a}}]"
ONE = f'{{sha256: {{0: "{A}"}}}}'
STANDARD = "{security_tier: [standard]}"

GOOD = [
    policy(),
    FULL,
    policy(description="|\n  two\n  lines\n"),
    policy(serial="0"),
    policy(serial=str(MAX_SERIAL)),
    policy(valid="{until: 2026-11-01t00:00:00.25+05:30}"),
    policy(applies_to=STANDARD, tpm="optional"),
    policy(applies_to="{security_tier: [standard, high, maximum]}", tpm="required"),
    *(policy(nonce=mode) for mode in NonceMode),
    policy(signature=f"{{schemes: [{', '.join(SCHEMES)}], curves: [{', '.join(CURVES)}]}}"),
    policy(signature="{min_rsa_bits: 2048}"),
    policy(signature=f"{{min_rsa_bits: {MAX_RSA_BITS}}}"),
    policy(aik=f"{{trust: tee, hierarchy: [{', '.join(HIERARCHIES)}]}}"),
    *(
        policy(aik=f'{{trust: enrolled, names: ["{alg:04X}{"aB" * size}"]}}')
        for alg, size in HASH_SIZES.items()
    ),
    policy(aik=f'{{trust: enrolled, spki_sha256: ["{A}", "{B}"]}}'),
    policy(aik=f"{{{CERTIFIED}, identity: [{{subject: CN=a}}]}}"),
    policy(aik=f"{{{CERTIFIED}, identity: [{{gce: {{project: p, instance: i}}}}]}}"),
    policy(aik=f'{{{CERTIFIED}, identity: [{{leaf_sha256: "{A}"}}, {{subject: b}}]}}'),
    policy(aik=f"{{{MACHINE}, intermediates: [{{file: roots/a.pem, sha256: '{ROOT}'}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{sha256: '{A}', reason: sold}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{issuer: CN=a, serial: '0aF'}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{issuer: CN=a, serial: '-1'}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{spki_sha256: '{B}'}}]}}"),
    policy(clock="{safe: any}"),
    *(
        policy(pcrs=f'{{{bank}: {{23: "{"aB" * HASH_SIZES[alg]}"}}}}')
        for bank, alg in BANKS.items()
    ),
    policy(pcrs=f'{{sha256: {{"0": initial, 9: any, 10: ["{A}", "{B}"], 19: extended}}}}'),
    policy(pcrs=None, baselines=f"[{{name: R._-1, pcrs: {ONE}}}]"),
    policy(
        baselines=f"[{{name: a, revoked: b, valid: {{from: 2026-11-01T00:00:00Z}}, pcrs: {ONE}}}]"
    ),
    policy(provenance="{source: a}"),
    policy(
        pcrs=None,
        baselines=f"[{{name: a, pcrs: {ONE}, provenance: {{source: a, sha256: '{A}', tool: b, "
        "date: 2026-11-01T00:00:00Z, assurance: anchored}}]",
    ),
]

BAD = [
    policy(schema=None),
    policy(schema="2"),
    policy(schema="'1'"),
    policy(name=None),
    policy(name="A"),
    policy(name="''"),
    policy(name="[a]"),
    policy(aik=None),
    policy(pcrs=None),
    policy(extra="a"),
    policy(ek="{}"),
    policy(description="' '"),
    policy(description='"a\\tb"'),
    policy(description='"a\\u202eb"'),
    policy(serial="-1"),
    policy(serial="01"),
    policy(serial="'1'"),
    policy(serial=str(MAX_SERIAL + 1)),
    policy(valid="{}"),
    policy(valid="{since: 2026-11-01T00:00:00Z}"),
    policy(valid="{from: 2026-11-01T00:00:00}"),
    policy(valid="{from: 2026-13-01T00:00:00Z}"),
    policy(valid="{from: 2026-11-01}"),
    policy(valid="{from: 2026-11-01T00:00:00.1234567Z}"),
    policy(applies_to="{}"),
    policy(applies_to="{security_tier: []}"),
    policy(applies_to="{security_tier: high}"),
    policy(applies_to="{security_tier: [low]}"),
    policy(applies_to="{security_tier: [high, high]}"),
    policy(tpm="optional"),
    policy(tpm="optional", applies_to="{security_tier: [standard, maximum]}"),
    policy(tpm="optional", applies_to=STANDARD, pcrs=None),
    policy(tpm="no"),
    policy(nonce="any"),
    policy(signature="{}"),
    policy(signature="{schemes: []}"),
    policy(signature="{schemes: [rsassa-sha1]}"),
    policy(signature="{min_rsa_bits: 1024}"),
    policy(signature="{min_rsa_bits: 16385}"),
    policy(signature="{curves: [nist-p192]}"),
    policy(signature="{curves: [nist-p256, nist-p256]}"),
    policy(clock="{}"),
    policy(clock="{safe: yes}"),
    policy(aik="{}"),
    policy(aik="{hierarchy: [owner]}"),
    policy(aik="{trust: none}"),
    policy(aik="{trust: tee, hierarchy: []}"),
    policy(aik="{trust: tee, intermediates: [a]}"),
    policy(aik="{trust: enrolled}"),
    policy(aik="{trust: enrolled, names: []}"),
    policy(aik=f'{{trust: enrolled, names: ["{A}"]}}'),
    policy(aik=f'{{trust: enrolled, names: ["000b{A[2:]}"]}}'),
    policy(aik=f'{{trust: enrolled, names: ["000c{A}"]}}'),
    policy(aik=f'{{trust: enrolled, spki_sha256: ["0x{A[2:]}"]}}'),
    *(
        policy(aik=f'{{trust: {trust}, names: ["000b{A}"], spki_sha256: ["{A}"]}}')
        for trust in Trust
        if trust is not Trust.ENROLLED
    ),
    policy(aik=f'{{trust: enrolled, spki_sha256: ["{A}"], identity: [{{subject: a}}]}}'),
    policy(aik=f"{{{CERTIFIED}}}"),
    policy(aik="{trust: certified, identity: [{subject: a}]}"),
    policy(aik=f"{{{CERTIFIED}, identity: []}}"),
    policy(aik=f"{{{CERTIFIED}, identity: [{{}}]}}"),
    policy(aik=f"{{{CERTIFIED}, identity: [{{subject: ''}}]}}"),
    policy(aik=f'{{{CERTIFIED}, identity: [{{subject: a, leaf_sha256: "{A}"}}]}}'),
    policy(aik=f"{{{CERTIFIED}, identity: [{{gce: {{project: p}}}}]}}"),
    policy(aik="{trust: certified, roots: [{file: roots/a.pem}], identity: [{subject: a}]}"),
    policy(aik=f"{{{MACHINE}, intermediates: []}}"),
    policy(aik=f"{{{MACHINE}, intermediates: [{{file: roots/a.pem}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: []}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{reason: sold}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{issuer: CN=a}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{serial: '01'}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{issuer: CN=a, serial: 0x01}}]}}"),
    policy(aik=f"{{{MACHINE}, revoked_certificates: [{{sha256: '{A}', spki_sha256: '{B}'}}]}}"),
    policy(
        aik=f"{{trust: enrolled, spki_sha256: ['{A}'], revoked_certificates: [{{sha256: '{B}'}}]}}"
    ),
    policy(pcrs="{}"),
    policy(pcrs="{md5: {0: any}}"),
    policy(pcrs="{sha256: {}}"),
    policy(pcrs="{sha256: {24: any}}"),
    policy(pcrs="{sha256: {07: any}}"),
    policy(pcrs="{sha256: {0: none}}"),
    policy(pcrs="{sha256: {0: []}}"),
    policy(pcrs="{sha256: {0: [any]}}"),
    policy(pcrs=f'{{sha256: {{0: ["{A}", "{A}"]}}}}'),
    *(policy(pcrs=f'{{{bank}: {{0: "{"a" * 42}"}}}}') for bank in BANKS),
    policy(baselines="[]"),
    policy(baselines="[{name: a}]"),
    policy(baselines=f"[{{pcrs: {ONE}}}]"),
    policy(baselines=f"[{{name: a b, pcrs: {ONE}}}]"),
    policy(baselines=f"[{{name: a, revoked: '', pcrs: {ONE}}}]"),
    policy(baselines=f"[{{name: a, valid: {{}}, pcrs: {ONE}}}]"),
    policy(baselines="[{name: a, pcrs: {sha256: {0: any}}}]"),
    policy(baselines="[{name: a, pcrs: {sha256: {}}}]"),
    policy(baselines=f"[{{name: a, pcrs: {ONE}, provenance: {{}}}}]"),
    policy(provenance="{tool: a}"),
    policy(provenance="{source: ''}"),
    policy(provenance="{source: a, sha256: 'ab'}"),
    policy(provenance="{source: a, date: 2026-11-01}"),
    policy(provenance="{source: a, assurance: none}"),
    policy(provenance="{source: a, url: b}"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "a.pem").write_bytes(b"root")
    return tmp_path


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_loader_both_accept(folder: Path, text: str) -> None:
    parse_policy(text.encode(), str(folder / "policy.yaml"))
    assert valid("policy", data(text))


@pytest.mark.parametrize("text", BAD)
def test_schema_and_loader_both_refuse(folder: Path, text: str) -> None:
    assert (loads(text, folder), valid("policy", data(text))) == (False, False)


def test_words_and_bounds_are_those_of_the_loader() -> None:
    top = schema("policy")["properties"]
    signature, aik = top["signature"]["properties"], top["aik"]["properties"]
    rule = schema("policy")["$defs"]["rule_64"]["oneOf"][0]["enum"]

    assert signature["schemes"]["items"]["enum"] == list(SCHEMES)
    assert signature["curves"]["items"]["enum"] == signature["curves"]["default"] == list(CURVES)
    assert signature["min_rsa_bits"]["minimum"] == DEFAULT_MIN_RSA_BITS
    assert signature["min_rsa_bits"]["maximum"] == MAX_RSA_BITS
    assert top["serial"]["maximum"] == MAX_SERIAL
    assert top["nonce"]["enum"] == list(NonceMode)
    assert top["applies_to"]["properties"]["security_tier"]["items"]["enum"] == list(TIERS)
    assert aik["trust"]["enum"] == list(Trust)
    assert aik["hierarchy"]["items"]["enum"] == list(HIERARCHIES)
    assert list(top["pcrs"]["properties"]) == list(BANKS)
    assert sorted(rule) == sorted(set(RuleKind) - {RuleKind.VALUES})


def test_the_default_schemes_are_those_of_the_contract() -> None:
    schemes = schema("policy")["properties"]["signature"]["properties"]["schemes"]

    assert frozenset(SCHEMES[name] for name in schemes["default"]) == (
        parse_policy(policy().encode(), "p.yaml").schemes
    )
