"""What holds for any input: parsers refuse in one way, and ``verify`` always answers, alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import attest
from attest.document import read_document
from attest.tpm.attestation import attest_field_by_field, parse_attest, quote_at_a_glance
from attest.tpm.public import parse_public, public_field_by_field, rsa_key_at_a_glance
from attest.tpm.signature import (
    parse_signature,
    rsa_signature_at_a_glance,
    signature_field_by_field,
)
from tests import strategies as some
from tests.aik import Aik, ecc_aik, rsa_aik
from tests.build import ResponseLies, other, policy_text, quote, response
from tests.faults import accepted_of, differing
from tests.judging import ORDER
from tests.recorded import REAL, response_of

AT = datetime(2026, 11, 24, tzinfo=UTC)
PARSERS: tuple[Callable[[bytes], object], ...] = (
    parse_attest,
    parse_public,
    parse_signature,
    read_document,
)
KINDS: dict[str, dict[str, Any]] = {
    "unanchored": {},
    "optional": {"tpm": "optional", "applies_to": {"security_tier": ["standard"]}},
    "enrolled": {
        "aik": {
            "trust": "enrolled",
            "names": [rsa_aik().name],
            "spki_sha256": [b"\xab" * 32],
            "hierarchy": ["endorsement"],
        },
        "clock": {"safe": "required"},
    },
    "unbound": {"nonce": "none"},
}
Verify = Callable[..., attest.AttestationResult]


@pytest.fixture(scope="module", params=KINDS)
def verify(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Verify:
    """``attest.verify`` under one kind of policy."""
    path: Path = tmp_path_factory.mktemp("policy") / "policy.yaml"
    path.write_text(policy_text(**KINDS[request.param]), encoding="utf-8")
    policy = attest.load_policy(path)
    return lambda given, **facts: attest.verify(given, policy, at=AT, **facts)


def verdict(result: attest.AttestationResult) -> tuple[Any, ...]:
    """Decision, assurance and outcomes; on the way, what holds for every result."""
    document = result.to_dict()
    json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
    unexpected = [check for check in result.checks if check.reason.startswith("unexpected")]
    assert unexpected == []
    assert all(check.reason.isprintable() for check in result.checks)
    assert len({check.id for check in result.checks}) == len(ORDER)
    outcomes = tuple((check.id, str(check.outcome)) for check in result.checks)
    return document["decision"], document["assurance"], outcomes


@given(st.binary())
@pytest.mark.parametrize("parse", PARSERS)
def test_parser_raises_only_its_own_error(parse: Callable[[bytes], object], octets: bytes) -> None:
    accepted_of(parse, [octets])


@given(octets=some.quotes() | some.publics().map(lambda pair: pair[1]) | some.signatures())
@pytest.mark.parametrize("parse", PARSERS)
def test_parser_raises_only_its_own_error_on_structures_that_lie(
    parse: Callable[[bytes], object], octets: bytes
) -> None:
    accepted_of(parse, [octets])


@given(octets=some.quotes() | st.binary())
def test_quote_at_a_glance_is_what_it_is_field_by_field(octets: bytes) -> None:
    assert differing(quote_at_a_glance, attest_field_by_field, [octets]) == []


@given(octets=some.publics().map(lambda pair: pair[1]) | st.binary())
def test_key_at_a_glance_is_what_it_is_field_by_field(octets: bytes) -> None:
    assert differing(rsa_key_at_a_glance, public_field_by_field, [octets]) == []


@given(octets=some.signatures() | st.binary())
def test_signature_at_a_glance_is_what_it_is_field_by_field(octets: bytes) -> None:
    assert differing(rsa_signature_at_a_glance, signature_field_by_field, [octets]) == []


@given(st.binary(min_size=1, max_size=300))
@pytest.mark.parametrize("aik", [rsa_aik(), ecc_aik()], ids=["rsa", "ecc"])
def test_no_parser_returns_where_octets_are_appended(aik: Aik, more: bytes) -> None:
    bare = quote(aik, {"sha256": {0: bytes(32)}})
    framed = len(bare).to_bytes(2) + bare
    wholes = (bare, framed, other("certify", aik))

    accepted = accepted_of(parse_attest, [whole + more for whole in wholes])
    accepted += accepted_of(parse_public, [aik.public() + more])
    accepted += accepted_of(parse_signature, [aik.sign(b"") + more])

    assert accepted == []


@given(given=st.binary() | some.json_values | some.worse_values | some.altered(some.worse_values))
@example(given={})
@example(given=b"{}")
@example(given=None)
@example(given="{}")
def test_verify_answers_whatever_it_is_given(verify: Verify, given: object) -> None:
    verdict(verify(given))


@given(document=some.documents, write=some.written())
def test_octets_and_dict_get_one_verdict(
    verify: Verify, document: Any, write: Callable[[Any], bytes]
) -> None:
    octets = write(document)

    assert verdict(verify(octets)) == verdict(verify(json.loads(octets)))


@given(members=st.dictionaries(st.sampled_from(some.NAMES), some.json_values, min_size=1))
def test_evidence_of_any_members_gets_one_verdict(verify: Verify, members: Any) -> None:
    whole = response(attestation=members)

    assert verdict(verify(json.dumps(whole).encode())) == verdict(verify(whole))


@given(
    case=st.sampled_from(REAL),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 8), st.binary(max_size=6)), max_size=4),
)
def test_verify_answers_on_any_mutation_of_a_real_response(
    verify: Verify, case: str, cuts: list[tuple[float, int, bytes]]
) -> None:
    octets = json.dumps(response_of(case)).encode()
    for where, length, new in cuts:
        start = int(where * len(octets))
        octets = octets[:start] + new + octets[start + length :]

    verdict(verify(octets))


@given(quoted=some.quotes(), framed=st.booleans())
def test_verify_answers_on_any_signed_quote(verify: Verify, quoted: bytes, framed: bool) -> None:
    whole = response(quote=quoted, framing="TPM2B_ATTEST" if framed else "TPMS_ATTEST")

    assert verdict(verify(json.dumps(whole).encode())) == verdict(verify(whole))


@given(key=some.publics(), signature=st.none() | some.signatures())
def test_verify_answers_on_any_key_and_signature(
    verify: Verify, key: tuple[Aik, bytes], signature: bytes | None
) -> None:
    aik, public = key
    lies: ResponseLies = {"public": public}
    if signature is not None:
        lies["signature"] = signature

    verdict(verify(response(aik, **lies)))


@given(lies=some.small_keys())
def test_verify_answers_on_an_rsa_key_of_any_size(verify: Verify, lies: ResponseLies) -> None:
    assert verdict(verify(response(**lies)))[0] == "refused"


@given(
    saved=some.json_values,
    sent=st.none() | st.text(max_size=6) | st.just("\ud800"),
    tier=st.sampled_from([None, "standard", "high", "maximum"]),
)
def test_verify_answers_for_any_ids(
    verify: Verify, saved: object, sent: str | None, tier: str | None
) -> None:
    whole = response(metadata={"payload_id": saved, "security_tier": saved})
    facts = {"payload_id": sent, "security_tier": tier}

    by_dict, by_octets = verify(whole, **facts), verify(json.dumps(whole).encode(), **facts)

    assert verdict(by_dict) == verdict(by_octets)
