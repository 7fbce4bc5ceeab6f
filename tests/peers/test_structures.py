"""attest and the TCG stack read the same octets alike, but for the differences of a table."""

import itertools
from collections.abc import Iterable

import pytest

from tests.peers import corpus, differences, readings
from tests.peers.differences import OURS, TABLE, Difference

KINDS = tuple(corpus.MEMBERS)
MUTANTS = 10_000
"""For each kind and seed."""

kinds = pytest.mark.parametrize("kind", KINDS)


def assert_alike(kind: str, inputs: Iterable[bytes]) -> int:
    """Compare both readings of each input; return how many inputs both took."""
    taken = 0
    for octets in inputs:
        ours, theirs = readings.ours(kind, octets), readings.theirs(kind, octets)
        if ours.fields is not None and theirs.fields is not None:
            same = {name: theirs.fields[name] for name in ours.fields}
            assert ours.fields == same, octets.hex()
            assert theirs.left == 0 or is_unread(kind, ours), octets.hex()
            taken += 1
        elif ours.fields is not None or theirs.fields is not None:
            told = f"{octets.hex()}: attest says {ours}, tpm2-pytss says {theirs}"
            assert differences.explanations(kind, ours, theirs), told
    return taken


def is_unread(kind: str, ours: readings.Reading) -> bool:
    """Tell whether attest took the octets without looking into their last part."""
    unread = (one for one in TABLE if one.kind == kind and one.accepts == OURS)
    return any(one.explains(ours, readings.Reading(None)) for one in unread)


@kinds
def test_recorded_and_forged_structures_are_read_alike(kind: str) -> None:
    assert assert_alike(kind, corpus.recorded(kind)) > 20


@kinds
def test_composed_structures_are_read_alike(kind: str) -> None:
    assert assert_alike(kind, corpus.composed(kind)) > 5


@pytest.mark.parametrize("seed", range(2))
@kinds
def test_mutated_structures_are_read_alike(kind: str, seed: int) -> None:
    taken = assert_alike(kind, corpus.mutants(kind, seed, MUTANTS))
    assert taken > MUTANTS // 10, "the mutations hardly reach the fields"


@kinds
def test_truncated_structures_are_read_alike(kind: str) -> None:
    for octets in corpus.composed(kind)[:4]:
        assert_alike(kind, (octets[:length] for length in range(len(octets))))


@kinds
def test_every_octet_of_a_structure_is_read_alike_when_it_is_another(kind: str) -> None:
    octets = corpus.recorded(kind)[0]
    changes = itertools.product(range(len(octets)), (0x01, 0x80, 0xFF))
    assert_alike(
        kind,
        (octets[:at] + bytes([octets[at] ^ flip]) + octets[at + 1 :] for at, flip in changes),
    )


@pytest.mark.parametrize("difference", TABLE, ids=lambda one: one.name)
def test_each_difference_of_the_table_occurs(difference: Difference) -> None:
    octets = difference.example()
    ours = readings.ours(difference.kind, octets)
    theirs = readings.theirs(difference.kind, octets)
    assert difference.name in differences.explanations(difference.kind, ours, theirs), (
        f"attest says {ours}, tpm2-pytss says {theirs}"
    )
