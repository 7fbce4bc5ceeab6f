"""The things that read untrusted octets, each held to its properties."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import msgspec

import attest
from attest.crypto import build_key
from attest.errors import MalformedError, PolicyError
from attest.evidence import Evidence, read_evidence
from attest.policy.loader import parse_policy
from attest.policy.model import NonceMode, Policy, RuleKind
from attest.report import inspection
from attest.report import text as report
from attest.tpm.attestation import (
    TpmsCertifyInfo,
    TpmsQuoteInfo,
    attest_field_by_field,
    parse_attest,
)
from attest.tpm.constants import HASH_SIZES, PCR_COUNT, TPM_GENERATED_VALUE
from attest.tpm.public import parse_public, public_field_by_field
from attest.tpm.signature import parse_signature, signature_field_by_field
from fuzz import properties, seeds, structures
from fuzz.certificates import certificates, judge_certificate
from fuzz.client_targets import envelopes, judge_envelope, judge_gate
from fuzz.properties import require, require_one_line

_POLICY_PATH = str(seeds.FOLDER / "policy.yaml")


class Target(NamedTuple):
    """One target.

    Attributes:
        judge: Takes octets; raises where a property does not hold.
        seeds: Returns the octets to start from.
        longest: Most octets of an input; longer seeds take no part.
        shape: Which mutator knows its inputs: ``response``, ``appraisal``, ``policy`` or none.
    """

    judge: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    longest: int
    shape: str = ""


def judge_attest(data: bytes) -> None:
    """Parse TPMS_ATTEST: all of it or nothing."""
    try:
        parsed = parse_attest(data)
    except MalformedError as error:
        require_one_line(str(error))
        return
    framed = len(parsed.signed).to_bytes(2, "big") + parsed.signed
    require(data in (parsed.signed, framed), "signed is not the input")
    require(parsed == attest_field_by_field(parsed.signed), "a glance reads otherwise")
    structures.require_attest(parsed)
    bare = parsed.magic == TPM_GENERATED_VALUE and data == parsed.signed
    if bare and isinstance(parsed.attested, (TpmsQuoteInfo, TpmsCertifyInfo)):
        _require_whole(parse_attest, data)


def judge_public(data: bytes) -> None:
    """Parse TPM2B_PUBLIC: all of it or nothing; build its key, or say why there is none."""
    try:
        parsed = parse_public(data)
    except MalformedError as error:
        require_one_line(str(error))
        return
    require(data == len(parsed.octets).to_bytes(2, "big") + parsed.octets, "octets are not input")
    require(parsed == public_field_by_field(data), "a glance reads otherwise")
    structures.require_public(parsed)
    _require_whole(parse_public, data)
    try:
        key = build_key(parsed)
    except MalformedError as error:
        require_one_line(str(error))
        return
    if key is not None:
        structures.require_key(parsed, key)


def judge_signature(data: bytes) -> None:
    """Parse TPMT_SIGNATURE: all of it or nothing."""
    try:
        parsed = parse_signature(data)
    except MalformedError as error:
        require_one_line(str(error))
        return
    require(parsed == signature_field_by_field(data), "a glance reads otherwise")
    structures.require_signature(parsed, data)
    if parsed.hash is not None:
        _require_whole(parse_signature, data)


def _require_whole(parse: Callable[[bytes], object], data: bytes) -> None:
    """Hold a parser to the last octet: one more and one fewer are refused."""
    for other in (data + b"\0", data[:-1]):
        try:
            parse(other)
        except MalformedError:
            continue
        require(holds=False, says="an octet more or fewer is parsed too")


def judge_evidence(data: bytes) -> None:
    """Read evidence: never raises, and octets and dict are one."""
    evidence = read_evidence(data)
    for fault in evidence.faults:
        require_one_line(fault)
    require(evidence.present or _nothing_read(evidence), "structures without evidence")
    properties.require_clean(inspection.render(inspection.inspect_evidence(evidence)))
    twin = properties.twin_of(data)
    if twin.duplicate or not isinstance(twin.value, dict):
        require(evidence.faults != () and not evidence.present, "read, and Python cannot read it")
        return
    properties.require_canonical(evidence)
    by_dict = read_evidence(twin.value)
    if evidence.member is not None or by_dict.member is not None:
        require(by_dict == evidence, f"the dict has {by_dict.faults}, octets {evidence.faults}")


def _nothing_read(evidence: Evidence) -> bool:
    """Tell whether nothing of a quote was read."""
    read = (evidence.attest, evidence.signature, evidence.public, evidence.key)
    return all(part is None for part in read)


def judge_policy(data: bytes) -> None:
    """Load a policy: twice the same, never empty, never beyond its bounds."""
    try:
        policy = parse_policy(data, _POLICY_PATH)
    except PolicyError as error:
        require_one_line(str(error))
        require((error.line is None) is (error.column is None), "half a place")
        require(error.line is None or 1 <= error.line <= len(data) + 1, "a line beyond the file")
        return
    require(policy == parse_policy(data, _POLICY_PATH), "loads twice, differently")
    properties.require_plain_yaml(data)
    rules = [*policy.rules, *(rule for line in policy.baselines for rule in line.golden)]
    require(bool(policy.rules or policy.baselines), "a policy without rules")
    require(all(line.golden for line in policy.baselines), "a baseline without rules")
    for rule in rules:
        require(0 <= rule.index < PCR_COUNT, f"PCR {rule.index}")
        require((rule.kind is RuleKind.VALUES) is bool(rule.values), "a rule without values")
        sizes = {len(value) for value in rule.values}
        require(sizes <= {HASH_SIZES[rule.bank]}, f"values of {sizes} octets")
    _require_same_below_comment(data, policy)
    nonce = b"nonce" if policy.nonce is NonceMode.GIVEN else None
    for response in _responses_for_policies():
        properties.require_sound(attest.verify(response, policy, nonce=nonce, at=seeds.AT))


def _require_same_below_comment(data: bytes, policy: Policy) -> None:
    """Put a comment on top, which changes places and digest and nothing else."""
    if data.startswith(b"\xef\xbb\xbf"):
        return
    below = parse_policy(b"# a comment\n" + data, _POLICY_PATH)
    same = msgspec.structs.replace(below, sha256=policy.sha256) == policy
    require(same, "a comment changes the policy")


_CHOSEN = ("swtpm-banks-three", "forged-no-tpm-optional")


@cache
def _responses_for_policies() -> tuple[bytes, ...]:
    """Return two responses that any policy can judge."""
    return tuple(fixture.octets for fixture in seeds.fixtures() if fixture.name in _CHOSEN)


def judge_appraisal(data: bytes) -> None:
    """Verify a response by the case that the first octet chooses."""
    if not data:
        return
    cases = seeds.cases()
    policy, arguments = cases[data[0] % len(cases)]
    octets = data[1:]
    result = attest.verify(octets, policy, **arguments)
    properties.require_sound(result)
    properties.require_clean(report.render(result, "response.json"))
    twin = properties.twin_of(octets)
    if twin.duplicate or not isinstance(twin.value, dict):
        require(not result.accepted, "accepted, and Python cannot read it")
        return
    by_dict = attest.verify(twin.value, policy, **arguments)
    properties.require_sound(by_dict)
    seen, wanted = properties.verdict_of(by_dict), properties.verdict_of(result)
    require(seen == wanted, f"the dict gives {seen}, octets give {wanted}")
    if not result.accepted:
        return
    evidence = read_evidence(octets)
    alone = policy if isinstance(policy, Policy) else None
    if evidence.declined:
        require(alone is None or not alone.tpm_required, "accepted without a TPM")
        return
    require(properties.meaning_of(evidence) in seeds.genuine(), "a forgery is accepted")
    properties.require_anchor(result.anchor, evidence)
    if alone is not None:
        properties.require_vouched(twin.value, alone, arguments.get("payload_id"), evidence)


TARGETS: dict[str, Target] = {
    "attest": Target(judge_attest, partial(seeds.structures, "quote_b64"), 1024),
    "public": Target(judge_public, partial(seeds.structures, "aik_pubkey_b64"), 1024),
    "signature": Target(judge_signature, partial(seeds.structures, "signature_b64"), 1024),
    "evidence": Target(judge_evidence, seeds.responses, 16384, "response"),
    "policy": Target(judge_policy, seeds.policies, 4096, "policy"),
    "certificate": Target(judge_certificate, certificates, 4096),
    "verify": Target(judge_appraisal, seeds.appraisals, 16384, "appraisal"),
    "envelope": Target(judge_envelope, envelopes, 2048),
    "gate": Target(judge_gate, seeds.appraisals, 16384, "appraisal"),
}
"""The targets by name."""
