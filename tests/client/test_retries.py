"""Which attempts are made again, when, and that each is sealed anew under an id of its own."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from client import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    ForbiddenError,
    InvalidRequestError,
    RateLimitError,
    SecurityError,
    ServerError,
    ServiceUnavailableError,
)
from client.errors import ClientError
from client.retries import JITTER, LONGEST_WAIT, MAX_RETRIES, Failed, refused, wait_before
from client.steps import Answer
from tests.client.driving import Driven
from tests.client.gating import Face, lost, wired
from tests.client.serving import Answer as Answering
from tests.client.serving import Posted, Reply, answered, status

RETRIED: list[tuple[int, type[APIError]]] = [
    (429, RateLimitError),
    (500, ServerError),
    (502, APIError),
    (503, ServiceUnavailableError),
    (504, APIError),
]
FINAL: list[tuple[int, type[APIError]]] = [
    (401, AuthenticationError),
    (403, ForbiddenError),
    (404, APIError),
    (409, APIError),
    (413, APIError),
    (422, APIError),
    (501, APIError),
    (505, APIError),
]


def at_once(code: int) -> Answering:
    """Answer with a status, and let the client come back at once."""
    return status(code, retry_after="0")


@pytest.mark.parametrize(("code", "kind"), RETRIED)
def test_attempt_is_made_again_up_to_max_retries(
    face: Face, code: int, kind: type[APIError]
) -> None:
    server = wired(at_once(code))

    with pytest.raises(APIError) as caught:
        face.ask(face.chat(server, max_retries=3))

    assert (type(caught.value), caught.value.status_code) == (kind, code)
    assert len(server.posts) == 4


@pytest.mark.parametrize(("code", "_"), RETRIED)
def test_attempt_that_is_made_again_succeeds(face: Face, code: int, _: object) -> None:
    server = wired(at_once(code), at_once(code), answered())

    assert face.ask(face.chat(server)).attestation.accepted
    assert len(server.posts) == 3


def test_every_attempt_is_sealed_anew_under_an_id_of_its_own(face: Face) -> None:
    server = wired(at_once(503), at_once(503), answered())

    face.ask(face.chat(server))

    assert len({posted.payload_id for posted in server.posts}) == 3
    assert len({posted.body for posted in server.posts}) == 3
    assert len({posted.plaintext for posted in server.posts}) == 1
    assert server.fetches == 1


@pytest.mark.parametrize(("code", "kind"), FINAL)
def test_other_status_is_final(face: Face, code: int, kind: type[APIError]) -> None:
    server = wired(at_once(code))

    with pytest.raises(APIError) as caught:
        face.ask(face.chat(server))

    assert type(caught.value) is kind
    assert len(server.posts) == 1


@pytest.mark.parametrize("code", [429, 503])
def test_without_retries_there_is_one_attempt(face: Face, code: int) -> None:
    server = wired(at_once(code))

    with pytest.raises(APIError):
        face.ask(face.chat(server, max_retries=0))

    assert len(server.posts) == 1


@pytest.mark.parametrize("kind", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_lost_connection_is_tried_again(kind: type[httpx.TransportError]) -> None:
    driven = Driven(wired(lost(kind), lost(kind), answered()))

    assert driven.outcome == "judged"
    assert len(driven.server.posts) == 3
    assert len(driven.waits) == 2


def test_waits_double_from_one_second_with_jitter() -> None:
    seen = [Driven(wired(status(503)), max_retries=8).waits for _ in range(20)]

    for retry in range(8):
        waits = [one[retry] for one in seen]
        least = min(2.0**retry, LONGEST_WAIT)
        assert all(least <= wait <= least * (1 + JITTER) for wait in waits)
        assert len(set(waits)) > 1


def test_there_is_no_wait_after_the_last_attempt() -> None:
    driven = Driven(wired(status(503)), max_retries=2)

    assert isinstance(driven.outcome, ServiceUnavailableError)
    assert len(driven.waits) == 2


@pytest.mark.parametrize("said", ["0", "5", " 7 ", "60", "007"])
def test_retry_after_in_seconds_is_honoured(said: str) -> None:
    (wait,) = Driven(wired(status(429, retry_after=said), answered())).waits

    assert float(said) <= wait <= float(said) * (1 + JITTER)


def in_future(seconds: float) -> str:
    """A moment from now as HTTP writes it."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return email.utils.format_datetime(at, usegmt=True)


