"""``verifier.cross-check``: libtss2 and OpenSSL see what attest sees, else they refuse."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

import attest
from attest.crosscheck import openssl
from attest.crosscheck.opinion import second_opinion
from attest.evidence import Evidence, read_evidence
from tests import aik, build
from tests.cli.calls import attest as called
from tests.endorsing import certified
from tests.judging import answer, attestation, octets_of, policy_of, refusing, verified
from tests.peers import needs

os.environ.setdefault("TSS2_LOG", "all+none")  # libtss2 logs each refusal
needs.module("tpm2_pytss", "tpm2-pytss")
needs.need(openssl.found(), "openssl")

CHECK = "verifier.cross-check"
FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
REAL = sorted(
    path.parent
    for kind in ("gce-*", "swtpm-*", "forged-certify-*", "forged-chain-*")
    for path in FIXTURES.glob(f"{kind}/response.json")
)
QUOTE = ("quote_b64", "signature_b64", "aik_pubkey_b64", "the signature over quote_b64")
CERTIFY = ("certify_b64", "certify_signature_b64", "ak_pubkey_b64")
ASKING = {"cross_check": True}


def agreed(*members: str) -> str:
    return f"libtss2 and OpenSSL agree on {', '.join(members)}"


@pytest.mark.parametrize(
    "key",
    [
        *(aik.rsa_aik(2048, "rsassa", alg) for alg in ("sha1", "sha256", "sha384", "sha512")),
        *(aik.rsa_aik(2048, "rsapss", alg) for alg in ("sha256", "sha512", "sha3_256")),
        *(aik.ecc_aik(curve, "sha256") for curve in aik.CURVE),
        aik.exponent_aik(65539),
    ],
)
def test_cross_check_agrees_on_every_scheme(key: aik.Aik) -> None:
    assert answer(verified(key, asking=ASKING), CHECK) == ("pass", agreed(*QUOTE))


def test_cross_check_covers_the_certification_too() -> None:
    told = {"endorsement": certified(aik.rsa_aik())}
    result = verified(attestation=told, asking=ASKING)
    whole = agreed(*QUOTE, *CERTIFY, "the signature over certify_b64")
    assert (answer(result, CHECK), result.accepted) == (("pass", whole), True)


@pytest.mark.parametrize("case", REAL, ids=lambda case: case.name)
def test_cross_check_agrees_on_recorded_evidence(case: Path) -> None:
    evidence = read_evidence((case / "response.json").read_bytes())
    opinion = second_opinion(evidence)
    if case.name == "forged-certify-type":  # a body that says it is TIME, and is none
        assert [one.partition(":")[0] for one in opinion.differences] == ["certify_b64"]
    else:
        assert opinion.differences == ()


def test_cross_check_agrees_where_both_refuse_a_signature() -> None:
    stranger = aik.rsa_aik(fresh=True)
    result = verified(signature=stranger.sign(b"something else"), asking=ASKING)
    assert answer(result, CHECK) == ("pass", agreed(*QUOTE))
    assert "quote.signature" in refusing(result)


@pytest.mark.parametrize("framing", ["", "TPM2B_ATTEST"])
def test_cross_check_reads_both_framings(framing: str) -> None:
    assert answer(verified(framing=framing, asking=ASKING), CHECK)[0] == "pass"


def test_cross_check_refuses_what_libtss2_does_not_read() -> None:
    key = aik.rsa_aik()
    result = verified(key, quoted={"type": 0x8001}, asking=ASKING)
    outcome, reason = answer(result, CHECK)
    assert outcome == "fail"
    assert reason.startswith("quote_b64: attest reads it, libtss2 refuses it (")
    assert CHECK in refusing(result)


def test_cross_check_compares_attestations_of_other_types_by_their_head() -> None:
    result = verified(quote=build.other("time", aik.rsa_aik()), asking=ASKING)
    assert answer(result, CHECK) == ("pass", agreed(*QUOTE))
    assert "quote.type" in refusing(result)


def test_cross_check_compares_signatures_of_other_schemes_by_name() -> None:
    told = aik.ecc_signature(b"\1", b"\1", scheme="sm2")
    result = verified(signature=told, asking=ASKING)
    assert answer(result, CHECK) == ("pass", agreed(*QUOTE))
    assert "aik.scheme" in refusing(result)


def test_cross_check_leaves_out_what_attest_could_not_read() -> None:
    result = verified(signature=b"", asking=ASKING)
    assert answer(result, CHECK) == ("pass", agreed("quote_b64", "aik_pubkey_b64"))


@pytest.mark.parametrize("response", [b"{}", b"no JSON", attestation({"is_available": False})])
def test_cross_check_is_skipped_where_there_is_nothing_to_read(response: bytes) -> None:
    result = attest.verify(response, policy_of(), cross_check=True)
    assert answer(result, CHECK) == ("skip", "there is nothing that could be read")


def lying(**members: object) -> Evidence:
    """Evidence whose parts are those of one response, and whose octets those of another."""
    honest = read_evidence(build.response(aik.rsa_aik()))
    member = {**(honest.member or {}), **members}
    return Evidence(
        present=True,
        member=member,
        attest=honest.attest,
        signature=honest.signature,
        public=honest.public,
        key=honest.key,
    )


def test_a_difference_says_what_each_saw() -> None:
    other = build.quote(aik.rsa_aik(), build.VALUES, extra_data=b"", clock=1)
    opinion = second_opinion(lying(quote_b64=build.base64_of(other)))
    nonce = build.nonce_of(build.PAYLOAD_ID).hex()
    assert opinion.differences == (
        "quote_b64: clock: attest sees 123456, libtss2 sees 1",
        f"quote_b64: extraData: attest sees {nonce}, libtss2 sees empty",
    )


def test_octets_that_libtss2_leaves_over_are_a_difference() -> None:
    longer = build.quote(aik.rsa_aik(), build.VALUES) + b"\0"
    opinion = second_opinion(lying(quote_b64=build.base64_of(longer)))
    told = "quote_b64: attest reads it whole, libtss2 leaves 1 octets"
    assert opinion.differences == (told,)


def test_a_signature_that_only_one_of_them_verifies_is_a_difference() -> None:
    stranger = aik.rsa_aik(fresh=True).public()
    opinion = second_opinion(lying(aik_pubkey_b64=build.base64_of(stranger)))
    told = "the signature over quote_b64: attest says: it verifies; OpenSSL says: "
    assert [one for one in opinion.differences if one.startswith(told)]
    assert any(one.startswith("aik_pubkey_b64: modulus: ") for one in opinion.differences)


@pytest.mark.parametrize(
    ("member", "octets", "fault"),
    [
        ("signature_b64", aik.ecc_signature(b"\1", b"\1"), "no scheme, hash or key"),
        ("signature_b64", aik.rsa_signature(bytes(256), hash_alg="sm3_256"), "no scheme, hash"),
        ("aik_pubkey_b64", aik.ecc_aik().public(), "no scheme, hash or key"),
        ("aik_pubkey_b64", aik.ecc_aik().public(curve=0x20), "no scheme, hash or key"),
    ],
)
def test_what_openssl_is_not_asked_about_never_counts_as_verified(
    member: str, octets: bytes, fault: str
) -> None:
    opinion = second_opinion(lying(**{member: build.base64_of(octets)}))
    over = "the signature over quote_b64: attest says: it verifies; OpenSSL says: "
    assert any(one.startswith(f"{over}{fault}") for one in opinion.differences)


def test_a_name_that_libtss2_cannot_compute_is_a_difference() -> None:
    public = aik.rsa_aik().public(name_alg=0x0099)
    opinion = second_opinion(lying(aik_pubkey_b64=build.base64_of(public)))
    assert any(one.endswith("libtss2 sees None") for one in opinion.differences)


def test_a_structure_that_libtss2_refuses_is_no_part_of_a_signature() -> None:
    opinion = second_opinion(lying(aik_pubkey_b64="AA=="))
    (told,) = opinion.differences
    assert told.startswith("aik_pubkey_b64: attest reads it, libtss2 refuses it (")


@pytest.mark.parametrize("key", [b"\x00\x0e\x00\x08\x00\x0b\x00\x05\x00\x72\0\0\x00\x10\0\0"])
def test_a_key_of_another_kind_is_a_difference(key: bytes) -> None:
    opinion = second_opinion(lying(aik_pubkey_b64=build.base64_of(key)))
    assert any(one.startswith("aik_pubkey_b64: type: ") for one in opinion.differences)


def written(folder: Path, **lies: Any) -> list[str]:
    (folder / "a.json").write_bytes(octets_of(build.response(**lies)))
    (folder / "policy.yaml").write_text(build.policy_text())
    return ["verify", str(folder / "a.json"), "-p", str(folder / "policy.yaml")]


@pytest.mark.parametrize("at", ["now", "evidence"])
def test_command_line_cross_checks(tmp_path: Path, at: str) -> None:
    words = [*written(tmp_path), "--at", at, "--cross-check", "--format", "json"]
    done = called(*words)
    (result,) = json.loads(done.stdout)
    outcomes = {check["id"]: check["outcome"] for check in result["checks"]}
    assert (done.exit_code, outcomes[CHECK]) == (0, "pass")


def test_command_line_refuses_by_the_cross_check(tmp_path: Path) -> None:
    done = called(*written(tmp_path, quoted={"type": 0x8001}), "--cross-check")
    assert (done.exit_code, CHECK in done.stdout) == (1, True)
