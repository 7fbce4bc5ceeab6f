"""Keys of TPMs that a maker certified, enrolled from the command line; every mix-up refused."""

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

os.environ.setdefault("TSS2_LOG", "all+none")  # libtss2 logs each refusal

from attest import crypto
from attest.collect.enrolling import make_credential
from attest.enrolment.certificate import fingerprint, not_validated
from attest.enrolment.documents import Challenge, Request, canonical, plain, read
from attest.enrolment.keys import read_ak
from attest.enrolment.steps import challenge_of
from attest.tpm.attestation import parse_attest
from attest.tpm.signature import parse_signature
from tests.aik import ecc_aik
from tests.build import policy_text
from tests.cli.calls import attest
from tests.enrolment.making import NOW, ek_public
from tests.live.collect.judged import FAST, SELECTION, loaded
from tests.live.collect.test_certified import octets
from tests.live.enrolment.enrolling import Enrolment, said
from tests.swtpm import Swtpm, SwtpmError

GONE: Final = "swtpm:host=127.0.0.1,port=1"


@pytest.mark.parametrize("ek", ["rsa2048", "ecc-nist-p384"])
def test_key_is_enrolled_and_its_record_verifies(
    first: Swtpm, enrolment: Enrolment, ek: str
) -> None:
    assert said(enrolment.ask(first, "--ek", ek)) == (0, "")
    pin = fingerprint(enrolment.asked().ek_cert_chain_b64[0])
    assert said(enrolment.challenged("--ek-cert-sha256", pin)) == (0, "")
    assert said(enrolment.answered(first)) == (0, "")
    finished = enrolment.finish()
    assert (said(finished), finished.stdout.split()[0]) == ((0, ""), "ENROLLED")
    assert not enrolment.kept.exists()
    verified = enrolment.verify("--key", enrolment.public, "--format", "json")
    told = json.loads(verified.stdout)
    assert (verified.exit_code, told["authenticated"]) == (0, True)
    assert told["record"]["ak_name"] == read_ak(enrolment.asked().ak_pubkey_b64).name.hex()
    assert told["record"]["ek_validation"]["how"] == "pinned"
    assert loaded(first) == first.tool("tpm2_getcap", "handles-loaded-session") == ""


def test_quote_is_certified_by_the_enrolled_key(
    first: Swtpm, enrolment: Enrolment, tmp_path: Path
) -> None:
    enrolment.ask(first)
    ak = read_ak(enrolment.asked().ak_pubkey_b64)
    response, policy = tmp_path / "response.json", tmp_path / "policy.yaml"
    words = ("--certify-with", "0x81010002", "--key", FAST["key"], "--scheme", FAST["scheme"])
    done = attest("collect", "--tcti", first.tcti, *words, "-o", response)
    member = json.loads(response.read_bytes())["_metadata"]["tpm_attestation"]
    certify = parse_attest(octets(member["endorsement"], "certify_b64"))
    signature = parse_signature(octets(member["endorsement"], "certify_signature_b64"))
    key = crypto.build_key(ak.public)
    assert key is not None
    assert crypto.signature_fault(key, signature, certify.signed) is None
    policy.write_text(policy_text(first.pcrs(SELECTION)))
    judged = attest("verify", response, "-p", policy, "--tier", "maximum")
    assert (said(done), judged.exit_code) == ((0, ""), 0)


def test_same_key_is_asked_for_again(first: Swtpm, enrolment: Enrolment) -> None:
    enrolment.ask(first)
    once = enrolment.asked()
    enrolment.ask(first)
    assert enrolment.asked() == once


def test_certificate_that_nobody_validated_is_said_to_be_so(
    first: Swtpm, enrolment: Enrolment
) -> None:
    enrolment.ask(first)
    told = (
        "attest: the certificate of the endorsement key was not validated: "
        "nothing says that this certificate is a TPM's\n"
    )
    assert said(enrolment.challenged()) == (0, told)
    enrolment.answered(first)
    assert "none: not validated: nothing says" in enrolment.finish().stdout


def test_record_without_a_key_is_unauthenticated(first: Swtpm, enrolment: Enrolment) -> None:
    enrolment.ask(first)
    enrolment.challenged()
    enrolment.answered(first)
    enrolment.finish()
    done = enrolment.verify()
    assert done.stdout.startswith("UNAUTHENTICATED ")
    told = "unauthenticated: no key was given to verify it with"
    assert said(done) == (1, f"attest: {enrolment.record}: {told}\n")
    other = Enrolment(enrolment.record.parent / "other")
    wrong = enrolment.verify("--key", other.public)
    assert (wrong.exit_code, "is not signed by key" in wrong.stderr) == (1, True)


