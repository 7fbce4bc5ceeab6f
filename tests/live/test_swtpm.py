"""A real TPM in software quotes, and ``attest.verify`` judges: honest, stale, changed, forged."""

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

import attest
from attest.tpm.attestation import parse_attest
from tests import build
from tests.aik import digest, rsa_aik
from tests.judging import answer, octets_of, policy_of, refusing
from tests.lacking import lacks
from tests.swtpm import Key, Quoted, Swtpm, SwtpmError, missing_tools

SELECTION: Final = "sha256:0,7,10"
NONCE: Final = build.nonce_of(build.PAYLOAD_ID)
MEASURED: Final = {
    "sha256": {index: digest("sha256", bytes([index])) for index in (0, 7, 10)},
    "sha1": {index: digest("sha1", bytes([index])) for index in (0, 7)},
}
ALGORITHMS: Final = [
    "rsa2048:rsassa-sha256",
    "rsa2048:rsassa-sha384",
    "rsa2048:rsassa-sha512",
    "rsa2048:rsapss-sha256",
    "rsa2048:rsapss-sha384",
    "rsa2048:rsapss-sha512",
    "rsa3072:rsassa-sha256",
    "rsa3072:rsapss-sha384",
    "ecc256:ecdsa-sha256",
    "ecc384:ecdsa-sha384",
    "ecc521:ecdsa-sha512",
]
HIERARCHIES: Final = {
    "e": "endorsement",
    "o": "owner",
    "p": "platform",
    "n": "null-hierarchy",
}
FAST: Final = "ecc256:ecdsa-sha256"
RESETS: Final = 10
SIGNING: Final = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"
"""Attributes of a key that signs whatever it is shown."""


@pytest.fixture(scope="module")
def tpm() -> Iterator[Swtpm]:
    """A TPM into which something was measured; fails without one where CI=true, else skips."""
    if missing := missing_tools():
        lacks(f"not on PATH: {', '.join(missing)}")
    with Swtpm() as started:
        started.extend(MEASURED)
        yield started


def response_of(tpm: Swtpm, key: Key, quoted: Quoted, **told: Any) -> bytes:
    """The response that a server would make of a quote."""
    return octets_of(
        build.response(
            values=quoted.values,
            quote=quoted.attest,
            signature=quoted.signature,
            public=tpm.public(key),
            **told,
        )
    )


def judged(
    response: bytes, values: build.Values, members: Mapping[str, object] | None = None
) -> attest.AttestationResult:
    """Verify under a policy made of values that were read before."""
    return attest.verify(response, policy_of(values, **(members or {})))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_quote_of_every_algorithm_is_accepted(tpm: Swtpm, algorithm: str) -> None:
    key = tpm.make_aik("e", algorithm)
    quoted = tpm.quote(key, SELECTION, NONCE)
    result = judged(response_of(tpm, key, quoted), tpm.pcrs(SELECTION))
    assert result.accepted, result.refusals
    assert (str(result.assurance), result.baseline) == ("self-consistent", "release-a")


@pytest.mark.parametrize(("short", "hierarchy"), HIERARCHIES.items())
def test_quote_tells_the_hierarchy_of_its_key(tpm: Swtpm, short: str, hierarchy: str) -> None:
    key = tpm.make_aik(short, FAST)
    members = {"aik": {"trust": "unanchored", "hierarchy": [hierarchy]}}
    quoted = tpm.quote(key, SELECTION, NONCE)
    result = judged(response_of(tpm, key, quoted), quoted.values, members)
    reason = f"qualifiedSigner is the AIK as a primary of {hierarchy}"
    assert (result.accepted, answer(result, "quote.signer")) == (True, ("pass", reason))


@pytest.mark.parametrize("selection", ["sha256:0,7,10+sha1:0,7", "sha1:0,7+sha256:0,7,10"])
def test_quote_of_two_banks_is_accepted_in_either_order(tpm: Swtpm, selection: str) -> None:
    key = tpm.make_aik("e", FAST)
    quoted = tpm.quote(key, selection, NONCE)
    result = judged(response_of(tpm, key, quoted), tpm.pcrs(selection))
    assert result.accepted, result.refusals


def test_quote_of_a_child_key_is_accepted_with_a_warning(tpm: Swtpm) -> None:
    key = tpm.make_aik("o", FAST, child=True)
    quoted = tpm.quote(key, SELECTION, NONCE)
    result = judged(response_of(tpm, key, quoted), quoted.values)
    assert (result.accepted, answer(result, "quote.signer")[0]) == (True, "warn")


