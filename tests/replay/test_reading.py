"""AIKs that a policy enrols are read once; that changes no result, and keeps no other key."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from attest.archive.saved import Rows
from attest.policy.model import Policy
from attest.replay.batch import verify_batch
from attest.replay.batching import batches_of
from attest.replay.reading import Enrolled
from tests.endorsing import certified
from tests.replay.making import AIK, OTHER, enrolling, octets, policy

NAMED = policy(**enrolling(AIK))
CERTIFYING = policy(**enrolling(OTHER))
SPKI = policy(aik={"trust": "enrolled", "spki_sha256": [hashlib.sha256(AIK.spki).digest()]})

enrolling_ways = pytest.mark.parametrize("by", [NAMED, SPKI], ids=["by name", "by its key"])


def results(
    responses: Sequence[bytes], policy: Policy, enrolled: Enrolled | None = None
) -> list[dict[str, Any]]:
    (batch,) = batches_of([("source", [Rows("response", responses)])])
    found: list[dict[str, Any]] = verify_batch(batch, policy, None, enrolled=enrolled).to_pylist()
    return found


@enrolling_ways
def test_an_enrolled_key_is_kept_and_gives_the_same_results(by: Policy) -> None:
    enrolled = Enrolled()
    first = results([octets(AIK)], by, enrolled)
    (known,) = enrolled.known.values()
    many = [octets(AIK, number=1), octets(AIK, number=2, quoted={"magic": 0})]
    again = results(many, by, enrolled)
    assert (first[0]["decision"], again[0]["decision"]) == ("accepted", "accepted")
    assert again == results(many, by)
    assert list(enrolled.known.values()) == [known]


@pytest.mark.parametrize(
    "lie",
    [
        {"signature": b"\0\x18\0\x0b\0\x20" + bytes(31) + b"\1\0\x20" + bytes(31) + b"\1"},
        {"quoted": {"extra_data": b"stale"}},
        {"values": {"sha256": {0: bytes(32), 7: bytes(32), 10: bytes(32)}}},
    ],
)
def test_a_lie_with_a_key_that_is_known_is_refused_as_ever(lie: dict[str, Any]) -> None:
    enrolled = Enrolled()
    results([octets(AIK)], NAMED, enrolled)
    lied = [octets(AIK, number=1, **lie)]
    (judged,) = results(lied, NAMED, enrolled)
    assert judged["decision"] == "refused"
    assert [judged] == results(lied, NAMED)


@enrolling_ways
def test_a_key_that_differs_in_one_attribute_is_not_the_known_one(by: Policy) -> None:
    enrolled = Enrolled()
    results([octets(AIK)], by, enrolled)
    near = [octets(AIK.claiming(attributes=0x00040072), number=1)]
    (judged,) = results(near, by, enrolled)
    assert "aik.attributes" in judged["refused_by"]
    assert ("aik.trust" in judged["refused_by"]) is (by is NAMED)
    assert [judged] == results(near, by)
    assert len(enrolled.known) == 1


@pytest.mark.parametrize(
    ("response", "by"),
    [
        (octets(OTHER), NAMED),
        (octets(AIK), policy()),
        (octets(AIK, attestation={"endorsement": certified(AIK, OTHER)}), CERTIFYING),
        (b"nonsense", NAMED),
    ],
    ids=["not enrolled", "unanchored", "certified", "no JSON"],
)
def test_no_other_key_is_kept(response: bytes, by: Policy) -> None:
    enrolled = Enrolled()
    results([response], by, enrolled)
    assert enrolled.known == {}