def test_challenge_of_another_tpm_is_refused(
    first: Swtpm, second: Swtpm, enrolment: Enrolment
) -> None:
    enrolment.ask(second)
    name = read_ak(enrolment.asked().ak_pubkey_b64).name.hex()
    enrolment.ask(first)
    enrolment.challenged()
    done = enrolment.answered(second)
    wanted = read_ak(enrolment.asked().ak_pubkey_b64).name.hex()
    told = f"attest: ak_name: is {wanted}, the key at 0x81010002 is {name}\n"
    assert said(done) == (1, told)
    assert not enrolment.answer.exists()


def test_challenge_of_another_tpm_under_this_key_s_name_is_refused_by_the_tpm(
    first: Swtpm, second: Swtpm, enrolment: Enrolment
) -> None:
    enrolment.ask(second)
    stranger = enrolment.asked().ak_pubkey_b64
    enrolment.ask(first)
    mixed = plain(enrolment.asked()) | {"ak_pubkey_b64": octets_text(stranger)}
    enrolment.request.write_text(json.dumps(mixed))
    enrolment.challenged()
    done = enrolment.answered(second)
    assert done.exit_code == 1
    assert done.stderr.startswith("attest: TPM2_ActivateCredential: tpm:")
    assert loaded(second) == second.tool("tpm2_getcap", "handles-loaded-session") == ""


def octets_text(octets: bytes) -> str:
    """Octets as the files write them."""
    text: str = plain(Request(1, "rsa2048", octets, (b"x",), octets))["ak_pubkey_b64"]
    return text


def test_answer_of_another_enrolment_is_refused(
    first: Swtpm, enrolment: Enrolment, tmp_path: Path
) -> None:
    other = Enrolment(tmp_path / "two")
    for one in (enrolment, other):
        one.ask(first)
        one.challenged()
        one.answered(first)
    enrolment.answer.write_bytes(other.answer.read_bytes())
    done = enrolment.finish()
    assert (done.exit_code, done.stderr[:34]) == (1, "attest: challenge_sha256: answers ")
    assert enrolment.kept.exists()
    assert not enrolment.record.exists()


def test_software_key_has_no_answer_from_the_tpm(first: Swtpm, tmp_path: Path) -> None:
    """Its public area can be loaded beside the endorsement key, and is not taken for a key."""
    enrolment = Enrolment(tmp_path / "software")
    enrolment.ask(first)
    public = ecc_aik().public()
    forged = plain(enrolment.asked()) | {"ak_pubkey_b64": octets_text(public)}
    enrolment.request.write_text(json.dumps(forged))
    assert enrolment.challenged().exit_code == 0
    assert enrolment.answered(first).exit_code == 1
    challenge = read(Challenge, enrolment.challenge.read_bytes(), "challenge.json")
    blob = b"\xba\xdc\xc0\xde\0\0\0\1" + challenge.credential_b64 + challenge.encrypted_secret_b64
    (tmp_path / "software.pub").write_bytes(public)
    (tmp_path / "blob").write_bytes(blob)
    load = ("tpm2_loadexternal", "-Q", "-C", "n", "-u", str(tmp_path / "software.pub"))
    first.tool(*load, "-c", "software")
    first.tool("tpm2_createek", "-Q", "-c", "ek", "-G", "rsa", "-u", "ek.pub")
    first.flush()
    first.tool("tpm2_startauthsession", "--policy-session", "-S", "session")
    first.tool("tpm2_policysecret", "-Q", "-S", "session", "-c", "e")
    activate = ("tpm2_activatecredential", "-c", "software", "-C", "ek", "-P", "session:session")
    with pytest.raises(SwtpmError, match="not available for selected entity"):
        first.tool(*activate, "-i", str(tmp_path / "blob"), "-o", "secret")
    first.tool("tpm2_flushcontext", "session")
    first.flush()


def test_unrestricted_key_is_not_asked_for(second: Swtpm, enrolment: Enrolment) -> None:
    attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"
    kind = ("-G", "ecc256:ecdsa-sha256:null", "-a", attributes)
    second.tool("tpm2_createprimary", "-Q", "-C", "o", *kind, "-c", "loose")
    second.tool("tpm2_evictcontrol", "-Q", "-C", "o", "-c", "loose", "0x81010007")
    second.flush()
    done = enrolment.ask(second, "--ak-handle", "0x81010007")
    assert (done.exit_code, "restricted is clear" in done.stderr) == (1, True)
    assert not enrolment.request.exists()


def test_certificate_of_another_tpm_is_refused(
    first: Swtpm, second: Swtpm, enrolment: Enrolment, tmp_path: Path
) -> None:
    enrolment.ask(second)
    certificate = tmp_path / "ek.der"
    certificate.write_bytes(enrolment.asked().ek_cert_chain_b64[0])
    done = enrolment.ask(first, "--ek-cert", certificate)
    assert (done.exit_code, ", the endorsement key is " in done.stderr) == (1, True)


def test_tpm_without_a_certificate_needs_one_given(enrolment: Enrolment) -> None:
    with Swtpm() as bare:
        done = enrolment.ask(bare)
        assert loaded(bare) == ""
    wanted = "NV index 0x01c00002 holds none, and none was given"
    told = f"attest: reading the certificate of the rsa2048 endorsement key: {wanted}\n"
    assert said(done) == (1, told)


