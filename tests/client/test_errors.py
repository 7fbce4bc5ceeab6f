"""Exceptions by NOMYO's names, and one of them for every answer that is no success."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

import client
from attest import AttestError
from attest.errors import EvidenceWriteError
from client import (
    APIConnectionError,
    APIError,
    AuthenticationError,
    ClientError,
    ForbiddenError,
    InvalidRequestError,
    RateLimitError,
    SecurityError,
    ServerError,
    ServiceUnavailableError,
)
from client.errors import MAX_ERROR_BODY, api_error

KINDS = [
    (400, InvalidRequestError),
    (401, AuthenticationError),
    (403, ForbiddenError),
    (404, APIError),
    (422, APIError),
    (429, RateLimitError),
    (500, ServerError),
    (502, APIError),
    (503, ServiceUnavailableError),
    (504, APIError),
    (302, APIError),
    (418, APIError),
    (799, APIError),
]


@pytest.mark.parametrize(("status", "kind"), KINDS)
def test_status_decides_the_class(status: int, kind: type[APIError]) -> None:
    error = api_error(status, b'{"detail": "no"}')

    assert type(error) is kind
    assert (error.status_code, error.error_details) == (status, {"detail": "no"})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"detail": "said so"}, "said so"),
        ({"message": "said so"}, "said so"),
        ({"error": "said so"}, "said so"),
        ({"error": {"message": "said so", "code": 1}}, "said so"),
        ({"detail": "first", "message": "second"}, "first"),
        ({"detail": [{"loc": ["x"]}], "message": "second"}, "second"),
        ({"detail": [{"loc": ["x"]}]}, "Bad Request"),
        ({"error": {"code": 1}}, "Bad Request"),
        ({"error": ["x"]}, "Bad Request"),
        ({"detail": " "}, "Bad Request"),
        ({"detail": None}, "Bad Request"),
        ({}, "Bad Request"),
    ],
)
def test_message_is_the_servers_own_where_it_has_one(body: dict[str, object], message: str) -> None:
    error = api_error(400, json.dumps(body).encode())

    assert str(error) == error.message == f"HTTP 400: {message}"
    assert error.error_details == body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'[{"detail": "x"}]',
        b'"text"',
        b"null",
        b"1",
        b"<html>bad gateway</html>",
        b"\xff\xfe",
        b'{"detail": "x"',
        b'{"detail": "x", "detail": "y"}',
        b"[" * 10_000,
        b'{"a":' * 10_000,
        b'{"detail": "' + b"x" * MAX_ERROR_BODY + b'"}',
    ],
)
def test_body_that_is_no_object_still_makes_the_error_of_its_status(body: bytes) -> None:
    error = api_error(503, body)

    assert type(error) is ServiceUnavailableError
    assert str(error) == "HTTP 503: Service Unavailable"
    assert error.error_details is None


def test_body_of_the_most_octets_is_read() -> None:
    body = b'{"detail": "' + b"x" * (MAX_ERROR_BODY - 14) + b'"}'

    assert len(body) == MAX_ERROR_BODY
    assert str(api_error(400, body)) == f"HTTP 400: {'x' * 200}..."


def test_unknown_status_has_a_message() -> None:
    assert str(api_error(799, b"")) == "HTTP 799: not a status that is known"


def test_message_escapes_what_a_terminal_could_act_on() -> None:
    assert str(api_error(400, b'{"detail": "\\u001b[2J\\u202e"}')) == r"HTTP 400: \x1b[2J\u202e"


@given(st.integers(), st.binary(max_size=200))
def test_any_answer_makes_an_api_error(status: int, body: bytes) -> None:
    assert api_error(status, body).status_code == status


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (APIError, None),
        (InvalidRequestError, 400),
        (AuthenticationError, 401),
        (ForbiddenError, 403),
        (RateLimitError, 429),
        (ServerError, 500),
        (ServiceUnavailableError, 503),
    ],
)
def test_error_made_by_message_alone_has_its_usual_status(
    kind: type[APIError], status: int | None
) -> None:
    error = kind("m")

    assert (error.message, error.status_code, error.error_details) == ("m", status, None)
    assert (error.args, str(error)) == (("m",), "m")


def test_api_error_takes_its_parts_by_place_and_by_name() -> None:
    by_place = APIError("m", 418, {"a": 1})
    by_name = APIError(message="m", status_code=418, error_details={"a": 1})

    assert vars(by_place) == vars(by_name)
    assert RateLimitError("m", 430).status_code == 430


def test_api_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(api_error(429, b'{"detail": "slow"}')))  # noqa: S301 - ours

    assert type(error) is RateLimitError
    assert (str(error), error.status_code) == ("HTTP 429: slow", 429)
    assert error.error_details == {"detail": "slow"}


def test_errors_are_one_tree_under_that_of_attest() -> None:
    kinds = [getattr(client, name) for name in client.__all__]
    errors = [kind for kind in kinds if issubclass(kind, Exception)]

    assert all(issubclass(kind, ClientError | EvidenceWriteError) for kind in errors)
    assert len(errors) == 13
    assert issubclass(ClientError, AttestError)
    assert not issubclass(SecurityError, APIError)
    assert not issubclass(APIConnectionError, APIError)


def test_no_error_is_one_of_the_systems() -> None:
    """Retry libraries send again after those: a refusal must never look like one."""
    assert not any(issubclass(getattr(client, name), OSError) for name in client.__all__)


def test_exports_are_sorted_and_there() -> None:
    assert client.__all__ == sorted(client.__all__)
    assert all(hasattr(client, name) for name in client.__all__)
