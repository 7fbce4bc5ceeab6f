"""Responses: opened where they are exactly an envelope to this key, else SecurityError."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import SecurityError
from client.envelope import MAX_OPENED, MAX_WIRE, open_response
from tests.base64_lies import LIES
from tests.client import wire
from tests.client.refusing import refusal_of

CLIENT = wire.small_key()
UNOPENED = "response: is not sealed to this key, or was changed"
ENVELOPE = wire.sealed(b'{"id": "x"}', CLIENT.public_key())
OCTETS = wire.octets(ENVELOPE)


def refused(**lies: Any) -> str:
    """Open an envelope with outer members replaced; return the refusal."""
    return refusal_of(open_response, wire.octets({**ENVELOPE, **lies}), CLIENT)


def refused_payload(**lies: Any) -> str:
    """The same, for members of ``encrypted_payload``."""
    return refused(encrypted_payload={**ENVELOPE["encrypted_payload"], **lies})


@given(st.binary(max_size=300))
def test_what_the_second_implementation_sealed_is_opened(plaintext: bytes) -> None:
    assert open_response(wire.sealed_octets(plaintext, CLIENT.public_key()), CLIENT) == plaintext


def test_response_to_a_key_of_4096_bits_is_opened() -> None:
    key = wire.client_key()

    assert open_response(wire.sealed_octets(b"x", key.public_key()), key) == b"x"


def test_large_response_is_opened() -> None:
    plaintext = bytes(12 * 1024 * 1024)

    assert open_response(wire.sealed_octets(plaintext, CLIENT.public_key()), CLIENT) == plaintext


def test_white_space_and_order_mean_nothing() -> None:
    octets = json.dumps(dict(reversed(ENVELOPE.items())), indent=2).encode()

    assert open_response(octets, CLIENT) == b'{"id": "x"}'


@pytest.mark.parametrize("claimed", [0, -1, 1, 2**80])
def test_processed_at_is_not_used(claimed: int) -> None:
    octets = wire.octets({**ENVELOPE, "processed_at": claimed})

    assert open_response(octets, CLIENT) == b'{"id": "x"}'


def test_processed_at_may_be_missing() -> None:
    octets = wire.octets({k: v for k, v in ENVELOPE.items() if k != "processed_at"})

    assert open_response(octets, CLIENT) == b'{"id": "x"}'


@pytest.mark.parametrize(
    ("claimed", "seen"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1.5, "a number"),
        ("1764000000", "a string"),
        ({}, "an object"),
    ],
)
def test_processed_at_of_another_type_is_refused(claimed: object, seen: str) -> None:
    assert refused(processed_at=claimed) == f"processed_at: {seen}, expected a whole number"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("version", "1.0"),
        ("algorithm", "hybrid-aes256-rsa4096"),
        ("key_algorithm", "RSA-OAEP-SHA256"),
        ("payload_algorithm", "AES-256-GCM"),
    ],
)
def test_names_are_exact(name: str, wanted: str) -> None:
    others: list[object] = [wanted.swapcase() + "x", f"{wanted} ", f" {wanted}", wanted[:-1], ""]
    others += [None, True, 1, 1.0, {}]
    for other in others:
        assert refused(**{name: other}) == f'{name}: expected "{wanted}"'
    without = {k: v for k, v in ENVELOPE.items() if k != name}
    message = refusal_of(open_response, wire.octets(without), CLIENT)
    assert message == f'{name}: expected "{wanted}"'


@pytest.mark.parametrize(
    ("payload", "seen"), [(None, "null"), ("x", "a string"), (1, "a number"), (True, "a boolean")]
)
def test_payload_is_an_object(payload: object, seen: str) -> None:
    assert refused(encrypted_payload=payload) == f"encrypted_payload: {seen}, expected an object"


@pytest.mark.parametrize("name", ["encrypted_payload", "encrypted_aes_key"])
def test_missing_member_is_refused(name: str) -> None:
    without = wire.octets({k: v for k, v in ENVELOPE.items() if k != name})

    assert refusal_of(open_response, without, CLIENT) == f"{name}: missing"


@pytest.mark.parametrize("name", ["ciphertext", "nonce", "tag"])
def test_missing_member_of_the_payload_is_refused(name: str) -> None:
    payload = {k: v for k, v in ENVELOPE["encrypted_payload"].items() if k != name}

    assert refused(encrypted_payload=payload) == f"{name}: missing"


@pytest.mark.parametrize("name", ["_metadata", "attestation", "accepted", "Version", ""])
def test_unknown_member_is_refused(name: str) -> None:
    without = {k: v for k, v in ENVELOPE.items() if k != "processed_at"}
    message = "response: holds a member that no envelope has"

    assert refusal_of(open_response, wire.octets({**without, name: "x"}), CLIENT) == message
    payload = {**ENVELOPE["encrypted_payload"], name: "x"}
    lie = {**without, "encrypted_payload": payload}
    assert refusal_of(open_response, wire.octets(lie), CLIENT) == message


@pytest.mark.parametrize("name", ["encrypted_aes_key", "ciphertext", "nonce", "tag"])
def test_binary_of_another_type_is_refused(name: str) -> None:
    refuse = refused if name in ENVELOPE else refused_payload

    assert refuse(**{name: None}) == f"{name}: null, expected a string"
    assert refuse(**{name: 1}) == f"{name}: a number, expected a string"
    assert refuse(**{name: {}}) == f"{name}: an object, expected a string"


@pytest.mark.parametrize("text", LIES)
@pytest.mark.parametrize("name", ["encrypted_aes_key", "ciphertext", "nonce", "tag"])
def test_base64_that_is_not_canonical_is_refused(name: str, text: str) -> None:
    refuse = refused if name in ENVELOPE else refused_payload

    assert refuse(**{name: text}) in {
        f"{name}: is not canonical base64",
        "response: is no envelope",  # more colons than an envelope has
    }


@pytest.mark.parametrize(("name", "size"), [("nonce", 12), ("tag", 16)])
def test_nonce_and_tag_have_their_one_size(name: str, size: int) -> None:
    for other in (0, 1, 8, size - 1):
        message = refused_payload(**{name: wire.text(bytes(other))})
        assert message == f"{name}: {other} octets, expected {size}"
    for more in (size + 1, size + 4, 64, 100_000):
        assert refused_payload(**{name: wire.text(bytes(more))}).startswith(f"{name}: ")


@pytest.mark.parametrize("size", [0, 1, 32, 255, 257, 512])
def test_wrapped_key_is_as_long_as_the_modulus(size: int) -> None:
    assert refused(encrypted_aes_key=wire.text(bytes(size))).startswith("encrypted_aes_key: ")


@pytest.mark.parametrize("size", [16, 24])
def test_response_under_a_shorter_aes_key_is_refused(size: int) -> None:
    envelope = wire.sealed(b"x", CLIENT.public_key(), bytes(range(size)))

    assert refusal_of(open_response, wire.octets(envelope), CLIENT) == UNOPENED


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_wrapped_key_of_another_size_is_refused(size: int) -> None:
    wrapped = CLIENT.public_key().encrypt(bytes(size), wire.OAEP)

    assert refused(encrypted_aes_key=wire.text(wrapped)) == UNOPENED


def test_bad_key_and_bad_tag_cannot_be_told_apart() -> None:
    other_label = wire.sealed(b"x", wire.server_key().public_key())["encrypted_aes_key"]
    short_key = CLIENT.public_key().encrypt(bytes(16), wire.OAEP)
    lies = [
        wire.octets({**ENVELOPE, "encrypted_aes_key": wire.text(bytes(256))}),
        wire.octets({**ENVELOPE, "encrypted_aes_key": wire.text(b"\xff" * 256)}),
        wire.octets({**ENVELOPE, "encrypted_aes_key": other_label}),
        wire.octets({**ENVELOPE, "encrypted_aes_key": wire.text(short_key)}),
        wire.octets(with_payload(tag=wire.text(bytes(16)))),
        wire.octets(with_payload(nonce=wire.text(bytes(12)))),
        wire.octets(with_payload(ciphertext="")),
    ]
    seen = set()
    for lie in lies:
        with pytest.raises(SecurityError) as caught:
            open_response(lie, CLIENT)
        error = caught.value
        lines = [(entry.name, entry.lineno) for entry in caught.traceback[1:]]
        seen.add((error.args, error.__cause__, error.__context__, str(lines)))
    assert len(seen) == 1
    assert next(iter(seen))[0] == (UNOPENED,)


def with_payload(**lies: Any) -> dict[str, Any]:
    """The envelope with members of its payload replaced."""
    return {**ENVELOPE, "encrypted_payload": {**ENVELOPE["encrypted_payload"], **lies}}


def test_response_to_another_key_is_refused() -> None:
    octets = wire.sealed_octets(b"x", wire.server_key().public_key())

    assert refusal_of(open_response, octets, CLIENT) == UNOPENED


@pytest.mark.parametrize("name", [*ENVELOPE, *ENVELOPE["encrypted_payload"]])
def test_member_that_stands_twice_is_refused(name: str) -> None:
    member = f'"{name}":'.encode()
    value = wire.octets(ENVELOPE.get(name, ENVELOPE["encrypted_payload"].get(name)))
    without = OCTETS.replace(b',"processed_at":' + str(wire.PROCESSED_AT).encode(), b"")
    source = OCTETS if name == "processed_at" else without
    twice = source.replace(member, member + value + b"," + member)

    assert refusal_of(open_response, twice, CLIENT) in {
        "response: is no JSON object with each member once",
        "response: is no envelope",  # more members than an envelope has
    }


def test_member_that_stands_twice_by_an_escape_is_refused() -> None:
    without = OCTETS.replace(b',"processed_at":' + str(wire.PROCESSED_AT).encode(), b"")
    twice = without.replace(b'"version":', b'"versio\\u006e":"1.0","version":')

    message = "response: is no JSON object with each member once"
    assert refusal_of(open_response, twice, CLIENT) == message


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"{",
        b"null",
        b'"x"',
        b"1",
        b"\xff",
        b"\xef\xbb\xbf" + OCTETS,
        OCTETS + b"{}",
        OCTETS + b"\0",
        OCTETS[:-1],
        OCTETS.decode().encode("utf-16"),
        b"<html></html>",
        b'{"version": "\xff"}',
        b'{"version": "\\ud800"}',
        b'{"processed_at": 1e999}',
        b'{"processed_at": ' + b"9" * 10_000 + b"}",
        b'{"processed_at": NaN}',
    ],
)
def test_what_is_no_json_object_is_refused(octets: bytes) -> None:
    message = refusal_of(open_response, octets, CLIENT)

    assert message == "response: is no JSON object with each member once"


@pytest.mark.parametrize(
    "octets",
    [b"[]", b"[" * 1_000_000, b'{"a":' * 1_000_000, b'{"choices": []}', b'{"a":1,' * 12],
)
def test_what_has_an_array_or_too_many_members_is_refused_undecoded(octets: bytes) -> None:
    assert refusal_of(open_response, octets, CLIENT) == "response: is no envelope"


def test_wire_cap_counts_before_decoding() -> None:
    message = f"response: {MAX_WIRE + 1} octets exceed {MAX_WIRE}"

    assert refusal_of(open_response, b" " * (MAX_WIRE + 1), CLIENT) == message


def test_caps_are_64_and_48_mebioctets() -> None:
    assert (MAX_WIRE, MAX_OPENED) == (64 * 1024 * 1024, 48 * 1024 * 1024)


def test_refusal_repeats_nothing_of_a_response_that_was_never_sealed() -> None:
    for octets in (
        b'{"version": "canary"}',
        b'{"canary": "1", "canary": "2"}',
        wire.octets({**ENVELOPE, "canary": 1}),
        b"canary",
    ):
        assert "canary" not in refusal_of(open_response, octets, CLIENT)