def test_template_without_its_certificate_is_none_that_the_tpm_offers(
    first: Swtpm, enrolment: Enrolment
) -> None:
    done = enrolment.ask(first, "--ek", "ecc-nist-p256")
    assert (done.exit_code, "NV index 0x01c0000a holds none" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("pins", "code", "told"),
    [
        (["00" * 32], 1, "ek_cert_chain_b64: SHA-256 is "),
        (["00"], 2, "--ek-cert-sha256 is a SHA-256: expected 64 hex digits"),
    ],
)
def test_pin_that_does_not_fit_is_refused(
    first: Swtpm, enrolment: Enrolment, pins: list[str], code: int, told: str
) -> None:
    enrolment.ask(first)
    done = enrolment.challenged("--ek-cert-sha256", *pins)
    assert (done.exit_code, told in done.stderr) == (code, True)
    assert not enrolment.kept.exists()


def test_files_are_refused_with_their_place(first: Swtpm, enrolment: Enrolment) -> None:
    assert said(enrolment.challenged())[0] == 2
    enrolment.request.write_text("[]")
    told = f"attest: {enrolment.request}: is an array, expected an object\n"
    assert said(enrolment.challenged()) == (1, told)
    enrolment.ask(first)
    enrolment.kept.write_text("")
    done = enrolment.challenged()
    assert said(done) == (2, f"attest: {enrolment.kept}: File exists\n")


@pytest.mark.parametrize("handle", ["81010002", "0x81", "0x40000001"])
def test_handle_where_no_key_stays_is_a_wrong_call(
    first: Swtpm, enrolment: Enrolment, handle: str
) -> None:
    done = enrolment.ask(first, "--ak-handle", handle)
    assert (done.exit_code, "expected" in done.stderr) == (2, True)


def test_tpm_that_is_not_there_is_exit_code_2(enrolment: Enrolment) -> None:
    done = attest("enroll", "request", "--tcti", GONE, "-o", enrolment.request)
    assert said(done) == (2, f"attest: connecting to {GONE}: tcti:IO failure\n")


def test_key_that_does_not_sign_leaves_what_was_kept(first: Swtpm, enrolment: Enrolment) -> None:
    enrolment.ask(first)
    enrolment.challenged()
    enrolment.answered(first)
    enrolment.key.write_text("")
    assert enrolment.finish().exit_code == 2
    assert enrolment.kept.exists()
    assert enrolment.verify("--key", enrolment.key).exit_code == 2


def test_what_was_kept_is_a_file_that_must_go_away(
    first: Swtpm, enrolment: Enrolment, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrolment.ask(first)
    options = ("--pending", enrolment.kept, "-o", enrolment.challenge)
    asked = enrolment.request.read_bytes()
    assert attest("enroll", "challenge", "-", *options, stdin=asked).exit_code == 0
    enrolment.answered(first)
    words = ("enroll", "finish", "-", enrolment.answer, "--key", enrolment.key)
    piped = attest(*words, "-o", enrolment.record, stdin=enrolment.kept.read_bytes())
    assert said(piped) == (2, "attest: PENDING is removed in the end: expected a file\n")

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert said(enrolment.finish()) == (2, f"attest: {enrolment.kept}: Permission denied\n")


@pytest.mark.parametrize("change", [b"\0", b"\xff"])
def test_challenge_with_octets_left_over_is_refused(
    first: Swtpm, enrolment: Enrolment, change: bytes
) -> None:
    enrolment.ask(first)
    made, _ = challenge_of(enrolment.asked(), not_validated, make_credential, bytes(32), NOW)
    changed = plain(made) | {"credential_b64": octets_text(made.credential_b64 + change)}
    enrolment.challenge.write_text(json.dumps(changed))
    told = "attest: credential_b64: 1 trailing octets\n"
    assert said(enrolment.answered(first)) == (1, told)
    cut = plain(made) | {"credential_b64": octets_text(made.credential_b64[:1])}
    enrolment.challenge.write_text(json.dumps(cut))
    assert enrolment.answered(first).stderr.startswith("attest: credential_b64: ")


def test_credential_for_no_key_is_an_error() -> None:
    from attest.collect import CollectError  # noqa: PLC0415 - libtss2 was silenced first

    with pytest.raises(CollectError, match=r"^TPM2_MakeCredential: "):
        make_credential(ek_public(symmetric=bytes.fromhex("0010")), b"\0\x0b" + bytes(32), b"x")


def test_canonical_form_is_what_is_signed(first: Swtpm, enrolment: Enrolment) -> None:
    enrolment.ask(first)
    assert canonical(enrolment.asked()) == canonical(enrolment.asked())
    envelope: dict[str, Any] = {"payload": "", "payloadType": "x", "signatures": []}
    enrolment.record.write_text(json.dumps(envelope))
    assert enrolment.verify().exit_code == 1
