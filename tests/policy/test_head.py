"""The top keys of a policy: each refusal with its place and words."""

from __future__ import annotations

import pytest

from tests.policy.texts import HEX64, TIME, policy, refusal

SERIAL = "expected an integer from 0 to 9007199254740991, not quoted"
BITS = (
    "expected an integer from 2048 to 16384, not quoted: "
    "a policy may ask for more than the default, never for less"
)

HEAD: list[tuple[dict[str, str | None], str]] = [
    ({"schema": None}, "1:1: schema: required key is missing"),
    ({"schema": "2"}, "1:9: schema: expected 1, not quoted: there is no other schema yet"),
    ({"schema": "'1'"}, "1:9: schema: expected 1, not quoted: there is no other schema yet"),
    ({"schema": ">-\n  1"}, "1:9: schema: expected 1, not quoted: there is no other schema yet"),
    ({"schema": "01"}, "1:9: schema: expected 1, not quoted: there is no other schema yet"),
    ({"schema": "[1]"}, "1:9: schema: expected a text, found a list"),
    ({"name": None}, "1:1: name: required key is missing"),
    ({"name": "Prod"}, "2:7: name: expected [a-z0-9-]+, found 'Prod'"),
    ({"name": "a_b"}, "2:7: name: expected [a-z0-9-]+, found 'a_b'"),
    ({"name": "''"}, "2:7: name: expected [a-z0-9-]+, found ''"),
    ({"name": '"a\\n"'}, "2:7: name: expected [a-z0-9-]+, found 'a\\n'"),
    ({"name": "\u00e9"}, "2:7: name: expected [a-z0-9-]+, found '\u00e9'"),
    ({"name": "{a: b}"}, "2:7: name: expected a text, found a mapping"),
    ({"description": ""}, "5:13: description: expected a text, found none"),
    ({"description": "' '"}, "5:14: description: expected a text, found none"),
    ({"description": '"a\\e[2J"'}, "5:14: description: control character U+001B"),
    ({"description": '"a\\tb"'}, "5:14: description: control character U+0009"),
    ({"description": '"a\\rb"'}, "5:14: description: control character U+000D"),
    ({"description": '"a\\x85b"'}, "5:14: description: control character U+0085"),
    ({"description": '"a\\Lb"'}, "5:14: description: control character U+2028"),
    ({"description": "a\u202eb"}, "5:14: description: control character U+202E"),
    ({"description": "[a]"}, "5:14: description: expected a text, found a list"),
    ({"serial": "-1"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "'7'"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "|-\n  7"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "[7]"}, "5:9: serial: expected a text, found a list"),
    ({"serial": "07"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "+7"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "7.0"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "1e3"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "0x7"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "1_0"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "\u0667"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "9007199254740992"}, f"5:9: serial: {SERIAL}"),
    ({"serial": "9" * 9999}, f"5:9: serial: {SERIAL}"),
    ({"serial": ""}, f"5:8: serial: {SERIAL}"),
    ({"valid": "{}"}, "5:8: valid: empty mapping"),
    ({"valid": "2026-11-01T00:00:00Z"}, "5:8: valid: expected a mapping, found a text"),
    ({"valid": "{since: 2026-11-01T00:00:00Z}"}, "5:9: valid.since: unknown key"),
    ({"valid": "{from: 2026-11-01T00:00:00}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01 00:00:00Z}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01T00:00Z}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01T24:00:00Z}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01T00:00:60Z}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01T00:00:00.1234567Z}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01T00:00:00+0100}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: 2026-11-01T00:00:00+24:00}"}, f"5:15: valid.from: {TIME}"),
    ({"valid": "{from: now}"}, f"5:15: valid.from: {TIME}"),
    (
        {"valid": "{until: 2026-02-29T00:00:00Z}"},
        "5:16: valid.until: no such time: '2026-02-29T00:00:00Z'",
    ),
    (
        {"valid": "{until: 0001-01-01T00:00:00+01:00}"},
        "5:16: valid.until: no such time: '0001-01-01T00:00:00+01:00'",
    ),
    (
        {"valid": "{from: 2026-11-01T00:00:00Z, until: 2026-11-01T01:00:00+01:00}"},
        "5:37: valid.until: not later than from",
    ),
    ({"applies_to": "[maximum]"}, "5:13: applies_to: expected a mapping, found a list"),
    ({"applies_to": "{}"}, "5:13: applies_to: empty mapping"),
    ({"applies_to": "{tier: [high]}"}, "5:13: applies_to.security_tier: required key is missing"),
    (
        {"applies_to": "{security_tier: [high], region: a}"},
        "5:37: applies_to.region: unknown key",
    ),
    (
        {"applies_to": "{security_tier: high}"},
        "5:29: applies_to.security_tier: expected a list, found a text",
    ),
    ({"applies_to": "{security_tier: []}"}, "5:29: applies_to.security_tier: empty list"),
    (
        {"applies_to": "{security_tier: [low]}"},
        "5:30: applies_to.security_tier[0]: expected standard, high or maximum, found 'low'",
    ),
    (
        {"applies_to": "{security_tier: [high, high]}"},
        "5:36: applies_to.security_tier[1]: stands in the list twice",
    ),
    ({"tpm": "maybe"}, "5:6: tpm: expected required or optional, found 'maybe'"),
    (
        {"tpm": "optional"},
        "5:6: tpm: optional is refused where the policy can apply to tier maximum",
    ),
    (
        {"applies_to": "{security_tier: [standard, maximum]}", "tpm": "optional"},
        "6:6: tpm: optional is refused where the policy can apply to tier maximum",
    ),
    (
        {"tpm": "optional", "applies_to": "{security_tier: [standard]}", "pcrs": None},
        "1:1: pcrs: a policy needs pcrs or baselines",
    ),
    ({"nonce": "None"}, "5:8: nonce: expected payload-id, given or none, found 'None'"),
    ({"signature": "{}"}, "5:12: signature: empty mapping"),
    ({"signature": "{hash: sha256}"}, "5:13: signature.hash: unknown key"),
    ({"signature": "{schemes: []}"}, "5:22: signature.schemes: empty list"),
    (
        {"signature": "{schemes: [rsassa-sha256, rsassa-sha256]}"},
        "5:38: signature.schemes[1]: stands in the list twice",
    ),
    (
        {"signature": "{min_rsa_bits: 2047}"},
        f"5:27: signature.min_rsa_bits: {BITS}",
    ),
    (
        {"signature": "{min_rsa_bits: 16385}"},
        f"5:27: signature.min_rsa_bits: {BITS}",
    ),
    (
        {"signature": "{curves: [sm2-p256]}"},
        "5:22: signature.curves[0]: expected nist-p256, nist-p384 or nist-p521, found 'sm2-p256'",
    ),
    ({"clock": "{}"}, "5:8: clock: empty mapping"),
    ({"clock": "required"}, "5:8: clock: expected a mapping, found a text"),
    ({"clock": "{safe: yes}"}, "5:15: clock.safe: expected required or any, found 'yes'"),
    ({"clock": "{safe: any, skew: 5}"}, "5:20: clock.skew: unknown key"),
    ({"pcrs": None}, "1:1: pcrs: a policy needs pcrs or baselines"),
    ({"pcr": "{}"}, "5:1: pcr: unknown key"),
    ({"ek": "{}"}, "5:1: ek: unknown key, reserved for a later version"),
    ({"eventlog": "{}"}, "5:1: eventlog: unknown key, reserved for a later version"),
    ({"ima": "{}"}, "5:1: ima: unknown key, reserved for a later version"),
    ({"provenance": "{}"}, "5:13: provenance: empty mapping"),
    ({"provenance": "{tool: a}"}, "5:13: provenance.source: required key is missing"),
    ({"provenance": "{source: a, url: b}"}, "5:25: provenance.url: unknown key"),
    ({"provenance": "{source: ' '}"}, "5:22: provenance.source: expected a text, found none"),
    ({"provenance": "{source: a, sha256: 'ab'}"}, f"5:33: provenance.sha256: {HEX64}"),
    ({"provenance": "{source: a, date: 2026-11-01}"}, f"5:31: provenance.date: {TIME}"),
    (
        {"provenance": "{source: a, assurance: none}"},
        "5:36: provenance.assurance: expected self-consistent or anchored, found 'none'",
    ),
]


@pytest.mark.parametrize(("parts", "expected"), HEAD, ids=[row[1] for row in HEAD])
def test_refuses_with_place_and_reason(parts: dict[str, str | None], expected: str) -> None:
    assert refusal(policy(**parts)) == expected


def test_refuses_schemes_that_nobody_checks() -> None:
    said = refusal(policy(signature="{schemes: [rsassa-sha1]}"))

    assert said.startswith("5:23: signature.schemes[0]: expected rsassa-sha256, ")
    assert said.endswith(" or ecdsa-sha3_512, found 'rsassa-sha1'")