def test_quote_of_a_child_key_is_refused_where_hierarchies_are_named(tpm: Swtpm) -> None:
    key = tpm.make_aik("o", FAST, child=True)
    quoted = tpm.quote(key, SELECTION, NONCE)
    members = {"aik": {"trust": "unanchored", "hierarchy": ["owner"]}}
    result = judged(response_of(tpm, key, quoted), quoted.values, members)
    assert refusing(result) == {"quote.signer"}


def test_quote_of_an_enrolled_key_is_anchored(tpm: Swtpm) -> None:
    key = tpm.make_aik("e", FAST)
    name = b"\0\x0b" + digest("sha256", tpm.public(key)[2:])
    quoted = tpm.quote(key, SELECTION, NONCE)
    members = {"aik": {"trust": "enrolled", "names": [name]}}
    result = judged(response_of(tpm, key, quoted), quoted.values, members)
    assert (result.accepted, str(result.assurance)) == (True, "anchored")


def test_quote_of_a_key_enrolled_by_its_spki_is_anchored(tpm: Swtpm) -> None:
    key = tpm.make_aik("e", FAST)
    spki = digest("sha256", tpm.public(key, "der"))
    quoted = tpm.quote(key, SELECTION, NONCE)
    members = {"aik": {"trust": "enrolled", "spki_sha256": [spki]}}
    result = judged(response_of(tpm, key, quoted), quoted.values, members)
    assert (result.accepted, str(result.assurance)) == (True, "anchored")


def test_quote_of_another_key_is_not_anchored_by_an_enrolled_one(tpm: Swtpm) -> None:
    enrolled, key = tpm.make_aik("e", FAST), tpm.make_aik("o", ALGORITHMS[0])
    name = b"\0\x0b" + digest("sha256", tpm.public(enrolled)[2:])
    quoted = tpm.quote(key, SELECTION, NONCE)
    members = {"aik": {"trust": "enrolled", "names": [name]}}
    result = judged(response_of(tpm, key, quoted), quoted.values, members)
    assert refusing(result) == {"aik.trust"}


@pytest.mark.parametrize(
    "qualifying", [build.nonce_of("an older request"), NONCE[:15], NONCE + b"\0"]
)
def test_quote_under_another_nonce_is_refused(tpm: Swtpm, qualifying: bytes) -> None:
    key = tpm.make_aik("e", FAST)
    quoted = tpm.quote(key, SELECTION, qualifying)
    result = judged(response_of(tpm, key, quoted), quoted.values)
    assert refusing(result) == {"quote.nonce"}


def test_quote_with_the_public_area_of_another_key_is_refused(tpm: Swtpm) -> None:
    key, other = tpm.make_aik("e", FAST), tpm.make_aik("o", FAST)
    quoted = tpm.quote(key, SELECTION, NONCE)
    result = judged(response_of(tpm, other, quoted), quoted.values)
    assert "quote.signature" in refusing(result)


def test_quote_of_other_pcrs_relabelled_is_refused(tpm: Swtpm) -> None:
    key = tpm.make_aik("e", FAST)
    quoted = tpm.quote(key, "sha256:16,21,23", NONCE)
    order = zip((0, 7, 10), sorted(quoted.values["sha256"]), strict=True)
    values = {"sha256": {label: quoted.values["sha256"][true] for label, true in order}}
    claimed = Quoted(quoted.attest, quoted.signature, values)
    golden = {"pcrs": {"sha256": {0: "any"}}, "baselines": None}
    result = judged(response_of(tpm, key, claimed), values, golden)
    assert refusing(result) >= {"quote.selection", "pcr.rules"}


def test_time_attestation_by_the_right_key_is_refused(tpm: Swtpm) -> None:
    key = tpm.make_aik("e", FAST)
    octets, signature = tpm.time(key, NONCE)
    claimed = Quoted(octets, signature, tpm.pcrs(SELECTION))
    result = judged(response_of(tpm, key, claimed), claimed.values)
    assert (answer(result, "quote.signature")[0], "quote.type" in refusing(result)) == (
        "pass",
        True,
    )


def test_forged_quote_by_a_key_that_signs_anything_is_refused(tpm: Swtpm, tmp_path: Path) -> None:
    key = unrestricted_key(tpm)
    values = {"sha256": dict.fromkeys((0, 7, 10), b"\1" * 32)}
    forged = build.quote(rsa_aik(), values, signer=qualified_name(tpm, key))
    claimed = Quoted(forged, signed(tpm, key, forged, tmp_path), values)
    result = judged(response_of(tpm, key, claimed), values)
    seen = (answer(result, "quote.signature")[0], answer(result, "quote.signer")[0])
    assert (seen, refusing(result)) == (("pass", "pass"), {"aik.attributes"})


