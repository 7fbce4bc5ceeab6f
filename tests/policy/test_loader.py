"""What loads, and that nothing but PolicyError comes of all else."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attest.errors import PolicyError
from attest.policy.anchoring import AikRules, Trust
from attest.policy.loader import parse_policy
from attest.policy.model import (
    ALWAYS,
    CURVES,
    SCHEMES,
    Baseline,
    NonceMode,
    PcrRule,
    Policy,
    RuleKind,
    Validity,
)
from attest.tpm.constants import Alg
from tests.policy.texts import FULL, PATH, A, B, parsed


def test_reads_every_key() -> None:
    a, b = bytes.fromhex(A), bytes.fromhex(B)
    values = RuleKind.VALUES

    assert parse_policy(FULL.encode(), PATH) == Policy(
        name="maximum-prod",
        description="Production fleet, R760",
        serial=7,
        valid=Validity(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)),
        tiers=("maximum", "high"),
        tpm_required=True,
        nonce=NonceMode.GIVEN,
        schemes=frozenset({(Alg.RSAPSS, Alg.SHA3_256)}),
        min_rsa_bits=3072,
        curves=frozenset({"nist-p384"}),
        aik=AikRules(
            trust=Trust.ENROLLED,
            names=frozenset({b"\x00\x0b" + a}),
            spki_sha256=frozenset({b}),
            hierarchies=("owner",),
        ),
        clock_safe_required=True,
        rules=(
            PcrRule(Alg.SHA256, 10, RuleKind.EXTENDED),
            PcrRule(Alg.SHA256, 7, values, (a, b)),
            PcrRule(Alg.SHA256, 0, RuleKind.ANY),
            PcrRule(Alg.SHA1, 17, RuleKind.INITIAL),
        ),
        baselines=(
            Baseline(
                "r760-bios_2.1.5",
                (PcrRule(Alg.SHA256, 4, values, (a,)),),
                Validity(end=datetime(2027, 1, 1, tzinfo=UTC)),
                "CVE-2026-1234",
            ),
            Baseline("next", (PcrRule(Alg.SHA256, 4, values, (b,)),)),
        ),
        sha256=hashlib.sha256(FULL.encode()).hexdigest(),
        path=PATH,
    )


def test_the_least_policy_has_the_defaults_of_the_contract() -> None:
    least = parsed()

    assert (least.description, least.serial, least.tiers) == (None, None, None)
    assert (least.valid, least.tpm_required, least.nonce) == (ALWAYS, True, NonceMode.PAYLOAD_ID)
    assert least.schemes == {
        (scheme, digest)
        for scheme in (Alg.RSASSA, Alg.RSAPSS, Alg.ECDSA)
        for digest in (Alg.SHA256, Alg.SHA384, Alg.SHA512)
    }
    assert (least.min_rsa_bits, least.curves) == (2048, frozenset(CURVES))
    assert (least.clock_safe_required, least.baselines) == (False, ())
    assert least.aik == AikRules(trust=Trust.UNANCHORED)


def test_a_partial_signature_section_keeps_the_other_defaults() -> None:
    assert parsed(signature="{curves: [nist-p256]}").schemes == parsed().schemes
    assert parsed(signature="{curves: [nist-p256]}").curves == {"nist-p256"}


def test_every_scheme_can_be_named() -> None:
    assert parsed(signature=f"{{schemes: [{', '.join(SCHEMES)}]}}").schemes == set(SCHEMES.values())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-01T00:00:00Z", datetime(2026, 11, 1, tzinfo=UTC)),
        ("'2026-11-01t12:30:59z'", datetime(2026, 11, 1, 12, 30, 59, tzinfo=UTC)),
        ("2026-11-01T00:00:00.5Z", datetime(2026, 11, 1, microsecond=500000, tzinfo=UTC)),
        ("2026-11-01T00:00:00.123456Z", datetime(2026, 11, 1, microsecond=123456, tzinfo=UTC)),
        (
            "2026-11-01T00:00:00+05:30",
            datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        ),
        ("2026-11-01T00:00:00-08:00", datetime(2026, 11, 1, 8, tzinfo=UTC)),
        ("2024-02-29T23:59:59Z", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_their_zone(written: str, meant: datetime) -> None:
    assert parsed(valid=f"{{from: {written}}}").valid == Validity(start=meant)


def test_a_description_may_have_several_lines() -> None:
    assert parsed(description="|\n  one\n  two\n").description == "one\ntwo\n"


def test_scalars_that_yaml_would_resolve_stay_text() -> None:
    assert parsed(name="no").name == "no"
    assert parsed(name="0755", description="1e3").description == "1e3"
    baselines = f'[{{name: 1.10, revoked: yes, pcrs: {{sha256: {{0: "{A}"}}}}}}]'
    assert parsed(baselines=baselines).baselines[0].name == "1.10"
    assert parsed(baselines=baselines).baselines[0].revoked == "yes"


@pytest.mark.parametrize("number", [0, 1, 2**53 - 1])
def test_serials_are_counted_in_exact_json_integers(number: int) -> None:
    assert parsed(serial=str(number)).serial == number


def test_errors_carry_path_line_and_column() -> None:
    with pytest.raises(PolicyError) as caught:
        parsed(pcrs='{sha256: {11: "ab"}}')

    assert (caught.value.path, caught.value.line, caught.value.column) == (PATH, 4, 21)
    assert caught.value.fault.startswith("pcrs.sha256.11: expected 64 hex digits")


def loads_or_refuses(octets: bytes) -> None:
    with suppress(PolicyError):
        parse_policy(octets, PATH)


@given(st.binary(max_size=200))
def test_any_octets_load_or_raise_policy_error(octets: bytes) -> None:
    loads_or_refuses(octets)


@given(
    st.text(alphabet="ab01:-{}[]'\"\\|>&*!%#?,.~ \n\t\0\u0085\u2028\ufeff\U0001f512", max_size=60)
)
def test_any_yaml_like_text_loads_or_raises_policy_error(text: str) -> None:
    loads_or_refuses(text.encode())


@given(
    st.integers(0, len(FULL)),
    st.integers(0, 12),
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            ["*a", "&a ", "!!int ", "{}", "[]", "? ", "---\n", "\\x00", "9" * 5000, "'"]
        ),
    ),
)
def test_any_change_of_a_good_policy_loads_or_raises_policy_error(
    start: int, length: int, put: str
) -> None:
    changed = FULL[:start] + put + FULL[start + length :]
    loads_or_refuses(changed.encode("utf-8", "surrogatepass"))


@given(st.integers(0, len(FULL.encode()) - 1), st.integers(0, 255))
def test_any_flipped_octet_loads_or_raises_policy_error(at: int, octet: int) -> None:
    octets = bytearray(FULL.encode())
    octets[at] = octet
    loads_or_refuses(bytes(octets))
