"""The exchange without I/O: flights that several share, and outcomes that are raised."""

from __future__ import annotations

import pytest

from client import SecurityError
from client.address import read_address
from client.keyring import Keyring
from client.response import settled
from client.steps import Alone
from tests.client import wire
from tests.client.driving import Driver
from tests.client.gating import URL, wired


def keyring() -> Keyring:
    """A keyring that has no key yet."""
    return Keyring(read_address(URL, allow_http=False))


def test_key_that_is_loaded_while_others_wait_for_one_is_taken() -> None:
    one = keyring()
    waiting = one.own_key()
    alone = next(waiting)
    assert isinstance(alone, Alone)
    one.use_key(wire.client_key())

    flight = alone.steps()
    with pytest.raises(StopIteration) as landed:
        next(flight)
    with pytest.raises(StopIteration) as done:
        waiting.send(landed.value.value)

    assert done.value.value is one.own


def test_flight_that_landed_while_one_waited_is_shared() -> None:
    server = wired()
    one = keyring()
    first, second = one.fetch_server_key(), one.fetch_server_key()
    (begun, waiting) = (next(first), next(second))
    assert isinstance(begun, Alone)
    assert isinstance(waiting, Alone)

    keys = [Driver(server).run(step.steps()) for step in (begun, waiting)]

    assert keys[0] is keys[1]
    assert server.fetches == 1


def test_flight_that_begins_after_another_landed_fetches_anew() -> None:
    server = wired()
    one = keyring()

    for _ in range(2):
        Driver(server).run(one.fetch_server_key())

    assert server.fetches == 2


def test_outcome_is_raised_as_an_exception_of_its_own() -> None:
    outcome = SecurityError("said")
    with pytest.raises(SecurityError) as caught:
        settled(outcome, dict)

    assert caught.value is not outcome
    assert (str(caught.value), outcome.__traceback__) == ("said", None)


def test_outcome_of_another_type_is_a_bug() -> None:
    with pytest.raises(TypeError, match=r"^an exchange ended in str$"):
        settled("text", dict)
    assert settled({}, dict) == {}