def test_restricted_key_signs_no_octets_that_begin_as_a_quote(tpm: Swtpm, tmp_path: Path) -> None:
    key = tpm.make_aik("e", "rsa2048:rsassa-sha256")
    forged = build.quote(rsa_aik(), build.VALUES)
    with pytest.raises(SwtpmError, match="tpm2_sign"):
        signed(tpm, key, forged, tmp_path)


def test_octets_that_a_restricted_key_signs_otherwise_are_refused(
    tpm: Swtpm, tmp_path: Path
) -> None:
    key = tpm.make_aik("e", "rsa2048:rsassa-sha256")
    values = {"sha256": dict.fromkeys((0, 7, 10), b"\1" * 32)}
    forged = build.quote(rsa_aik(), values, signer=qualified_name(tpm, key), magic=0xFF544346)
    claimed = Quoted(forged, signed(tpm, key, forged, tmp_path), values)
    result = judged(response_of(tpm, key, claimed), values)
    assert (answer(result, "quote.signature")[0], refusing(result)) == ("pass", {"quote.magic"})


def test_quote_after_a_further_measurement_is_refused_and_says_where(tpm: Swtpm) -> None:
    key = tpm.make_aik("e", FAST)
    before = tpm.pcrs(SELECTION)
    tpm.extend({"sha256": {7: digest("sha256", b"something else")}})
    quoted = tpm.quote(key, SELECTION, NONCE)
    result = judged(response_of(tpm, key, quoted), before)
    golden = (before["sha256"][7].hex(),)
    difference = attest.Difference("sha256", 7, quoted.values["sha256"][7], golden)
    assert (refusing(result), result.closest_baseline, result.differences) == (
        {"pcr.baseline"},
        "release-a",
        (difference,),
    )


def test_quote_with_the_values_of_before_is_refused(tpm: Swtpm) -> None:
    key = tpm.make_aik("e", FAST)
    before = tpm.pcrs(SELECTION)
    tpm.extend({"sha256": {7: digest("sha256", b"something more")}})
    quoted = tpm.quote(key, SELECTION, NONCE)
    claimed = Quoted(quoted.attest, quoted.signature, before)
    result = judged(response_of(tpm, key, claimed), before)
    assert refusing(result) == {"quote.digest"}


def quoted_after_reset(tpm: Swtpm, *, orderly: bool) -> tuple[Key, Quoted]:
    """Reset the TPM and quote; again, where its clock has become safe in between.

    It does so as soon as it passes a multiple of 4,096 ms, at which libtpms keeps it in NV memory.
    """
    for _ in range(RESETS):
        tpm.reset(orderly=orderly)
        tpm.extend(MEASURED)
        key = tpm.make_aik("e", FAST)
        quoted = tpm.quote(key, SELECTION, NONCE)
        if parse_attest(quoted.attest).clock_info.safe is orderly:
            return key, quoted
    raise AssertionError(f"after {RESETS} resets no clock that is {'' if orderly else 'un'}safe")


@pytest.mark.parametrize(
    ("orderly", "safe", "refuses"),
    [
        (True, "required", set()),
        (False, "required", {"quote.clock"}),
        (False, "any", set()),
    ],
)
def test_quote_after_a_reset_is_judged_by_its_clock(
    tpm: Swtpm, orderly: bool, safe: str, refuses: set[str]
) -> None:
    key, quoted = quoted_after_reset(tpm, orderly=orderly)
    result = judged(response_of(tpm, key, quoted), quoted.values, {"clock": {"safe": safe}})
    assert refusing(result) == refuses


def qualified_name(tpm: Swtpm, key: Key) -> bytes:
    """The qualified Name of a primary under endorsement, computed from its public area."""
    name = b"\0\x0b" + digest("sha256", tpm.public(key)[2:])
    return b"\0\x0b" + digest("sha256", struct.pack(">I", 0x4000000B) + name)


def unrestricted_key(tpm: Swtpm) -> Key:
    """A primary under endorsement that signs whatever it is shown."""
    kind = ("-G", "rsa2048:rsassa-sha256:null", "-g", "sha256", "-a", SIGNING)
    tpm.tool("tpm2_createprimary", "-Q", "-C", "e", *kind, "-c", "unrestricted")
    tpm.flush()
    return Key("unrestricted", "rsassa", "sha256")


def signed(tpm: Swtpm, key: Key, octets: bytes, folder: Path) -> bytes:
    """TPMT_SIGNATURE by TPM2_Sign, after TPM2_Hash gave its ticket or refused one."""
    message, signature = folder / "message", folder / "signature"
    message.write_bytes(octets)
    kind = ("-g", key.hash_alg, "-s", key.scheme, "-f", "tss", "-o", str(signature))
    try:
        tpm.tool("tpm2_sign", "-Q", "-c", key.context, *kind, str(message))
    finally:
        tpm.flush()
    return signature.read_bytes()
