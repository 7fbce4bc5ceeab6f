"""Whatever octets come: the plaintext that was sealed, or SecurityError that holds no secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import SecurityError
from client.envelope import open_response
from tests.client import wire
from tests.client.leaks import held, leaked

CLIENT = wire.small_key()
AES_KEY = bytes(range(100, 132))
CANARY = b"canary-5d2c1b"
ENVELOPE = wire.sealed(CANARY, CLIENT.public_key(), AES_KEY)
OCTETS = wire.octets(ENVELOPE)
CLAIM = b'"processed_at":' + str(wire.PROCESSED_AT).encode()

_NAMES = st.sampled_from([*ENVELOPE, *ENVELOPE["encrypted_payload"], "other"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.binary(max_size=40).map(wire.text) | st.sampled_from([*map(str, ENVELOPE.values())]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=8,
)  # fmt: skip


def outcome(octets: bytes) -> bytes | None:
    """Open; None where it is refused. Any other exception passes through."""
    try:
        return open_response(octets, CLIENT)
    except SecurityError as error:
        refusal = error
    assert leaked(refusal, CANARY, AES_KEY) == []
    assert not held(refusal, CLIENT)
    assert (refusal.__cause__, refusal.__context__) == (None, None)
    return None


@given(st.binary(max_size=1_000))
def test_any_octets_are_refused(octets: bytes) -> None:
    assert outcome(octets) is None


@given(st.dictionaries(_NAMES, _VALUES, max_size=11))
def test_any_object_is_refused(document: dict[str, Any]) -> None:
    assert outcome(json.dumps(document).encode()) is None


@given(st.dictionaries(st.sampled_from([*ENVELOPE]), _VALUES, min_size=1, max_size=2))
def test_any_members_put_into_an_envelope_open_nothing_else(lies: dict[str, Any]) -> None:
    assert outcome(wire.octets({**ENVELOPE, **lies})) in {None, CANARY}


@given(
    st.integers(0, len(OCTETS)),
    st.integers(0, 40),
    st.binary(max_size=10) | st.sampled_from([b'"', b"\\u003a", b"=", b",", b"{}", b"[]", b"0"]),
)
def test_any_edit_opens_nothing_else(start: int, length: int, put: bytes) -> None:
    edited = OCTETS[:start] + put + OCTETS[start + length :]

    assert outcome(edited) in {None, CANARY}


@pytest.mark.parametrize("mask", [0x01, 0x02, 0x04, 0x20, 0x80, 0xFF])
def test_every_change_of_one_octet_is_refused(mask: int) -> None:
    """But in the digits of processed_at, which nothing protects and nobody reads."""
    start = OCTETS.index(CLAIM) + len(b'"processed_at":')
    claim = range(start, OCTETS.index(CLAIM) + len(CLAIM))
    opened = [
        place
        for place, octet in enumerate(OCTETS)
        if outcome(OCTETS[:place] + bytes([octet ^ mask]) + OCTETS[place + 1 :]) is not None
    ]

    assert set(opened) <= set(claim)


def test_every_truncation_is_refused() -> None:
    assert [length for length in range(len(OCTETS)) if outcome(OCTETS[:length])] == []


def test_change_of_processed_at_opens_the_same_plaintext() -> None:
    assert outcome(OCTETS.replace(CLAIM, b'"processed_at":1')) == CANARY


@pytest.mark.parametrize(
    "lie",
    [
        {"encrypted_payload": {**ENVELOPE["encrypted_payload"], "tag": wire.text(bytes(16))}},
        {"encrypted_payload": {**ENVELOPE["encrypted_payload"], "nonce": wire.text(bytes(12))}},
        {"encrypted_aes_key": wire.text(bytes(256))},
        {"version": CANARY.decode()},
        {CANARY.decode(): 1},
        {"processed_at": CANARY.decode()},
    ],
)
def test_failure_leaves_no_secret_in_exception_or_frames(lie: dict[str, Any]) -> None:
    octets = wire.octets({**ENVELOPE, **lie})

    with pytest.raises(SecurityError) as caught:
        open_response(octets, CLIENT)
    assert leaked(caught.value, CANARY, AES_KEY) == []
    assert not held(caught.value, CLIENT)


def test_response_that_was_never_sealed_is_not_kept_in_frames() -> None:
    with pytest.raises(SecurityError) as caught:
        open_response(b'{"choices": [{"content": "' + CANARY + b'"}]}', CLIENT)
    assert leaked(caught.value, CANARY) == []


def _leak(secret: bytes) -> None:
    inner = {"deep": [secret]}
    raise ValueError(len(inner))


def test_the_search_for_secrets_finds_one() -> None:
    with pytest.raises(ValueError, match="1") as caught:
        _leak(CANARY)
    assert leaked(caught.value, CANARY)
    assert held(caught.value, CANARY)
