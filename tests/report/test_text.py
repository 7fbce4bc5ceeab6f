"""``report.text``: a decision and its reasons, as a person reads them."""

import re

import pytest

import attest
from attest.report.text import Style, render
from tests import aik, build
from tests.judging import AT, attestation, policy_of, verified

KEY = aik.rsa_aik()
ENROLLED = {"aik": {"trust": "enrolled", "names": [KEY.name]}}
COLOUR = Style(colour=True)
ODD = "a\x1b[2J\u202e\r\n.json"
WEAK = "self-consistent, not anchored: any software could have made it"
NOTHING = attest.verify(b"{}", policy_of(), at=AT)
COLUMNS = 103
NONCE = build.nonce_of(build.PAYLOAD_ID).hex()


def declined() -> attest.AttestationResult:
    policy = policy_of(tpm="optional", applies_to={"security_tier": ["standard"]})
    response = attestation({"is_available": False}, security_tier="standard")
    return attest.verify(response, policy, at=AT)


def test_accepted_says_policy_baseline_and_assurance() -> None:
    assert render(verified(), "responses/a.json") == (
        "ACCEPTED  responses/a.json  policy golden, baseline release-a\n"
        "          self-consistent, not anchored: any software could have made it"
    )


def test_anchored_says_that_the_key_is_enrolled() -> None:
    assert render(verified(policy=ENROLLED), "a.json") == (
        "ACCEPTED  a.json  policy golden, baseline release-a\n"
        "          anchored: the signing key is enrolled"
    )


def test_refused_says_which_checks_refuse_and_why() -> None:
    result = verified(quoted={"magic": 0, "extra_data": b""})
    assert render(result, "a.json") == (
        "REFUSED   a.json  policy golden\n"
        "          quote.magic      magic is 0x00000000, expected 0xff544347\n"
        f"          quote.nonce      extraData is empty, expected {NONCE}"
    )


def test_optional_says_that_nothing_was_proven() -> None:
    assert render(declined(), "a.json") == (
        "ACCEPTED  a.json  policy golden\n"
        "          nothing was proven of a TPM\n"
        "          evidence.present the server says that it has no TPM; the policy lets that pass"
    )


def test_warnings_of_an_accepted_response_are_said_once() -> None:
    result = verified(quoted={"safe": 0}, policy={"nonce": "none"})
    assert render(result, "a.json") == (
        "ACCEPTED  a.json  policy golden, baseline release-a\n"
        "          self-consistent, not anchored: any software could have made it\n"
        "          quote.nonce      "
        "the policy has no nonce compared: the quote may be of any age\n"
        "          quote.clock      "
        "clockInfo.safe is 0: the TPM may have reported a later clock before"
    )


def test_warnings_of_a_refused_response_are_left_out() -> None:
    text = render(verified(quoted={"safe": 0, "magic": 0}), "a.json")
    assert "quote.clock" not in text


def test_skipped_mandatory_checks_are_among_the_reasons() -> None:
    text = render(NOTHING, "a.json")
    ids = re.findall(r"^ {10}([a-z.]+)", text, re.MULTILINE)
    assert ids == [check.id for check in NOTHING.refusals]


def test_a_row_of_many_has_its_number() -> None:
    assert render(verified(), "a.jsonl", 0).startswith("ACCEPTED  a.jsonl row 0  policy golden")


def test_a_policy_with_a_serial_shows_it() -> None:
    text = render(verified(policy={"serial": 7}), "a.json")
    assert text.startswith("ACCEPTED  a.json  policy golden #7, baseline release-a\n")


def test_a_policy_with_serial_zero_shows_it() -> None:
    assert " policy golden #0, " in render(verified(policy={"serial": 0}), "a.json")


def test_rules_without_a_baseline_name_none() -> None:
    text = render(verified(policy={"baselines": None}), "a.json")
    assert text.startswith("ACCEPTED  a.json  policy golden\n")


def test_no_policy_of_a_set_is_said() -> None:
    policy = attest.PolicySet((policy_of(applies_to={"security_tier": ["high"]}),))
    result = attest.verify(b"{}", policy, at=AT)
    assert render(result, "a.json").startswith("REFUSED   a.json  no policy\n")


def test_names_of_sources_are_escaped() -> None:
    text = render(verified(), ODD)
    assert text.startswith(r"ACCEPTED  a\x1b[2J\u202e\r\n.json  policy golden")


@pytest.mark.parametrize("tier", ["\x1b[31m", "\u202e", "\n", "\x9b31m", "\u2066", "\x07"])
def test_nothing_of_the_server_can_act_on_a_terminal(tier: str) -> None:
    result = verified(tier=tier, asking={"security_tier": "maximum"})
    assert render(result, "a.json").replace("\n", "").isprintable()


def test_reasons_of_many_words_stay_within_the_lines_of_a_terminal() -> None:
    policy = {"pcrs": {"sha256": {7: [bytes([n]) * 32 for n in range(3)]}}}
    lines = render(verified(policy=policy), "a.json").splitlines()
    assert max(map(len, lines)) <= COLUMNS
    assert len(lines) > 2


def test_a_wrapped_reason_loses_no_word() -> None:
    result = verified(policy={"pcrs": {"sha256": {7: [bytes([n]) * 32 for n in range(3)]}}})
    (refusal,) = result.refusals
    words = render(result, "a.json").split("pcr.rules", 1)[1].split()
    assert words == refusal.reason.split()


@pytest.mark.parametrize(
    ("result", "code", "word"),
    [(verified(), "1;32", "ACCEPTED"), (verified(quoted={"magic": 0}), "1;31", "REFUSED ")],
    ids=["accepted", "refused"],
)
def test_colours_mark_the_decision(result: attest.AttestationResult, code: str, word: str) -> None:
    text = render(result, "a.json", style=COLOUR)
    assert text.startswith(f"\x1b[{code}m{word}\x1b[0m  a.json")


def test_colours_mark_what_is_weak() -> None:
    assert f"\x1b[33m{WEAK}\x1b[0m" in render(verified(), "a.json", style=COLOUR)


def test_colours_leave_an_anchored_result_plain() -> None:
    text = render(verified(policy=ENROLLED), "a.json", style=COLOUR)
    assert text.endswith("\n          anchored: the signing key is enrolled")


def test_colours_mark_the_ids_of_what_refuses() -> None:
    text = render(verified(quoted={"magic": 0}), "a.json", style=COLOUR)
    assert "\x1b[1;31mquote.magic     \x1b[0m magic is" in text


def test_colours_mark_the_ids_of_warnings() -> None:
    text = render(verified(quoted={"safe": 0}), "a.json", style=COLOUR)
    assert "\x1b[33mquote.clock     \x1b[0m clockInfo" in text


@pytest.mark.parametrize("result", [verified(), verified(quoted={"magic": 0}), NOTHING])
def test_colours_change_nothing_but_colour(result: attest.AttestationResult) -> None:
    coloured = render(result, "a.json", style=COLOUR)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(result, "a.json")


def test_text_is_plain_by_default() -> None:
    assert "\x1b" not in render(verified(quoted={"safe": 0}), "a.json")


@pytest.mark.parametrize("long", ["ab" * 60, "release-" * 15 + "a"])
def test_a_long_word_is_never_broken(long: str) -> None:
    baseline = {"name": "r", "revoked": long, "pcrs": {"sha256": build.VALUES["sha256"]}}
    text = render(verified(policy={"baselines": [baseline]}), "a.json")
    assert long in text.split()
