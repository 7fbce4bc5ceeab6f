"""``quote.nonce``: the quote answers this request, octet for octet."""

import hashlib

import pytest

from tests import build
from tests.judging import Members, answer, refusing, verified

CHECK = "quote.nonce"
FRESH = ("pass", "extraData equals the expected nonce")
WANTED = build.nonce_of(build.PAYLOAD_ID)
GIVEN: Members = {"nonce": "given"}
NONE: Members = {"nonce": "none"}
NO_ID = "payload_id is missing, empty or no text"


def test_nonce_passes_where_it_is_the_digest_of_the_payload_id() -> None:
    assert answer(verified(), CHECK) == FRESH


def test_nonce_is_sixteen_octets_of_sha256() -> None:
    expected = hashlib.sha256(b"an id").digest()[:16]
    result = verified(payload_id="an id", quoted={"extra_data": expected})
    assert answer(result, CHECK) == FRESH


@pytest.mark.parametrize(
    "seen",
    [
        WANTED[:15],
        WANTED + b"\0",
        b"\0" + WANTED,
        WANTED[:-1] + bytes([WANTED[-1] ^ 1]),
        bytes([WANTED[0] ^ 0x80]) + WANTED[1:],
        WANTED[::-1],
        hashlib.sha256(build.PAYLOAD_ID.encode()).digest(),
        WANTED.hex().encode(),
        build.PAYLOAD_ID.encode(),
        bytes(16),
    ],
    ids=[
        *("prefix", "suffix", "padded", "last-bit", "first-bit", "reversed", "whole-digest"),
        *("hex", "plain", "zeros"),
    ],
)
def test_nonce_fails_on_any_other_octets(seen: bytes) -> None:
    result = verified(quoted={"extra_data": seen})
    assert answer(result, CHECK) == ("fail", f"extraData is {seen.hex()}, expected {WANTED.hex()}")


def test_nonce_fails_where_extra_data_is_empty() -> None:
    result = verified(quoted={"extra_data": b""})
    assert answer(result, CHECK) == ("fail", f"extraData is empty, expected {WANTED.hex()}")


def test_nonce_alone_refuses_the_quote_of_another_request() -> None:
    assert refusing(verified(quoted={"extra_data": build.nonce_of("another")})) == {CHECK}


@pytest.mark.parametrize("saved", [None, "", 7, True, 0.5, ["id"], {"id": "id"}])
def test_nonce_fails_on_a_saved_id_that_is_none(saved: object) -> None:
    result = verified(metadata={"payload_id": saved})
    assert answer(result, CHECK) == ("fail", f"the saved {NO_ID}")


def test_nonce_fails_where_the_saved_id_is_missing() -> None:
    result = verified(drop=["_metadata.payload_id"])
    assert answer(result, CHECK) == ("fail", f"the saved {NO_ID}")


@pytest.mark.parametrize("given", ["", 7, b"id", "\ud800", []])
def test_nonce_fails_on_a_given_id_that_is_none(given: object) -> None:
    result = verified(asking={"payload_id": given}, drop=["_metadata.payload_id"])
    assert answer(result, CHECK) == ("fail", f"the given {NO_ID}")


def test_nonce_passes_where_the_given_id_is_the_saved_one() -> None:
    assert answer(verified(asking={"payload_id": build.PAYLOAD_ID}), CHECK) == FRESH


def test_nonce_passes_where_only_the_caller_knows_the_id() -> None:
    asking = {"payload_id": build.PAYLOAD_ID}
    assert answer(verified(asking=asking, drop=["_metadata.payload_id"]), CHECK) == FRESH


@pytest.mark.parametrize("saved", ["another", "", 7, build.PAYLOAD_ID.upper()])
def test_nonce_fails_where_the_saved_id_differs_from_the_given_one(saved: object) -> None:
    asking = {"payload_id": build.PAYLOAD_ID}
    result = verified(asking=asking, metadata={"payload_id": saved})
    reason = "the saved payload_id is not the one that was sent"
    assert answer(result, CHECK) == ("fail", reason)


def test_nonce_is_compared_with_the_given_id_not_with_the_saved_one() -> None:
    result = verified(asking={"payload_id": "mine"}, drop=["_metadata.payload_id"])
    reason = f"extraData is {WANTED.hex()}, expected {build.nonce_of('mine').hex()}"
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("policy", [GIVEN, NONE], ids=["given", "none"])
def test_nonce_fails_where_the_saved_id_differs_whatever_the_policy_compares(
    policy: Members,
) -> None:
    nonce = {"nonce": WANTED} if policy is GIVEN else {}
    result = verified(policy=policy, asking={"payload_id": "mine", **nonce})
    reason = "the saved payload_id is not the one that was sent"
    assert answer(result, CHECK) == ("fail", reason)


@pytest.mark.parametrize("size", [1, 16, 20, 64])
def test_nonce_passes_where_the_given_octets_are_quoted(size: int) -> None:
    octets = bytes(range(size))
    result = verified(policy=GIVEN, asking={"nonce": octets}, quoted={"extra_data": octets})
    assert answer(result, CHECK) == FRESH


def test_nonce_fails_where_other_octets_were_given() -> None:
    result = verified(policy=GIVEN, asking={"nonce": b"\1\2"}, quoted={"extra_data": b"\1"})
    assert answer(result, CHECK) == ("fail", "extraData is 01, expected 0102")


def test_nonce_given_needs_no_payload_id() -> None:
    result = verified(
        policy=GIVEN,
        asking={"nonce": b"\1"},
        quoted={"extra_data": b"\1"},
        drop=["_metadata.payload_id"],
    )
    assert answer(result, CHECK) == FRESH


@pytest.mark.parametrize("seen", [WANTED, b"foreign", b""])
def test_nonce_warns_where_the_policy_compares_none(seen: bytes) -> None:
    result = verified(policy=NONE, quoted={"extra_data": seen})
    reason = "the policy has no nonce compared: the quote may be of any age"
    assert answer(result, CHECK) == ("warn", reason)


def test_nonce_warning_does_not_refuse_and_leaves_the_assurance() -> None:
    result = verified(policy=NONE, quoted={"extra_data": b"foreign"})
    assert (result.accepted, str(result.assurance)) == (True, "self-consistent")


def test_another_nonce_takes_the_assurance() -> None:
    result = verified(quoted={"extra_data": b"foreign"})
    assert (refusing(result), str(result.assurance)) == ({CHECK}, "none")


def test_nonce_is_skipped_without_a_readable_quote() -> None:
    result = verified(quoted={"trailing": b"\0"})
    assert answer(result, CHECK) == ("skip", "the quote could not be read")


def test_nonce_skipped_refuses() -> None:
    assert CHECK in refusing(verified(quoted={"trailing": b"\0"}))


def test_nonce_fault_of_the_id_is_said_before_a_quote_that_cannot_be_read() -> None:
    result = verified(quoted={"trailing": b"\0"}, metadata={"payload_id": ""})
    assert answer(result, CHECK) == ("fail", f"the saved {NO_ID}")