def test_retry_after_as_a_date_is_honoured() -> None:
    (wait,) = Driven(wired(status(503, retry_after=in_future(30)), answered())).waits

    assert 20 < wait <= 30 * (1 + JITTER)


def test_retry_after_in_the_past_waits_for_nothing() -> None:
    driven = Driven(wired(status(503, retry_after=in_future(-3600)), answered()))

    assert driven.waits == [0.0]


@pytest.mark.parametrize("said", ["61", "3600", "999999999", None])
def test_server_that_wants_more_than_a_minute_is_asked_no_more(said: str | None) -> None:
    driven = Driven(wired(status(429, retry_after=said or in_future(7200)), answered()))

    assert isinstance(driven.outcome, RateLimitError)
    assert (driven.waits, len(driven.server.posts)) == ([], 1)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "soon",
        "-1",
        "1.5",
        "1e3",
        "\u0661",
        "1_0",
        "0x10",
        "9" * 10,
        "9" * 5000,
        "Wed, 25 Nov 2026 18:00:00 -0000",
        "Wed, 99 Nov 2026 18:00:00 GMT",
        "Wed, 25 Nov 2026 18:00:00 +9999",
        "Wed, 25 Nov 2026 18:00:00 +99999999999999999999",
        "Wed, 25 Nov 99999999999 18:00:00 GMT",
        ",",
    ],
)
def test_retry_after_that_says_neither_is_ignored(said: str) -> None:
    failed = refused(Answer(503, {"retry-after": said}, b""))

    assert failed.retry_after is None
    wait = wait_before(0, failed)
    assert wait is not None
    assert 1 <= wait <= 1 + JITTER


@pytest.mark.parametrize("error", [SecurityError("x"), ClientError("x"), InvalidRequestError("x")])
def test_what_no_attempt_cures_is_waited_for_by_nobody(error: ClientError) -> None:
    assert wait_before(0, Failed(error)) is None


def test_connection_error_is_waited_for() -> None:
    assert wait_before(0, Failed(APIConnectionError("x"))) is not None


@pytest.mark.parametrize("failed", [1, 2])
def test_key_that_cannot_be_fetched_is_fetched_again(failed: int) -> None:
    server = wired()
    server.key_replies = [Reply(b"", 503)] * failed + [Reply(server.pem)]

    driven = Driven(server)

    assert driven.outcome == "judged"
    assert (server.fetches, len(server.posts), len(driven.waits)) == (failed + 1, 1, failed)


def test_key_that_is_never_there_is_a_server_error(face: Face) -> None:
    server = wired()
    server.key_replies = [Reply(b"", 503, {"Retry-After": "0"})]

    with pytest.raises(ServiceUnavailableError):
        face.ask(face.chat(server, max_retries=2))

    assert (server.fetches, server.posts) == (3, [])


@pytest.mark.parametrize("count", [-1, MAX_RETRIES + 1, -(10**20)])
def test_number_of_retries_has_bounds(face: Face, count: int) -> None:
    with pytest.raises(ValueError, match=f"^max_retries is {count}, expected 0 to 100$"):
        face.chat(wired(), max_retries=count)
    with pytest.raises(ValueError, match=r"^max_retries is"):
        face.protocol(wired(), max_retries=count)


@pytest.mark.parametrize("count", [True, False, 2.0, "2", None])
def test_number_of_retries_is_a_whole_number(face: Face, count: Any) -> None:
    kind = type(count).__name__
    with pytest.raises(TypeError, match=f"^max_retries is {kind}, expected int$"):
        face.chat(wired(), max_retries=count)


def test_most_retries_are_taken() -> None:
    def refusing(posted: Posted) -> Reply:
        return Reply(b"", 503)

    driven = Driven(wired(refusing), max_retries=MAX_RETRIES)

    assert len(driven.server.posts) == MAX_RETRIES + 1
    assert max(driven.waits) <= LONGEST_WAIT * (1 + JITTER)
